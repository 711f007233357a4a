#include <utility>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

constexpr std::uint8_t board_version = 6;
constexpr std::uint8_t without_delays = 1;         // alerts are active or not there
constexpr std::uint8_t record_without_orders = 2;  // nothing of what operators do, nothing of silence
constexpr std::uint8_t without_peaks = 3;          // alerts escalate once to a level at most, whose rank is the revision

constexpr std::uint8_t without_shifts = 4;   // rules are always in force
constexpr std::uint8_t without_quality = 5;  // nothing of the quality of readings; `seen` has no second bit

/// Above all revisions that those escalations can have.
constexpr std::uint32_t escalations_by_level = 2;

bool raises_alerts(std::uint8_t source) {
  return is_event_source(source) && group_of(static_cast<event_source>(source)) == source_group::limit;
}

}  // namespace

void alarm_board::encode(std::string& out) const {
  put_byte(out, board_version);
  put_config(out, config());
  put_byte(out, static_cast<std::uint8_t>((seen_ ? 1U : 0U) | (is_to_look_ ? 2U : 0U)));
  put_zigzag(out, last_time_us_);
  put_double(out, last_value_);
  put_zigzag(out, silent_since_us_);
  put_zigzag(out, good_since_us_);
  put_zigzag(out, poor_since_us_);
  put_varint(out, limits_.size());
  for (const auto& limit : limits_) put_limit(out, limit);
  put_varint(out, shelves_.size());
  for (const auto& each : shelves_) each.encode(out);
}

void alarm_board::put_limit(std::string& out, const watched_limit& limit) {
  put_byte(out, static_cast<std::uint8_t>(limit.source));
  put_varint(out, limit.rule);
  limit.state.encode(out);
  for (const auto& each : {limit.newest, limit.raised}) {
    put_double(out, each.limit);
    put_byte(out, static_cast<std::uint8_t>(each.level));
    put_double(out, each.value);
  }
  put_double(out, limit.compared);
  put_byte(out, static_cast<std::uint8_t>(limit.step));
  put_byte(out, static_cast<std::uint8_t>((limit.silent ? 1 : 0) | (limit.acknowledged ? 2 : 0) | (limit.off_shift ? 4 : 0)));
  put_byte(out, static_cast<std::uint8_t>(limit.told.why));
  put_zigzag(out, limit.told.until_us);
  put_varint(out, limit.repeats);
  put_zigzag(out, limit.repeated_us);
  put_varint(out, limit.reminders);
  for (const auto& each : {limit.peak, limit.told_peak}) {
    put_byte(out, static_cast<std::uint8_t>(each.level));
    put_double(out, each.excess);
  }
  put_double(out, limit.peak_value);
  put_zigzag(out, limit.peak_us);
  put_varint(out, limit.escalations);
  put_zigzag(out, limit.shift_ends_us);
}

bool alarm_board::get_breach(std::string_view& in, breach& read) {
  std::uint8_t level = 0;
  if (!get_double(in, read.limit) || !get_byte(in, level)) return false;
  read.level = static_cast<severity>(level);
  return is_severity(level);
}

bool alarm_board::get_limit(std::string_view& in, std::uint8_t version, watched_limit& limit) {
  std::uint8_t source = 0;
  if (!get_byte(in, source) || !get_varint_as(in, limit.rule)) return false;
  if (!raises_alerts(source)) return false;
  limit.source = static_cast<event_source>(source);

  if (version == without_delays) {
    std::int64_t raised_us = 0;
    if (!get_zigzag(in, raised_us) || !get_breach(in, limit.raised)) return false;
    limit.state = limit_state::raised_at(raised_us);
    limit.newest = limit.raised;
    return true;
  }
  if (!limit.state.decode(in) || !get_breach(in, limit.newest) || !get_double(in, limit.newest.value) ||
      !get_breach(in, limit.raised) || !get_double(in, limit.raised.value))
    return false;
  if (version == record_without_orders) return true;
  if (!get_discipline(in, limit)) return false;
  if (version > without_peaks) return get_peak(in, limit) && (version == without_shifts || get_zigzag(in, limit.shift_ends_us));
  std::uint8_t worst = 0;
  if (!get_byte(in, worst) || !is_severity(worst)) return false;
  limit.peak.level = static_cast<severity>(worst);
  return true;
}

