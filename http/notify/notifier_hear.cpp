#include <spdlog/spdlog.h>

#include <algorithm>
#include <variant>

#include "http/edge/limits.hpp"
#include "http/notify/notifier_impl.hpp"
#include "pipelines/stream/pipeline_spec.hpp"

namespace factory {

namespace {

/// The kind of the event that a correction is about.
event_kind corrected_by(const event& correction) {
  if (const auto* const taken_back = std::get_if<withdrawal_detail>(&correction.detail)) return taken_back->corrected;
  if (const auto* const anew = std::get_if<revision_of<limit_detail>>(&correction.detail)) return anew->corrected;
  if (const auto* const anew = std::get_if<revision_of<alarm_detail>>(&correction.detail)) return anew->corrected;
  if (const auto* const anew = std::get_if<revision_of<result_detail>>(&correction.detail)) return anew->corrected;
  if (const auto* const anew = std::get_if<revision_of<alarm_end_detail>>(&correction.detail)) return anew->corrected;
  return event_kind::alert_raised;
}

/// Whether an event says that nobody is to be told: shelved, suppressed, out of service.
bool is_hushed(const event& what) {
  const auto* const more = what.alarm_or_correction();
  return more != nullptr && !more->hushed.empty();
}

bool ends_a_hush(event_kind kind) {
  return kind == event_kind::alert_unshelved || kind == event_kind::alert_unsuppressed || kind == event_kind::alert_put_back;
}

/// From when the delays of an escalation count: the alert is there and the process knows.
std::int64_t known_at_us(const told_alert& alert) { return std::max(alert.raised_at_us, alert.received_at_us); }

}  // namespace

/// True when there may be more.
bool notifier::impl::take_events() {
  const auto found = feed->next(limits::notified_events);
  if (!found) {
    spdlog::warn("notifications wait: {}", found.error().message);
    return false;
  }
  refresh_channels();  // what was configured before these events
  for (const event& each : *found) hear(each);
  if (!found->empty()) pending.cursor = found->back().sequence;
  return !found->empty();  // only after it came back empty does the feed wake us
}

void notifier::impl::hear(const event& what) {
  if (const auto group = group_of(what.key.source); group != source_group::limit && group != source_group::pipeline) return;
  const event_role role = role_of(what.key.kind);
  const bool hushed = is_hushed(what);
  if (role == event_role::states && hushed) return;  // told when the hush ends, if it still stands
  if (role == event_role::states) return raised(what);
  const event_kind about = role == event_role::corrects ? corrected_by(what) : what.key.kind;
  const bool taken_back = what.key.kind == event_kind::withdrawn;
  if (taken_back && role_of(about) == event_role::ends) return raised(what);  // active again

  const auto known = told.find(finding_id(what.key));
  if (known == told.end()) return ends_a_hush(what.key.kind) && !hushed ? raised(what) : void();
  if (role == event_role::notes && what.key.kind != event_kind::alert_acknowledged) return;
  const alert_rule rule = rule_of(what.key);
  if (about == event_kind::alert_escalated && rule.condition == rule_condition::ladder) return;  // its steps are told
  notice it = notice_of(behind->entities(), what, rule);
  it.active = role != event_role::ends && !taken_back;
  it.steps_done = known->second.steps_done;
  // Those who know of it hear of its end under a hush, too: else it would stand for ever where they look.
  if (!hushed || !it.active) tell(known->second, it, role == event_role::ends && chatters(what, it, known->second.channels));
  if (ends_a_hush(what.key.kind) && !hushed) return keep_told(known->second);  // its escalation goes on
  if (role == event_role::ends || (taken_back && role_of(about) == event_role::states)) return forget_told(known->first);
  if (what.key.kind == event_kind::alert_acknowledged) {
    told_alert seen = known->second;
    seen.acknowledged = true;
    keep_told(std::move(seen));
  }
}

void notifier::impl::raised(const event& what) {
  const alert_rule rule = rule_of(what.key);
  if (rule.routing.empty()) return;
  if (what.recorded_at_us - what.at_us > limits::notified_age_ms * 1'000) {
    ++counts.history;
    return;
  }
  if (const auto known = told.find(finding_id(what.key)); known != told.end())  // said anew
    return tell(known->second, notice_of(behind->entities(), what, rule));
  told_alert one;
  one.raised = what.key;
  one.raised_at_us = what.at_us;
  one.received_at_us = what.recorded_at_us;
  one.channels = rule.routing.channels;
  const notice it = notice_of(behind->entities(), what, rule);
  one.alarm_number = count_alarm(it.factory.id, what.recorded_at_us);
  tell(one, it, chatters(what, it, one.channels));
  keep_told(std::move(one));
}

void notifier::impl::tell(const told_alert& to, const notice& what, bool held_back) {
  for (const channel_id channel : to.channels) tell_one(channel, to, what, held_back);
}

namespace {

/// As if a rule had raised the event of a pipeline: its name, its severity, and the channels among its sinks.
alert_rule rule_of_pipeline(const engine& behind, const event_key& key) {
  alert_rule as;
  as.name = "a pipeline that was deleted";
  const auto entry = behind.find_pipeline(pipeline_of(key.rule));
  const auto spec = entry ? parse_pipeline(entry->spec) : tl::unexpected(entry.error());
  if (!spec) return as;
  as.name = spec->name;
  for (const auto& each : spec->sinks)
    if (const auto* const sink = std::get_if<channel_sink>(&each)) as.routing.channels.push_back(sink->channel);
  if (sink_of(key.rule) < spec->sinks.size())
    if (const auto* const sink = std::get_if<event_sink>(&spec->sinks[sink_of(key.rule)])) as.level = sink->level;
  return as;
}

}  // namespace

alert_rule notifier::impl::rule_of(const event_key& key) const {
  if (key.source == event_source::pipeline) return rule_of_pipeline(*behind, key);
  auto rule = behind->entities().find_rule(key.source == event_source::alert_rule ? key.rule : 0);
  if (rule) return std::move(*rule);
  alert_rule gone;
  gone.id = key.rule;
  gone.name = "a rule that was deleted";
  return gone;
}

void notifier::impl::keep_told(told_alert one) {
  const std::string finding = finding_id(one.raised);
  std::erase_if(steps, [&](const auto& step) { return step.second == finding; });
  std::erase(pending.over, finding);
  std::erase_if(pending.told, [&](const told_alert& each) { return same_finding(each.raised, one.raised); });
  await_step(one);
  pending.told.push_back(one);
  told.insert_or_assign(finding, std::move(one));
}

void notifier::impl::forget_told(const std::string& finding) {
  std::erase_if(steps, [&](const auto& step) { return step.second == finding; });
  std::erase_if(pending.told, [&](const told_alert& each) { return finding_id(each.raised) == finding; });
  pending.over.push_back(finding);
  told.erase(finding);
}

/// Puts the alert's next step in line, if it has one.
void notifier::impl::await_step(const told_alert& one) {
  if (one.acknowledged) return;
  const alert_rule rule = rule_of(one.raised);
  if (one.steps_done >= rule.routing.escalation.size()) return;
  steps.emplace(known_at_us(one) + rule.routing.escalation[one.steps_done].after_us, finding_id(one.raised));
}

/// REQUIRES: the events up to now are worked in, so that what was acknowledged or cleared does not escalate.
void notifier::impl::take_steps(std::int64_t now_us) {
  while (!steps.empty() && steps.begin()->first <= now_us) {
    const std::string finding = steps.begin()->second;
    steps.erase(steps.begin());
    if (const auto alert = told.find(finding); alert != told.end() && !take_step(alert->second))
      steps.emplace(now_us + unreadable_wait_us, finding);
  }
}

/// Steps and times are those of the rule as it is now. False when the alert cannot be read.
bool notifier::impl::take_step(told_alert one) {
  const auto found = behind->events().find(one.raised);
  if (!found) return false;
  if (*found && hush_of(**found) != nullptr) return true;                   // goes on with the event that ends the hush
  if (!*found || !(*found)->open() || (*found)->acknowledged) return true;  // its event is on its way to this thread
  const alert_rule rule = rule_of(one.raised);
  if (one.steps_done >= rule.routing.escalation.size()) return true;
  const escalation_step& step = rule.routing.escalation[one.steps_done++];
  notice it = notice_of(behind->entities(), (*found)->newest(), rule);
  it.kind = "escalation";
  it.step = one.steps_done;
  it.steps_done = one.steps_done - 1;
  it.id = finding_id(one.raised) + ":escalation:" + std::to_string(one.steps_done);
  it.raised_at_us = one.raised_at_us;
  it.level = step.level;
  it.message = filled_in(rule.options.message, it);
  for (const channel_id channel : step.channels) {
    tell_one(channel, one, it, false);
    if (std::ranges::count(one.channels, channel) == 0) one.channels.push_back(channel);
  }
  keep_told(std::move(one));
  return true;
}

}  // namespace factory
