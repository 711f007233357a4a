#include <spdlog/spdlog.h>

#include <algorithm>
#include <variant>

#include "http/edge/limits.hpp"
#include "http/notify/notifier_impl.hpp"
#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

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

/// What judging the past again found is told to nobody; of an alert that it ended or took back, nothing further is told either.
void notifier::impl::hear_of_the_past(const event& what) {
  const bool is_over = role_of(what.key.kind) == event_role::ends ||
                       (what.key.kind == event_kind::withdrawn && role_of(corrected_by(what)) == event_role::states);
  if (const auto known = told.find(finding_id(what.key)); is_over && known != told.end()) forget_told(known->first);
}

void notifier::impl::hear(const event& what) {
  if (const auto group = group_of(what.key.source); group != source_group::limit && group != source_group::pipeline) return;
  if (is_historical(what.key)) return hear_of_the_past(what);
  const event_role role = role_of(what.key.kind);
  const bool hushed = is_hushed(what);
  if (role == event_role::states && hushed) return;  // told when the hush ends, if it still stands
  if (role == event_role::states) return raised(what);
  const event_kind about = role == event_role::corrects ? corrected_by(what) : what.key.kind;
  const bool taken_back = what.key.kind == event_kind::withdrawn;
  if (taken_back && role_of(about) == event_role::ends) return raised(what);  // active again

  const auto known = told.find(finding_id(what.key));
  if (known == told.end()) return ends_a_hush(what.key.kind) && !hushed ? raised(what) : void();
  const bool seen = what.key.kind == event_kind::alert_acknowledged;
  if (role == event_role::notes && !seen) return;
  const bool stood = known->second.ended_at_us == 0;
  if (!stood && role == event_role::repeats) return;
  const alert_rule rule = rule_of(what.key);
  if (about == event_kind::alert_escalated && rule.condition == rule_condition::ladder) return;  // its steps are told
  notice it = notice_about(what, rule);
  it.active = stood && role != event_role::ends && !(taken_back && role_of(about) == event_role::states);
  it.steps_done = known->second.steps_done;
  // Those who know of it hear of its end under a hush, too: else it would stand for ever where they look.
  if (!hushed || !it.active) {
    const bool held_back =
        (role == event_role::ends && chatters(what, it, known->second.channels)) || (seen && !stood && known->second.held_back);
    tell(known->second, it, {held_back});
  }
  if (hushed && it.active) return take_back(known->second);
  if (ends_a_hush(what.key.kind) && !hushed) return keep_told(known->second);  // its escalation goes on
  if (taken_back && role_of(about) == event_role::states) return forget_told(known->first);
  if (role == event_role::ends) return is_over(known->second, what);
  if (seen && !stood) return forget_told(known->first);
  if (seen) {
    told_alert one = known->second;
    one.acknowledged = true;
    keep_told(std::move(one));
  }
}

/// What nobody has acknowledged is kept, so that those who were told hear that it is: it is off the operator's list then.
void notifier::impl::is_over(told_alert one, const event& end) {
  const bool may_be_seen = group_of(one.raised.source) == source_group::limit;  // nobody acknowledges the event of a pipeline
  if (one.acknowledged || !may_be_seen) return forget_told(finding_id(one.raised));
  if (unseen.size() >= limits::ended_told) forget_told(std::string(unseen.begin()->second));
  one.ended_at_us = std::max<std::int64_t>(1, end.recorded_at_us);
  keep_told(std::move(one));
}

/// Who is told of a new alert: the channels that its rule names; of one that names nobody, those that listen to its sensor. A pipeline is
/// told where its sinks say, or nowhere.
std::vector<channel_id> notifier::impl::listeners(const event_key& alert, const alert_rule& rule) const {
  if (!rule.routing.empty() || alert.source == event_source::pipeline) return rule.routing.channels;
  const catalog& entities = behind->entities();
  const auto sensor = entities.find_sensor(alert.sensor);
  if (!sensor) return {};
  const auto machine = entities.find_machine(sensor->machine);
  const sensor_traits traits = traits_on(*sensor, machine ? &*machine : nullptr);
  std::vector<channel_id> out;
  for (const auto& [id, channel] : channels)
    if (channel.entry.sensors && channel.entry.sensors->matches(traits)) out.push_back(id);
  return out;
}

/// With the anomaly that raised the alert, whatever event of it this is.
notice notifier::impl::notice_about(const event& what, const alert_rule& rule) const {
  notice it = notice_of(behind->entities(), what, rule);
  if (rule.condition != rule_condition::anomaly) return it;
  const auto found = behind->events().find(with_kind(what.key, event_kind::alert_raised));
  if (found && *found && (*found)->stated) it.anomaly = anomaly_named_in((*found)->stated->explanation).value_or("");
  return it;
}

