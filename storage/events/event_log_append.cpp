#include "storage/events/event_log_impl.hpp"

#include "storage/base/limits.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace factory {

namespace {

/// Stands for a finding in a map: the key of the event that would state it first.
event_key finding_of(const event_key& key) { return with_kind(key, {}); }

/// Nearly all events of a busy plant: they say all about their finding, so it need not be read.
bool stands_alone(const event_key& key) { return key.kind == event_kind::anomaly && key.revision == 0; }

/// One append on its way into a batch: knows what is stored of the findings that it touches, and keeps counters and spaces right.
class staged_append {
 public:
  staged_append(const event_log::impl& log, const event_counters& as_stored, std::uint64_t given_so_far)
      : counters(as_stored), given(given_so_far), zone_number(log.zone_number), zone(log.zone), log_(log) {}

  expected<void> add(std::vector<event> found) {
    if (auto read = read_stored(found); !read) return read;
    for (event& e : found) {
      auto& known = findings_[finding_of(e.key)];
      if (std::ranges::any_of(known, [&](const event& stored) { return stored.key == e.key; })) continue;
      e.sequence = counters.last_sequence = ++given;
      put(e);
      const auto before = fold_finding(known);
      known.push_back(std::move(e));
      count(known.back());
      added.push_back(known.back());
      move(before, fold_finding(known));
      ++fresh;
    }
    return {};
  }

  rocksdb::WriteBatch batch;
  event_counters counters;
  std::uint64_t given;
  std::uint64_t zone_number;
  event_zone zone;
  std::size_t fresh = 0;
  std::vector<event> added;

  void put_zone() { batch.Put(log_.column_family(), zone_key(zone_number), encode_zone(zone)); }

 private:
  expected<void> read_stored(const std::vector<event>& found) {
    std::set<event_key> whole;
    std::vector<event_key> alone;
    for (const event& e : found) {
      if (stands_alone(e.key)) {
        alone.push_back(e.key);
      } else {
        whole.insert(finding_of(e.key));
      }
    }
    std::erase_if(alone, [&](const event_key& key) { return whole.contains(finding_of(key)); });
    auto stored = log_.get(alone, {});
    if (!stored) return tl::unexpected(stored.error());
    for (auto& e : *stored) {
      if (!e) continue;
      auto& known = findings_[finding_of(e->key)];
      if (known.empty()) known.push_back(std::move(*e));
    }
    for (const event_key& key : whole) {
      auto events = log_.events_of(key, {});
      if (!events) return tl::unexpected(events.error());
      findings_[key] = std::move(*events);
    }
    return {};
  }

  void put(const event& e) {
    const std::string entry = encode_log_entry(e);
    batch.Put(log_.column_family(), event_record_key(e.key), encode_event(e));
    batch.Put(log_.column_family(), log_key(e.sequence), entry);
    batch.Put(log_.column_family(), sensor_log_key(e.key.sensor, e.sequence), entry);
    if (const auto number = zone_of(e.sequence); number != zone_number) {
      put_zone();
      zone_number = number;
      zone = {};
    }
    zone.add(e.key.kind, e.at_us);
  }

  void count(const event& e) {
    if (role_of(e.key.kind) != event_role::states || e.key.revision != 0) return;
    if (is_detector(e.key.source)) ++counters.anomalies;
    if (group_of(e.key.source) == source_group::limit) ++counters.alerts;
  }

