#include <algorithm>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/alarm/alarm_rules.hpp"

namespace factory {
namespace {

/// Revisions of events about an alert that is over: the number of the order above them. Those of an open alert are counted from 0.
constexpr std::uint32_t first_order = 1U << 16U;

constexpr std::int64_t no_end = INT64_MAX;

}  // namespace

bool alarm_board::is_in_breach(rule_id rule) const {
  return std::any_of(limits_.begin(), limits_.end(), [rule](const auto& limit) {
    return limit.source == event_source::alert_rule && limit.rule == rule && limit.state.is_raised() && !limit.state.is_latched();
  });
}

alarm_board::hush alarm_board::hush_of(event_source source, rule_id rule) const {
  const auto find = [&](bool out_of_service) {
    return std::find_if(shelves_.begin(), shelves_.end(), [&](const shelf& each) {
      return each.source == source && each.rule == rule && each.out_of_service == out_of_service;
    });
  };
  if (find(true) != shelves_.end()) return {hush_reason::out_of_service, 0};
  const auto* const own = source == event_source::alert_rule ? find_rule(config(), rule) : nullptr;
  const bool other_tells = own != nullptr && own->options.suppressed_by != 0 && is_in_breach(own->options.suppressed_by);
  if (config().suppressed || other_tells) return {hush_reason::suppressed, 0};
  const auto on = find(false);
  return on == shelves_.end() ? hush{} : hush{hush_reason::shelved, on->until_us};
}

alarm_detail alarm_board::detail_of(event_source source, rule_id rule) const {
  alarm_detail detail;
  const auto now = hush_of(source, rule);
  if (now.why == hush_reason::out_of_service) detail.hushed = "out_of_service";
  if (now.why == hush_reason::suppressed) detail.hushed = "suppressed";
  if (now.why == hush_reason::shelved) detail.hushed = "shelved";
  detail.until_us = now.until_us;
  return detail;
}

/// Of an open alert: what became of who is told, if that is another than its newest event says.
void alarm_board::tell_hush(watched_limit& limit, std::int64_t at_us, std::int64_t received_at_us, std::vector<event>& out) {
  if (!limit.state.is_raised()) return;
  const auto now = hush_of(limit.source, limit.rule);
  if (now == limit.told) return;
  const bool begins = now.why >= limit.told.why;
  const auto reason = begins ? now.why : limit.told.why;
  limit.told = now;
  auto kind = begins ? event_kind::alert_shelved : event_kind::alert_unshelved;
  if (reason == hush_reason::suppressed) kind = begins ? event_kind::alert_suppressed : event_kind::alert_unsuppressed;
  if (reason == hush_reason::out_of_service) kind = begins ? event_kind::alert_taken_out : event_kind::alert_put_back;
  repeat(limit, kind, at_us, received_at_us, nullptr, out);
}

shelf* alarm_board::find_shelf(event_source source, rule_id rule, bool out_of_service) {
  const auto found = std::find_if(shelves_.begin(), shelves_.end(), [&](const shelf& each) {
    return each.source == source && each.rule == rule && each.out_of_service == out_of_service;
  });
  return found == shelves_.end() ? nullptr : &*found;
}

void alarm_board::take_off_once(event_source source, rule_id rule) {
  if (const auto* const on = find_shelf(source, rule, false); on != nullptr && on->once)
    shelves_.erase(shelves_.begin() + (on - shelves_.data()));
}

void alarm_board::obey(const limit_order& order, std::int64_t received_at_us, std::vector<event>& out) {
  using enum limit_order::action;
  pass_time(order.at_us, received_at_us, out);
  auto* const limit = find_limit(order.alert.source, order.alert.rule);
  if (order.what != acknowledge && order.what != reset) {
    change_shelf(order, received_at_us, out);
  } else if (limit != nullptr && limit->state.is_raised() && limit->state.raised_us() == order.alert.event_time_us) {
    if (order.what == acknowledge)
      limit->acknowledged = true;
    else if (limit->acknowledged)
      limit->said = limit->state.reset(order.at_us);
  }
  report_all(order.at_us, received_at_us, out, &order);
  forget_idle();
}

/// Says so of the limit's open alert; without one, of the alert that the order names.
void alarm_board::change_shelf(const limit_order& order, std::int64_t received_at_us, std::vector<event>& out) {
  using enum limit_order::action;
  const bool of_service = order.what == take_out || order.what == put_back;
  const bool begins = order.what == shelve || order.what == take_out;
  const auto& [source, rule] = std::pair(order.alert.source, order.alert.rule);
  auto* const on = find_shelf(source, rule, of_service);
  if (!begins && on == nullptr) return;
  if (on != nullptr) shelves_.erase(shelves_.begin() + (on - shelves_.data()));
  if (begins) {
    const auto until_us = of_service ? no_end : order.until_us;
    shelves_.push_back({source, rule, of_service, order.once, order.at_us, until_us, order.who, order.comment});
  }
  auto kind = begins ? event_kind::alert_shelved : event_kind::alert_unshelved;
  if (of_service) kind = begins ? event_kind::alert_taken_out : event_kind::alert_put_back;
  auto* const limit = find_limit(source, rule);
  if (limit == nullptr || !limit->state.is_raised()) return answer_unraised(order, kind, received_at_us, out);
  limit->told = hush_of(source, rule);
  repeat(*limit, kind, order.at_us, received_at_us, &order, out);
}

void alarm_board::answer_unraised(const limit_order& order, event_kind kind, std::int64_t received_at_us,
                                  std::vector<event>& out) const {
  if (order.alert.event_time_us == 0) return;
  event& said = out.emplace_back();
  said.key = with_kind(order.alert, kind, first_order + order.number);
  said.recorded_at_us = received_at_us;
  said.at_us = order.at_us;
  said.value = order.value;
  said.level = order.level;
  said.who = order.who;
  auto detail = detail_of(order.alert.source, order.alert.rule);
  detail.limit = order.limit;
  detail.comment = order.comment;
  said.detail = std::move(detail);
}

}  // namespace factory
