#include "pipelines/alarm/alarm.hpp"

#include "pipelines/model/coding.hpp"

#include <algorithm>
#include <utility>

namespace factory {
namespace {

constexpr std::uint8_t encoding_version = 3;
constexpr std::uint8_t without_escalations = 2;
constexpr std::uint8_t without_delays = 1;  // alerts are active or not there

const alarm_options plain_limit;

bool raises_alerts(std::uint8_t source) {
  return is_event_source(source) && group_of(static_cast<event_source>(source)) == source_group::limit;
}

const alert_rule* find_rule(const sensor_config& config, rule_id id) {
  const auto found =
      std::find_if(config.rules.begin(), config.rules.end(), [&](const alert_rule& rule) { return rule.id == id; });
  return found == config.rules.end() ? nullptr : &**found;
}

}  // namespace

void alarm_board::configure(sensor_config config, std::int64_t received_at_us, std::vector<event>& out) {
  const auto before = std::exchange(config_, std::move(config));
  calm_ = calm_values(config_);
  for (auto& limit : limits_) {
    if (is_unchanged(limit, before) || breach_of(limit.source, limit.rule, last_value_)) continue;
    report(limit, limit.state.end(last_time_us_), received_at_us, out);
  }
  forget_idle();
}

bool alarm_board::is_unchanged(const watched_limit& limit, const sensor_config& before) const {
  if (limit.source != event_source::alert_rule) return before.thresholds == config_.thresholds;
  const auto* const old = find_rule(before, limit.rule);
  const auto* const now = find_rule(config_, limit.rule);
  return old != nullptr && now != nullptr && judged(*old) == judged(*now);  // older journals have the texts, too
}

void alarm_board::observe(std::int64_t time_us, double value, std::int64_t received_at_us, std::vector<event>& out) {
  if (seen_ && time_us <= last_time_us_) return;
  for (auto& limit : limits_) report(limit, limit.state.advance_before(options_of(limit), time_us), received_at_us, out);
  seen_ = true;
  last_time_us_ = time_us;
  last_value_ = value;
  if (limits_.empty() && calm_.contains(value)) return;  // nearly every reading
  watch_breached();
  for (auto& limit : limits_) observe_limit(limit, received_at_us, out);
  forget_idle();
}

void alarm_board::advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out) {
  for (auto& limit : limits_) report(limit, limit.state.advance(options_of(limit), time_us), received_at_us, out);
  forget_idle();
}

std::int64_t alarm_board::due_us() const {
  auto soonest = INT64_MAX;
  for (const auto& limit : limits_) soonest = std::min(soonest, limit.state.due_us(options_of(limit)).value_or(INT64_MAX));
  return soonest;
}

std::size_t alarm_board::active_count() const {
  return static_cast<std::size_t>(
      std::count_if(limits_.begin(), limits_.end(), [](const auto& limit) { return limit.state.is_raised(); }));
}

/// Alerts that this reading ends are told before those that it raises: limits that are watched stand before those that are new.
void alarm_board::observe_limit(watched_limit& limit, std::int64_t received_at_us, std::vector<event>& out) {
  const auto now = breach_of(limit.source, limit.rule, last_value_);
  if (now) limit.newest = *now;
  report(limit, limit.state.observe(options_of(limit), last_time_us_, standing(limit, now)), received_at_us, out);
  if (now && limit.state.is_raised() && limit.source != event_source::alert_rule && now->level > limit.worst)
    escalate(limit, *now, received_at_us, out);
}

void alarm_board::escalate(watched_limit& limit, const breach& now, std::int64_t received_at_us, std::vector<event>& out) const {
  limit.worst = now.level;
  event found;
  const auto rank = static_cast<std::uint32_t>(now.level) - static_cast<std::uint32_t>(severity::high);
  found.key = {config_.sensor, limit.state.raised_us(), limit.source, limit.rule, event_kind::alert_escalated, rank};
  found.recorded_at_us = received_at_us;
  found.at_us = last_time_us_;
  found.value = now.value;
  found.detail = limit_detail{now.limit};
  found.level = now.level;
  out.push_back(std::move(found));
}

/// Begins to watch what the last value breaches, and rules that count readings.
void alarm_board::watch_breached() {
  const auto watch = [this](event_source source, rule_id rule) {
    const bool known = std::any_of(limits_.begin(), limits_.end(),
                                   [&](const auto& limit) { return limit.source == source && limit.rule == rule; });
    if (!known) limits_.push_back({source, rule, {}, {}, {}, {}});
  };
  if (const auto found = check_thresholds(config_.thresholds, last_value_))
    watch(found->type == breach_type::below_minimum ? event_source::min_threshold : event_source::max_threshold, 0);
  for (const alert_rule& rule : config_.rules)
    if (breached_limit(rule, last_value_)) watch(event_source::alert_rule, rule.id);
}

