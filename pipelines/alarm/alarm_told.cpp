// What an alarm board tells: ends, beginnings, escalations and repetitions of its limits as events.
#include <algorithm>
#include <utility>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/alarm/alarm_rules.hpp"

namespace factory {

/// Tells what happened to the limits at one instant: ends and beginnings first, in the order in which the limits came to be watched, so
/// that alerts which one reading ends are told before those that it raises; then who is no longer told of what goes on.
void alarm_board::report_all(std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out, const limit_order* order) {
  for (auto& limit : limits_) {
    if (limit.said.what != limit_state::change::none) report(limit, order, received_at_us, out);
    limit.said = {};
    if (std::exchange(limit.worse, false)) escalate(limit, at_us, received_at_us, out);
    if (std::exchange(limit.stepped, false)) repeat(limit, event_kind::alert_stepped, at_us, received_at_us, nullptr, out);
  }
  for (auto& limit : limits_) tell_hush(limit, at_us, received_at_us, out);
}

void alarm_board::report(watched_limit& limit, const limit_order* order, std::int64_t received_at_us, std::vector<event>& out) {
  using enum limit_state::change;
  const auto [what, at_us, ended_us] = limit.said;
  if (what == returned) return repeat(limit, event_kind::alert_returned, at_us, received_at_us, nullptr, out);
  if (what == cleared || what == raised_again) {
    end(limit, what == cleared ? limit.state.raised_us() : ended_us, at_us, received_at_us, order, out);
    take_off_once(limit.source, limit.rule);
  }
  if (what == raised || what == raised_again) raise(limit, at_us, received_at_us, out);
}

/// A peak that no escalation told goes with it.
void alarm_board::end(watched_limit& limit, std::int64_t raised_us, std::int64_t at_us, std::int64_t received_at_us,
                      const limit_order* order, std::vector<event>& out) {
  auto& said = out.emplace_back(made(limit, event_kind::alert_cleared, raised_us, at_us, received_at_us));
  if (order != nullptr) said.who = order->who;
  if (limit.peak == limit.told_peak) return;
  const auto* const more = said.alarm();
  alarm_end_detail detail;
  if (more != nullptr) static_cast<alarm_detail&>(detail) = *more;
  detail.limit = said.limit();
  detail.peak = limit.peak_value;
  detail.peak_us = limit.peak_us;
  said.detail = std::move(detail);
}

void alarm_board::escalate(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out) {
  auto& said = out.emplace_back(made(limit, event_kind::alert_escalated, limit.state.raised_us(), at_us, received_at_us));
  said.key.revision = limit.escalations++;
  said.level = limit.peak.level;
  if (auto* const detail = std::get_if<alarm_detail>(&said.detail))
    detail->limit = limit.newest.limit;
  else
    said.detail = limit_detail{limit.newest.limit};
}

void alarm_board::raise(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out) {
  limit.raised = limit.newest;
  limit.peak = limit.told_peak = extent_of(limit, limit.raised);
  limit.peak_value = limit.raised.value;
  limit.peak_us = at_us;
  limit.escalations = 0;
  limit.worse = false;
  limit.acknowledged = limit.stepped = false;
  limit.told = hush_of(limit.source, limit.rule);
  limit.repeats = limit.reminders = 0;
  limit.repeated_us = at_us;
  auto& found = out.emplace_back(made(limit, event_kind::alert_raised, at_us, at_us, received_at_us));
  found.value = limit.raised.value;
  const auto* const rule = rule_of(limit);
  const auto by = is_about_anomalies(rule) ? anomaly_at(*rule, at_us) : std::nullopt;
  if (by) found.explanation = explain_alert(config().sensor, *by);
}

event alarm_board::made(const watched_limit& limit, event_kind kind, std::int64_t raised_us, std::int64_t at_us,
                        std::int64_t received_at_us) const {
  event found;
  found.key = {config().sensor, raised_us, limit.source, limit.rule, kind};
  found.recorded_at_us = received_at_us;
  found.at_us = at_us;
  found.value = limit.compared;
  found.level = limit.raised.level;
  auto detail = detail_of(limit.source, limit.rule);
  detail.limit = limit.raised.limit;
  if (limit.step != ladder_step::none) detail.step = to_text(limit.step);
  const bool says_more = !detail.hushed.empty() || !detail.step.empty() ||
                         (role_of(kind) == event_role::repeats && kind != event_kind::alert_escalated);
  found.detail = says_more ? event_detail(std::move(detail)) : event_detail(limit_detail{limit.raised.limit});
  return found;
}

void alarm_board::repeat(watched_limit& limit, event_kind kind, std::int64_t at_us, std::int64_t received_at_us,
                         const limit_order* order, std::vector<event>& out) {
  limit.repeated_us = std::max(limit.repeated_us, at_us);
  auto& said = out.emplace_back(made(limit, kind, limit.state.raised_us(), limit.repeated_us, received_at_us));
  said.key.revision = limit.repeats++;
  auto& detail = std::get<alarm_detail>(said.detail);
  if (limit.step != ladder_step::none) {
    said.level = limit.newest.level;
    detail.limit = limit.newest.limit;
  }
  if (order == nullptr) return;
  said.who = order->who;
  detail.comment = order->comment;
}

}  // namespace factory