bool alarm_board::get_peak(std::string_view& in, watched_limit& limit) {
  for (auto* const each : {&limit.peak, &limit.told_peak}) {
    std::uint8_t level = 0;
    if (!get_byte(in, level) || !is_severity(level) || !get_double(in, each->excess)) return false;
    each->level = static_cast<severity>(level);
  }
  return get_double(in, limit.peak_value) && get_zigzag(in, limit.peak_us) && get_varint_as(in, limit.escalations);
}

/// Of an alert that was open when it was stored without a peak: what it was raised with, or the level that it had escalated to.
void alarm_board::set_old_peak(watched_limit& limit) const {
  const auto raised = extent_of(limit, limit.raised);
  limit.peak = limit.told_peak = {std::max(limit.peak.level, raised.level), raised.excess};
  limit.peak_value = limit.raised.value;
  limit.peak_us = limit.state.raised_us();
  limit.escalations = escalations_by_level;
}

bool alarm_board::get_discipline(std::string_view& in, watched_limit& limit) {
  std::uint8_t step = 0, flags = 0, why = 0;
  if (!get_double(in, limit.compared) || !get_byte(in, step) || step > static_cast<std::uint8_t>(ladder_step::high_high) ||
      !get_byte(in, flags) || flags > 7 || !get_byte(in, why) || why > static_cast<std::uint8_t>(hush_reason::out_of_service) ||
      !get_zigzag(in, limit.told.until_us) || !get_varint_as(in, limit.repeats) || !get_zigzag(in, limit.repeated_us) ||
      !get_varint_as(in, limit.reminders))
    return false;
  limit.step = static_cast<ladder_step>(step);
  limit.silent = (flags & 1U) != 0;
  limit.acknowledged = (flags & 2U) != 0;
  limit.off_shift = (flags & 4U) != 0;
  limit.told.why = static_cast<hush_reason>(why);
  return true;
}

/// What stands behind config and `seen`.
bool alarm_board::decode_body(std::string_view& in, std::uint8_t version) {
  std::uint64_t count = 0;
  if (!get_zigzag(in, last_time_us_) || !get_double(in, last_value_)) return false;
  if (version <= record_without_orders)
    silent_since_us_ = last_time_us_;
  else if (!get_zigzag(in, silent_since_us_))
    return false;
  if (version > without_quality && (!get_zigzag(in, good_since_us_) || !get_zigzag(in, poor_since_us_))) return false;
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count) {
    auto& limit = limits_.emplace_back();
    if (!get_limit(in, version, limit)) return false;
    if (version <= without_peaks) set_old_peak(limit);
    if (version > record_without_orders) continue;
    limit.compared = last_value_;
    limit.repeated_us = limit.state.raised_us();
  }
  if (version <= record_without_orders) return true;
  if (!get_varint(in, count) || count > in.size()) return false;
  for (; count > 0; --count)
    if (!shelves_.emplace_back().decode(in)) return false;
  return true;
}

bool alarm_board::decode(std::string_view& in) {
  std::string_view rest = in;
  alarm_board read;
  std::uint8_t version = 0, seen = 0;
  if (!get_byte(rest, version) || version < without_delays || version > board_version ||
      !get_config(rest, read.config_.change()) || !get_byte(rest, seen) || seen > 3)
    return false;
  read.seen_ = (seen & 1U) != 0;
  read.is_to_look_ = (seen & 2U) != 0;
  if ((read.seen_ || version > record_without_orders) && !read.decode_body(rest, version)) return false;
  read.anomalies_ = anomalies_;
  read.prepare();
  *this = std::move(read);
  in = rest;
  return true;
}

}  // namespace factory
