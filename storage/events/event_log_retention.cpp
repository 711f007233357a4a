#include <algorithm>
#include <set>

#include "storage/base/freed_ranges.hpp"
#include "storage/events/event_log_impl.hpp"
#include "storage/events/log_walk.hpp"

namespace factory {

namespace {

constexpr std::size_t events_at_once = 1'000;
constexpr std::uint64_t worth_compacting = 10'000;  // events

/// When the finding was over; nullopt while it is open.
std::optional<std::int64_t> over_at(const finding& it, const std::vector<event>& events) {
  if (it.open()) return std::nullopt;
  if (!it.stated) return std::ranges::max(events, {}, &event::at_us).at_us;  // a note on something that was never stated
  if (const auto* const episode = std::get_if<episode_detail>(&it.newest().detail)) return episode->end_us;
  return it.ended ? it.ended->at_us : it.stated->at_us;
}

}  // namespace

/// REQUIRES `appending`.
expected<std::uint64_t> event_log::impl::drop_findings(const std::set<event_key>& of, std::int64_t border_us) {
  rocksdb::WriteBatch batch;
  std::uint64_t dropped = 0;
  for (const event_key& key : of) {
    auto events = events_of(key, {});
    if (!events) return tl::unexpected(events.error());
    if (events->empty()) continue;
    const finding it = fold_finding(*events);
    const auto end_us = over_at(it, *events);
    if (!end_us || *end_us >= border_us) continue;
    for (const event& e : *events) {
      batch.Delete(column_family(), event_record_key(e.key));
      batch.Delete(column_family(), log_key(e.sequence));
      batch.Delete(column_family(), sensor_log_key(e.key.sensor, e.sequence));
    }
    if (it.stated) {
      batch.Delete(column_family(), alert_key(it.stated->sequence));
      batch.Delete(column_family(), anomaly_key(it.stated->sequence));
      batch.Delete(column_family(), sensor_anomaly_key(it.stated->key.sensor, it.stated->sequence));
    }
    dropped += events->size();
  }
  if (dropped != 0)
    if (auto written = rocks.write(batch, false, "dropping old events"); !written) return tl::unexpected(written.error());
  return dropped;
}

expected<std::uint64_t> event_log::drop_before(std::int64_t border_us, const std::atomic<bool>& stopping) {
  event_query old{.range = {INT64_MIN, border_us}, .descending = false, .limit = events_at_once};
  std::uint64_t dropped = 0;
  for (;;) {
    if (stopping) return fail(errc::stopping, "stopped before its end");
    const event_view view(*impl_);
    const auto entries = impl_->entries_of(old, view);
    if (!entries) return tl::unexpected(entries.error());
    if (entries->empty()) break;
    old.after_sequence = entries->back().sequence;
    std::set<event_key> findings;
    for (const log_entry& entry : *entries) findings.insert(with_kind(entry.key, {}));
    const std::lock_guard one_at_a_time(impl_->appending);
    const auto gone = impl_->drop_findings(findings, border_us);
    if (!gone) return gone;
    dropped += *gone;
  }
  if (dropped >= worth_compacting) impl_->rocks.freed->note(column::events, "a", "t", freed_ranges::use::maybe_again);
  return dropped;
}

}  // namespace factory
