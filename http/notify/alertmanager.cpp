#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "http/edge/limits.hpp"
#include "http/notify/channel_kind.hpp"
#include "http/text/json_writer.hpp"

namespace factory {

namespace {

/// An alert is its labels: what becomes of it must not change them. So the severity is the rule's, or that of the step.
void write_labels(json_writer& out, const notice& it, std::uint32_t step) {
  const auto& steps = it.rule.routing.escalation;
  const severity level = step == 0 ? it.rule.level : step <= steps.size() ? steps[step - 1].level : severity::rule_critical;
  out.key("labels").begin_object().member("alertname", it.rule.name.empty() ? std::string_view("test") : it.rule.name);
  out.member("severity", to_text(level)).member("source", "factory-monitor");
  if (it.sensor.id != 0) {
    out.member("sensor_id", std::to_string(it.sensor.id)).member("sensor", it.sensor.name);
    out.member("machine", it.machine.name).member("factory", it.factory.name);
    if (it.pipeline != 0)
      out.member("pipeline_id", std::to_string(it.pipeline));
    else if (it.rule.id != 0)
      out.member("rule_id", std::to_string(it.rule.id));
  }
  if (step != 0) out.member("escalation_step", std::to_string(step));
  out.end_object();
}

void write_annotations(json_writer& out, const notice& it) {
  out.key("annotations").begin_object().member("summary", headline(it));
  if (!it.message.empty()) out.member("description", it.message);
  if (!it.rule.options.instructions.empty()) out.member("instructions", it.rule.options.instructions);
  if (it.kind != "test") {
    out.member("alert_id", finding_id(it.what.key)).member("severity_now", to_text(it.level));
    out.member("value", fmt::format("{}", it.what.value));
    if (it.has_limit()) out.member("limit", fmt::format("{}", it.what.limit()));
    if (!it.anomaly.empty()) out.member("anomaly_id", it.anomaly);
    if (!it.what.who.empty()) out.member("by", it.what.who);
  }
  out.end_object();
}

void write_one(json_writer& out, const notice& it, std::uint32_t step, std::int64_t ends_at_us) {
  out.begin_object();
  write_labels(out, it, step);
  write_annotations(out, it);
  out.time_member("startsAt", it.raised_at_us).time_member("endsAt", ends_at_us).end_object();
}

/// Until when an alert of which nothing more is heard counts as active: Prometheus takes four intervals, too.
std::int64_t active_until_us(std::int64_t now_us) { return now_us + 4 * limits::alertmanager_reminder_ms * 1'000; }

/// As which alerts the channel was told of it: 0 for itself, and its steps. The rule may name others since: then all.
std::vector<std::uint32_t> told_as(const channel_entry& to, const notice& it) {
  const auto& routing = it.rule.routing;
  const auto has = [&](const std::vector<channel_id>& list) { return std::ranges::find(list, to.id) != list.end(); };
  std::vector<std::uint32_t> all(it.steps_done + 1), told;
  std::iota(all.begin(), all.end(), 0U);
  if (has(routing.channels)) told.push_back(0);
  for (std::uint32_t step = 1; step <= it.steps_done && step <= routing.escalation.size(); ++step)
    if (has(routing.escalation[step - 1].channels)) told.push_back(step);
  return told.empty() ? all : told;
}

}  // namespace

std::string alertmanager_content(const channel_entry& to, const notice& what) {
  json_writer out;
  out.begin_array();
  if (!what.active) {
    for (const auto step : told_as(to, what)) write_one(out, what, step, what.what.at_us);
  } else {
    const std::int64_t known_us = std::max(what.what.recorded_at_us, what.what.at_us);
    write_one(out, what, what.step.value_or(0), active_until_us(known_us));
  }
  out.end_array();
  return out.text();
}

std::string alertmanager_reminder(const channel_entry& to, const std::vector<notice>& active, std::int64_t now_us) {
  json_writer out;
  out.begin_array();
  for (const notice& each : active)
    for (const auto step : told_as(to, each)) write_one(out, each, step, active_until_us(now_us));
  out.end_array();
  return out.text();
}

transfer alertmanager_request(const channel_entry& to, const delivery& what, std::int64_t) {
  transfer out = transfer_to(to, what.content);
  while (out.url.ends_with('/')) out.url.pop_back();
  out.url += "/api/v2/alerts";
  out.headers = {"Content-Type: application/json", "User-Agent: factory-monitor"};
  out.username = to.username;
  out.password = to.secret;
  return out;
}

}  // namespace factory
