#include "storage/events/event_log_impl.hpp"

#include "storage/base/limits.hpp"

#include <map>

namespace factory {

namespace {

/// Events stored before and events of this append, by key.
using event_map = std::map<event_key, event>;

void add_to_batch(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* events, const event& e) {
  const std::string entry = encode_log_entry(e);
  batch.Put(events, event_record_key(e.key), encode_event(e));
  batch.Put(events, log_key(e.sequence), entry);
  batch.Put(events, sensor_log_key(e.key.sensor, e.sequence), entry);
}

/// Keeps counters and the spaces of alerts right for one new event. A raise and its clearing may come in either order, and
/// either may be missing.
void fold(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* events, const event& e, const event_map& known,
          event_counters& counters) {
  switch (e.key.kind) {
    case event_kind::anomaly: ++counters.anomalies; break;
    case event_kind::alert_raised: {
      const std::string entry = encode_log_entry(e);
      ++counters.alerts;
      batch.Put(events, alert_key(e.sequence), entry);
      if (known.contains(with_kind(e.key, event_kind::alert_cleared))) break;
      ++counters.active_alerts;
      batch.Put(events, open_alert_key(e.sequence), entry);
      break;
    }
    case event_kind::alert_cleared: {
      const auto raised = known.find(with_kind(e.key, event_kind::alert_raised));
      if (raised == known.end()) break;
      --counters.active_alerts;
      batch.Delete(events, open_alert_key(raised->second.sequence));
      break;
    }
    case event_kind::alert_acknowledged: break;
  }
}

/// The keys whose presence decides what the events of `found` mean.
std::vector<event_key> keys_to_look_up(const std::vector<event>& found) {
  std::vector<event_key> keys;
  keys.reserve(found.size() * 2);
  for (const event& e : found) {
    keys.push_back(e.key);
    if (e.key.kind == event_kind::alert_raised) keys.push_back(with_kind(e.key, event_kind::alert_cleared));
    if (e.key.kind == event_kind::alert_cleared) keys.push_back(with_kind(e.key, event_kind::alert_raised));
  }
  return keys;
}

}  // namespace

expected<std::size_t> event_log::impl::append(std::vector<event> found, bool fsync) {
  if (unreadable) return tl::unexpected(*unreadable);
  auto stored = get(keys_to_look_up(found), rocksdb::ReadOptions());
  if (!stored) return tl::unexpected(stored.error());
  event_map known;
  for (auto& e : *stored) {
    if (e) known.emplace(e->key, std::move(*e));
  }
  rocksdb::WriteBatch batch;
  event_counters next = current();
  std::size_t fresh = 0;
  std::uint64_t sequence = given;
  for (event& e : found) {
    if (known.contains(e.key)) continue;
    e.sequence = next.last_sequence = ++sequence;
    add_to_batch(batch, column_family(), e);
    fold(batch, column_family(), e, known, next);
    const event_key key = e.key;
    known.emplace(key, std::move(e));
    ++fresh;
  }
  if (fresh == 0 && !fsync) return 0;  // with fsync what was stored before must reach the disk now: the counters carry it there
  batch.Put(column_family(), to_slice(counters_key), encode_counters(next));
  // A cursor that somebody holds must not come to stand behind events that it never passed: what a power cut takes away is found
  // again in another order, and gets sequences above all that were seen.
  const bool reserve = sequence > reserved;
  const std::uint64_t until = reserve ? sequence + limits::event_sequences_ahead : reserved;
  if (reserve) batch.Put(column_family(), to_slice(reserved_key), encode_reserved(until));
  if (auto written = rocks.write(batch, fsync || reserve, "storing events"); !written) return tl::unexpected(written.error());
  given = sequence;
  reserved = until;
  const std::lock_guard lock(guard);
  counters = next;
  return fresh;
}

expected<std::size_t> event_log::append(std::vector<event> found, bool fsync) {
  if (found.empty()) return 0;
  const std::lock_guard one_at_a_time(impl_->appending);
  return impl_->append(std::move(found), fsync);
}

}  // namespace factory