const alarm_options& alarm_board::options_of(const watched_limit& limit) const {
  const auto* const rule = limit.source == event_source::alert_rule ? find_rule(config_, limit.rule) : nullptr;
  return rule != nullptr ? rule->options : plain_limit;
}

std::optional<alarm_board::breach> alarm_board::breach_of(event_source source, rule_id id, double value) const {
  if (source == event_source::alert_rule) {
    const auto* const rule = find_rule(config_, id);
    if (rule == nullptr) return std::nullopt;
    if (const auto limit = breached_limit(*rule, value)) return breach{*limit, rule->level, value};
    return std::nullopt;
  }
  const auto type = source == event_source::min_threshold ? breach_type::below_minimum : breach_type::above_maximum;
  const auto found = check_thresholds(config_.thresholds, value);
  if (found && found->type == type) return breach{found->threshold_value, found->level, value};
  return std::nullopt;
}

limit_state::standing alarm_board::standing(const watched_limit& limit, const std::optional<breach>& now) const {
  if (now) return limit_state::standing::breach;
  const auto* const rule = limit.source == event_source::alert_rule ? find_rule(config_, limit.rule) : nullptr;
  return rule != nullptr ? standing_of(*rule, last_value_) : limit_state::standing::back;
}

void alarm_board::report(watched_limit& limit, const limit_state::outcome& what, std::int64_t received_at_us,
                         std::vector<event>& out) const {
  if (what.what == limit_state::change::none) return;
  const bool raised = what.what == limit_state::change::raised;
  if (raised) {
    limit.raised = limit.newest;
    limit.worst = limit.raised.level;
  }
  event found;
  found.key = {config_.sensor, raised ? what.at_us : limit.state.raised_us(), limit.source, limit.rule,
               raised ? event_kind::alert_raised : event_kind::alert_cleared};
  found.recorded_at_us = received_at_us;
  found.at_us = what.at_us;
  found.value = raised ? limit.raised.value : last_value_;
  found.detail = limit_detail{limit.raised.limit};
  found.level = limit.raised.level;
  out.push_back(std::move(found));
}

void alarm_board::forget_idle() {
  std::erase_if(limits_, [](const auto& limit) { return limit.state.is_idle(); });
}

void alarm_board::encode(std::string& out) const {
  put_byte(out, encoding_version);
  put_config(out, config_);
  put_byte(out, seen_ ? 1 : 0);
  if (!seen_) return;
  put_zigzag(out, last_time_us_);
  put_double(out, last_value_);
  put_varint(out, limits_.size());
  for (const auto& limit : limits_) {
    put_byte(out, static_cast<std::uint8_t>(limit.source));
    put_varint(out, limit.rule);
    limit.state.encode(out);
    for (const auto& each : {limit.newest, limit.raised}) {
      put_double(out, each.limit);
      put_byte(out, static_cast<std::uint8_t>(each.level));
      put_double(out, each.value);
    }
    put_byte(out, static_cast<std::uint8_t>(limit.worst));
  }
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
    limit.worst = limit.raised.level;
    return true;
  }
  if (!limit.state.decode(in) || !get_breach(in, limit.newest) || !get_double(in, limit.newest.value) ||
      !get_breach(in, limit.raised) || !get_double(in, limit.raised.value))
    return false;
  auto worst = static_cast<std::uint8_t>(limit.raised.level);
  if (version != without_escalations && (!get_byte(in, worst) || !is_severity(worst))) return false;
  limit.worst = static_cast<severity>(worst);
  return true;
}

bool alarm_board::decode(std::string_view& in) {
  std::string_view rest = in;
  alarm_board read;
  std::uint8_t version = 0, seen = 0;
  if (!get_byte(rest, version) || version < without_delays || version > encoding_version || !get_config(rest, read.config_) ||
      !get_byte(rest, seen) || seen > 1)
    return false;
  if (seen == 1) {
    std::uint64_t count = 0;
    if (!get_zigzag(rest, read.last_time_us_) || !get_double(rest, read.last_value_) || !get_varint(rest, count)) return false;
    for (; count > 0; --count)
      if (!get_limit(rest, version, read.limits_.emplace_back())) return false;
    read.seen_ = true;
  }
  read.calm_ = calm_values(read.config_);
  *this = std::move(read);
  in = rest;
  return true;
}

}  // namespace factory
