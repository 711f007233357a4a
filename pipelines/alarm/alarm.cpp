#include "pipelines/alarm/alarm.hpp"

#include "pipelines/model/coding.hpp"

#include <algorithm>
#include <utility>

namespace factory {
namespace {

constexpr std::uint8_t encoding_version = 1;

bool raises_alerts(std::uint8_t source) {
  return is_event_source(source) && group_of(static_cast<event_source>(source)) == source_group::limit;
}

}  // namespace

void alarm_board::configure(sensor_config config, std::int64_t received_at_us, std::vector<event>& out) {
  config_ = std::move(config);
  calm_ = calm_values(config_);
  clear_ended(received_at_us, out);
}

void alarm_board::observe(std::int64_t time_us, double value, std::int64_t received_at_us, std::vector<event>& out) {
  if (seen_ && time_us <= last_time_us_) return;
  seen_ = true;
  last_time_us_ = time_us;
  last_value_ = value;
  if (active_.empty() && calm_.contains(value)) return;  // nearly every reading
  clear_ended(received_at_us, out);
  if (const auto found = check_thresholds(config_.thresholds, value)) {
    const bool below = found->type == breach_type::below_minimum;
    raise_if_clear(below ? event_source::min_threshold : event_source::max_threshold, 0, {found->threshold_value, found->level},
                   received_at_us, out);
  }
  for (const auto& rule : config_.rules)
    if (const auto limit = breached_limit(rule, value))
      raise_if_clear(event_source::alert_rule, rule.id, {*limit, rule.level}, received_at_us, out);
}

std::optional<alarm_board::breach> alarm_board::breach_of(event_source source, rule_id rule, double value) const {
  if (source == event_source::alert_rule) {
    const auto found = std::find_if(config_.rules.begin(), config_.rules.end(), [&](const auto& r) { return r.id == rule; });
    if (found == config_.rules.end()) return std::nullopt;
    if (const auto limit = breached_limit(*found, value)) return breach{*limit, found->level};
    return std::nullopt;
  }
  const auto type = source == event_source::min_threshold ? breach_type::below_minimum : breach_type::above_maximum;
  const auto found = check_thresholds(config_.thresholds, value);
  if (found && found->type == type) return breach{found->threshold_value, found->level};
  return std::nullopt;
}

void alarm_board::raise_if_clear(event_source source, rule_id rule, const breach& found, std::int64_t received_at_us,
                                 std::vector<event>& out) {
  for (const auto& alert : active_)
    if (alert.source == source && alert.rule == rule) return;
  active_.push_back({source, rule, last_time_us_, found});
  event raised;
  raised.key = {config_.sensor, last_time_us_, source, rule, event_kind::alert_raised};
  raised.recorded_at_us = received_at_us;
  raised.at_us = last_time_us_;
  raised.value = last_value_;
  raised.detail = limit_detail{found.limit};
  raised.level = found.level;
  out.push_back(std::move(raised));
}

void alarm_board::clear_ended(std::int64_t received_at_us, std::vector<event>& out) {
  std::erase_if(active_, [&](const active_alert& alert) {
    if (breach_of(alert.source, alert.rule, last_value_)) return false;
    event cleared;
    cleared.key = {config_.sensor, alert.since_us, alert.source, alert.rule, event_kind::alert_cleared};
    cleared.recorded_at_us = received_at_us;
    cleared.at_us = last_time_us_;
    cleared.value = last_value_;
    cleared.detail = limit_detail{alert.raised.limit};
    cleared.level = alert.raised.level;
    out.push_back(std::move(cleared));
    return true;
  });
}

void alarm_board::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_config(out, config_);
  put_byte(out, seen_ ? 1 : 0);
  if (!seen_) return;
  put_zigzag(out, last_time_us_);
  put_double(out, last_value_);
  put_varint(out, active_.size());
  for (const auto& alert : active_) {
    put_byte(out, static_cast<std::uint8_t>(alert.source));
    put_varint(out, alert.rule);
    put_zigzag(out, alert.since_us);
    put_double(out, alert.raised.limit);
    put_byte(out, static_cast<std::uint8_t>(alert.raised.level));
  }
}

bool alarm_board::decode(std::string_view& in) {
  std::string_view rest = in;
  alarm_board read;
  std::uint8_t version = 0, seen = 0;
  if (!get_byte(rest, version) || version != encoding_version || !get_config(rest, read.config_) || !get_byte(rest, seen) ||
      seen > 1)
    return false;
  if (seen == 1) {
    std::uint64_t count = 0;
    if (!get_zigzag(rest, read.last_time_us_) || !get_double(rest, read.last_value_) || !get_varint(rest, count)) return false;
    for (; count > 0; --count) {
      std::uint8_t source = 0, level = 0;
      active_alert alert{};
      if (!get_byte(rest, source) || !get_varint_as(rest, alert.rule) || !get_zigzag(rest, alert.since_us) ||
          !get_double(rest, alert.raised.limit) || !get_byte(rest, level))
        return false;
      if (!raises_alerts(source) || !is_severity(level)) return false;
      alert.source = static_cast<event_source>(source);
      alert.raised.level = static_cast<severity>(level);
      read.active_.push_back(alert);
    }
    read.seen_ = true;
  }
  read.calm_ = calm_values(read.config_);
  *this = std::move(read);
  in = rest;
  return true;
}

}  // namespace factory