  /// A finding is listed by the sequence of the event that states it; a second statement, after a withdrawal, lists it anew.
  void move(const finding& before, const finding& after) {
    const auto& stated = after.stated ? after.stated : before.stated;
    if (!stated) return;
    if (is_detector(stated->key.source)) {
      const auto of_sensor = [sensor = stated->key.sensor](std::uint64_t at) { return sensor_anomaly_key(sensor, at); };
      list(before, before.holds(), after, after.holds(), anomaly_key);
      list(before, before.holds(), after, after.holds(), of_sensor);
      list(before, before.open(), after, after.open(), open_anomaly_key);
      return;
    }
    if (group_of(stated->key.source) == source_group::pipeline)  // in no list but that of what is open
      return list(before, before.open(), after, after.open(), open_alert_key);
    counters.active_alerts += std::uint64_t{after.open()} - std::uint64_t{before.open()};  // wraps back
    list(before, before.holds(), after, after.holds(), alert_key);
    list(before, before.open(), after, after.open(), open_alert_key);
  }
  template <class Key>
  void list(const finding& before, bool was, const finding& after, bool is, const Key& key) {
    const std::uint64_t from = was ? before.stated->sequence : 0, to = is ? after.stated->sequence : 0;
    if (from == to) return;
    if (from != 0) batch.Delete(log_.column_family(), key(from));
    if (to != 0) batch.Put(log_.column_family(), key(to), encode_log_entry(*after.stated));
  }

  const event_log::impl& log_;
  std::map<event_key, std::vector<event>> findings_;  // their events, stored or staged, by sequence
};

}  // namespace

expected<std::size_t> event_log::impl::append(std::vector<event> found, bool fsync) {
  if (uncertain) read_counters();
  if (uncertain && !unreadable) open_zones();
  if (unreadable) return tl::unexpected(*unreadable);
  uncertain = false;
  staged_append staged(*this, current(), given);
  if (auto added = staged.add(std::move(found)); !added) return tl::unexpected(added.error());
  // With fsync what was stored before must reach the disk now: the counters carry it there.
  if (staged.fresh == 0 && !fsync) return 0;
  staged.batch.Put(column_family(), to_slice(counters_key), encode_counters(staged.counters));
  if (staged.fresh != 0 && zones_hold) {
    staged.put_zone();
    staged.batch.Put(column_family(), to_slice(zones_mark_key),
                     encode_zones_mark({staged.counters.last_sequence, zones.known_from}));
  }
  // A cursor that somebody holds must not come to stand behind events that it never passed: what a power cut takes away is found
  // again in another order, and gets sequences above all that were seen.
  const bool reserve = staged.given > reserved;
  const std::uint64_t until = reserve ? staged.given + limits::event_sequences_ahead : reserved;
  if (reserve) staged.batch.Put(column_family(), to_slice(reserved_key), encode_reserved(until));
  given = staged.given;  // also of a write that fails: it may be on disk, and none is given twice
  if (auto written = rocks.write(staged.batch, fsync || reserve, "storing events"); !written) {
    uncertain = true;
    return tl::unexpected(written.error());
  }
  reserved = until;
  zone_number = staged.zone_number;
  zone = staged.zone;
  zones.last_sequence = staged.counters.last_sequence;
  {
    const std::lock_guard lock(guard);
    counters = staged.counters;
  }
  feed.publish(std::move(staged.added));
  return staged.fresh;
}

expected<std::size_t> event_log::append(std::vector<event> found, bool fsync) {
  if (found.empty()) return 0;
  const std::lock_guard one_at_a_time(impl_->appending);
  return impl_->append(std::move(found), fsync);
}

namespace {

event_kind end_of(event_source source) {
  if (is_detector(source)) return event_kind::anomaly_closed;
  return group_of(source) == source_group::pipeline ? event_kind::pipeline_cleared : event_kind::alert_cleared;
}

}  // namespace

expected<std::size_t> event_log::end_findings(const std::function<bool(const event_key&)>& is_gone, std::string_view why,
                                              std::int64_t now_us) {
  const std::lock_guard one_at_a_time(impl_->appending);
  auto open = impl_->open_findings(is_gone);
  if (!open) return tl::unexpected(open.error());
  std::vector<event> ends;
  for (const finding& it : *open) {
    event end = it.worst();
    end.key = with_kind(end.key, end_of(end.key.source), it.times_ended);
    end.recorded_at_us = now_us;
    end.explanation = why;
    end.who.clear();
    ends.push_back(std::move(end));
  }
  return ends.empty() ? expected<std::size_t>(0) : impl_->append(std::move(ends), true);
}

}  // namespace factory
