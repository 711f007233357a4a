#include "storage/events/event_zones.hpp"

#include <algorithm>

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/events/event_log_impl.hpp"
#include "storage/events/log_walk.hpp"

namespace factory {

namespace {

constexpr std::uint8_t zone_version = 1;
constexpr std::size_t zones_at_once = 32;

std::uint64_t bit_of(event_kind kind) { return std::uint64_t{1} << (static_cast<std::uint8_t>(kind) % 64); }

}  // namespace

void event_zone::add(event_kind kind, std::int64_t at_us) {
  first_us = std::min(first_us, at_us);
  last_us = std::max(last_us, at_us);
  kinds |= bit_of(kind);
}

bool event_zone::may_hold(const std::optional<event_kind>& kind, const time_range& range) const {
  return (!kind || (kinds & bit_of(*kind)) != 0) && first_us < range.end_us && last_us >= range.begin_us;
}

std::string zone_key(std::uint64_t zone) {
  std::string key = "z";
  put_key64(key, zone);
  return key;
}

std::string encode_zone(const event_zone& zone) {
  std::string out = begin_record(zone_version);
  put_zigzag(out, zone.first_us);
  put_zigzag(out, zone.last_us);
  put_varint(out, zone.kinds);
  return out;
}
bool decode_zone(std::string_view in, event_zone& zone) {
  return begin_record(in, zone_version) && get_zigzag(in, zone.first_us) && get_zigzag(in, zone.last_us) &&
         get_varint(in, zone.kinds) && in.empty();
}

std::string encode_zones_mark(const zones_mark& mark) {
  std::string out = begin_record(zone_version);
  put_varint(out, mark.last_sequence);
  put_varint(out, mark.known_from);
  return out;
}
bool decode_zones_mark(std::string_view in, zones_mark& mark) {
  return begin_record(in, zone_version) && get_varint(in, mark.last_sequence) && get_varint(in, mark.known_from) && in.empty();
}

/// Zones of what another program wrote are forgotten; index_older() describes them again. Where that cannot be noted, none is used.
void event_log::impl::open_zones() {
  std::string stored;
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), column_family(), to_slice(zones_mark_key), &stored);
  zones = {};
  const bool known = status.ok() && decode_zones_mark(stored, zones);
  if (!known || zones.last_sequence != counters.last_sequence) {
    rocksdb::WriteBatch batch;
    batch.DeleteRange(column_family(), zone_key(known ? zone_of(zones.last_sequence) : 0), to_slice(behind_zones));
    zones = {counters.last_sequence, zone_of(counters.last_sequence) + 1};
    batch.Put(column_family(), to_slice(zones_mark_key), encode_zones_mark(zones));
    zones_hold = rocks.write(batch, false, "describing the event log").has_value();
  }
  zone_number = zone_of(counters.last_sequence);
  auto now = describe(zone_number);
  if (!now) unreadable = now.error();
  if (now) zone = *now;
}

expected<event_zone> event_log::impl::describe(std::uint64_t number) const {
  event_zone found;
  const event_view view(*this);
  const std::uint64_t begin = number * zone_sequences;
  auto walked =
      walk(*this, view, log_key(begin == 0 ? 0 : begin - 1), log_key(begin + zone_sequences), false, [&](const log_entry& entry) {
        found.add(entry.key.kind, entry.at_us);
        return true;
      });
  if (!walked) return tl::unexpected(walked.error());
  return found;
}

expected<bool> event_log::index_older() {
  const std::lock_guard one_at_a_time(impl_->appending);
  if (impl_->zones.known_from == 0 || impl_->unreadable || impl_->uncertain || !impl_->zones_hold) return false;
  zones_mark mark = impl_->zones;
  rocksdb::WriteBatch batch;
  for (std::size_t i = 0; i < zones_at_once && mark.known_from != 0; ++i) {
    std::optional<std::uint64_t> newest;
    const event_view view(*impl_);
    auto walked = walk(*impl_, view, log_key(0), log_key(mark.known_from * zone_sequences), true, [&](const log_entry& entry) {
      newest = entry.sequence;
      return false;
    });
    if (!walked) return tl::unexpected(walked.error());
    mark.known_from = newest ? zone_of(*newest) : 0;
    if (!newest) break;
    const auto zone = impl_->describe(mark.known_from);
    if (!zone) return tl::unexpected(zone.error());
    batch.Put(impl_->column_family(), zone_key(mark.known_from), encode_zone(*zone));
  }
  batch.Put(impl_->column_family(), to_slice(zones_mark_key), encode_zones_mark(mark));
  if (auto written = impl_->rocks.write(batch, false, "describing the event log"); !written)
    return tl::unexpected(written.error());
  impl_->zones = mark;
  return mark.known_from != 0;
}

zone_filter::zone_filter(const event_log::impl& it, const event_view& view, const event_query& q)
    : log_(it), view_(view), kind_(q.kind), range_(q.range) {
  const time_range all;
  active_ = it.zones_hold && (q.kind || q.range.begin_us != all.begin_us || q.range.end_us != all.end_us);
}

bool zone_filter::passes_over(std::uint64_t sequence) {
  if (!active_) return false;
  if (const auto number = zone_of(sequence); number != asked_) {
    asked_ = number;
    std::string stored;
    event_zone zone;
    const auto status = log_.rocks.db->Get(view_.options(), log_.column_family(), zone_key(number), &stored);
    over_ = status.ok() && decode_zone(stored, zone) && !zone.may_hold(kind_, range_);
  }
  return over_;
}

}  // namespace factory