void notifier::impl::raised(const event& what) {
  const alert_rule rule = rule_of(what.key);
  const notice it = notice_about(what, rule);
  if (const auto known = told.find(finding_id(what.key)); known != told.end()) {  // said anew
    tell(known->second, it);
    told_alert again = known->second;
    again.ended_at_us = 0;
    return keep_told(std::move(again));
  }
  auto to = listeners(what.key, rule);
  if (to.empty() && rule.routing.empty()) return;
  if (what.recorded_at_us - what.at_us > limits::notified_age_ms * 1'000) {
    ++counts.history;
    return;
  }
  told_alert one;
  one.raised = what.key;
  one.raised_at_us = what.at_us;
  one.received_at_us = what.recorded_at_us;
  one.channels = std::move(to);
  one.alarm_number = count_alarm(it.factory.id, what.recorded_at_us);
  one.held_back = chatters(what, it, one.channels);
  join_groups(one, it);
  tell(one, it, {one.held_back, true});
  keep_told(std::move(one));
}

void notifier::impl::tell(const told_alert& to, const notice& what, manner by) {
  for (const channel_id channel : to.channels) tell_one(channel, to, what, by);
}

namespace {

/// As if a rule had raised the event of a pipeline: its name, its severity, and the channels among its sinks.
alert_rule rule_of_pipeline(const catalog_port& behind, const event_key& key) {
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
  return key.source == event_source::pipeline ? rule_of_pipeline(*behind, key) : rule_behind(behind->entities(), key);
}

void notifier::impl::keep_told(told_alert one) {
  const std::string finding = finding_id(one.raised);
  drop_step(finding);
  if (const auto before = told.find(finding); before != told.end()) unseen.erase({before->second.ended_at_us, finding});
  if (one.ended_at_us != 0) unseen.emplace(one.ended_at_us, finding);
  std::erase(pending.over, finding);
  std::erase_if(pending.told, [&](const told_alert& each) { return same_finding(each.raised, one.raised); });
  await_step(one);
  pending.told.push_back(one);
  told.insert_or_assign(finding, std::move(one));
}

void notifier::impl::forget_told(const std::string& finding) {
  drop_step(finding);
  if (const auto before = told.find(finding); before != told.end()) unseen.erase({before->second.ended_at_us, finding});
  std::erase_if(pending.told, [&](const told_alert& each) { return finding_id(each.raised) == finding; });
  pending.over.push_back(finding);
  told.erase(finding);
}

/// Puts the alert's next step in line, if it has one.
void notifier::impl::await_step(const told_alert& one) {
  if (one.acknowledged || one.ended_at_us != 0) return;
  const alert_rule rule = rule_of(one.raised);
  if (one.steps_done >= rule.routing.escalation.size()) return;
  const std::string finding = finding_id(one.raised);
  drop_step(finding);
  step_due[finding] = known_at_us(one) + rule.routing.escalation[one.steps_done].after_us;
  steps.emplace(step_due[finding], finding);
}

void notifier::impl::drop_step(const std::string& finding) {
  const auto due = step_due.find(finding);
  if (due == step_due.end()) return;
  steps.erase({due->second, finding});
  step_due.erase(due);
}

/// REQUIRES: the events up to now are worked in, so that what was acknowledged or cleared does not escalate.
void notifier::impl::take_steps(std::int64_t now_us) {
  while (!steps.empty() && steps.begin()->first <= now_us) {
    const std::string finding = steps.begin()->second;
    drop_step(finding);
    const auto alert = told.find(finding);
    if (alert == told.end() || take_step(alert->second)) continue;
    step_due[finding] = now_us + unreadable_wait_us;
    steps.emplace(step_due[finding], finding);
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
  notice it = notice_about((*found)->newest(), rule);
  it.kind = "escalation";
  it.step = one.steps_done;
  it.steps_done = one.steps_done - 1;
  it.id = finding_id(one.raised) + ":escalation:" + std::to_string(one.steps_done);
  it.raised_at_us = one.raised_at_us;
  it.level = step.level;
  it.message = filled_in(rule.options.message, it);
  tell_collected(one);
  for (const channel_id channel : step.channels) {
    tell_one(channel, one, it, {});
    if (std::ranges::count(one.channels, channel) == 0) one.channels.push_back(channel);
  }
  keep_told(std::move(one));
  return true;
}

}  // namespace factory
