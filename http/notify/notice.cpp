#include "http/notify/notice.hpp"

#include <fmt/format.h>

#include <utility>

#include "http/text/json_writer.hpp"
#include "pipelines/alarm/alarm_groups.hpp"
#include "pipelines/alarm/alarm_rules.hpp"

namespace factory {

namespace {

/// 97.5, and not 97.500000000000014: for people.
std::string short_number(double value) { return fmt::format("{:.6g}", value); }

void write_entity(json_writer& out, std::string_view name, std::uint32_t id, std::string_view title) {
  out.key(name);
  if (id == 0) {
    out.value(nullptr);
    return;
  }
  out.begin_object().member("id", id).member("name", title).end_object();
}

void write_group(json_writer& out, const notice& it) {
  out.member("group", group_id({it.machine.id, it.raised_at_us})).member("first_out", finding_id(it.what.key));
  out.key("alerts").begin_array();
  for (const auto& each : it.collected) {
    out.begin_object().member("id", each.notification).member("type", each.kind).member("alert_id", each.finding);
    out.member("active", each.active).member("severity", to_text(each.level)).member("title", each.title);
    out.time_member("timestamp", each.at_us).end_object();
  }
  out.end_array();
}

std::string_view state_word(const notice& it) {
  if (it.kind == "escalation") return "still active";
  if (it.kind == "chattering") return "chattering";
  if (it.kind == "calm") return it.active ? "quiet and active" : "quiet and cleared";
  switch (it.what.key.kind) {
    case event_kind::pipeline_cleared:
    case event_kind::alert_cleared: return "cleared";
    case event_kind::alert_acknowledged: return "acknowledged";
    case event_kind::alert_escalated: return "worse";
    case event_kind::alert_returned: return "back in range and latched";
    case event_kind::alert_reminded: return "still unacknowledged";
    case event_kind::alert_stepped: return "on another step";
    case event_kind::alert_unshelved:
    case event_kind::alert_unsuppressed:
    case event_kind::alert_put_back: return "stands";
    case event_kind::withdrawn: return "withdrawn";
    case event_kind::revised: return "revised";
    default: return "raised";
  }
}

}  // namespace

alert_rule rule_behind(const catalog& entities, const event_key& alert) {
  alert_rule without;
  if (alert.source != event_source::alert_rule) {
    without.name = alert.source == event_source::min_threshold ? "below minimum" : "above maximum";
    return without;
  }
  auto rule = entities.find_rule(alert.rule);
  if (!rule) {
    without.id = alert.rule;
    without.name = "a rule that was deleted";
    return without;
  }
  if (!rule->as_template) return std::move(*rule);
  const auto other = rule->as_template->overrides.find(alert.sensor);
  return other == rule->as_template->overrides.end() ? std::move(*rule) : with_override(*rule, other->second);
}

notice notice_of(const catalog& entities, const event& what, const alert_rule& rule) {
  notice it;
  it.kind = to_text(what.key.kind);
  it.id = fmt::format("{}:{}:{}", finding_id(what.key), it.kind, what.key.revision);
  it.what = what;
  it.finding = finding_id(what.key);
  it.raised_at_us = what.key.event_time_us;
  it.level = what.level;
  it.rule = rule;
  if (what.key.source == event_source::pipeline) it.pipeline = pipeline_of(what.key.rule);
  it.sensor = entities.find_sensor(what.key.sensor).value_or(sensor_entry{});
  it.machine = entities.find_machine(it.sensor.machine).value_or(machine_entry{});
  it.factory = entities.find_factory(it.machine.factory).value_or(factory_entry{});
  it.message = it.pipeline != 0 ? what.explanation : filled_in(rule.options.message, it);
  return it;
}

notice test_notice(std::int64_t now_us) {
  notice it;
  it.kind = "test";
  it.id = fmt::format("test:{}", now_us);
  it.what.at_us = it.what.recorded_at_us = it.raised_at_us = now_us;
  it.active = false;
  it.level = severity::rule_info;
  it.rule.name = "Test";
  it.message = "This is a test of the channel; nothing is wrong.";
  return it;
}

std::string unit_of_value(const notice& it) {
  if (it.pipeline != 0 || it.rule.condition == rule_condition::anomaly) return {};
  if (is_about_silence(it.rule)) return "s";
  const auto& unit = it.sensor.unit;
  return it.rule.condition == rule_condition::rate_above ? unit + "/s" : unit;
}

std::string value_text(const notice& it) {
  const auto unit = unit_of_value(it);
  const auto value = short_number(it.what.value);
  if (it.rule.condition == rule_condition::anomaly) return "score " + value;
  return unit.empty() ? value : unit.starts_with('/') ? value + unit : value + " " + unit;
}

std::string filled_in(std::string_view message, const notice& with) {
  const std::pair<std::string_view, std::string> words[] = {{"factory", with.factory.name},
                                                            {"machine", with.machine.name},
                                                            {"sensor", with.sensor.name},
                                                            {"unit", unit_of_value(with)},
                                                            {"rule", with.rule.name},
                                                            {"value", short_number(with.what.value)},
                                                            {"limit", short_number(with.what.limit())},
                                                            {"severity", std::string(to_text(with.level))},
                                                            {"time", format_time(with.what.at_us)}};
  std::string out;
  while (!message.empty()) {
    const auto open = message.find('{');
    out += message.substr(0, open);
    if (open == std::string_view::npos) break;
    message.remove_prefix(open);
    bool known = false;
    for (const auto& [name, text] : words) {
      if (!message.substr(1).starts_with(name) || message.substr(1 + name.size()).substr(0, 1) != "}") continue;
      out += text;
      message.remove_prefix(name.size() + 2);
      known = true;
      break;
    }
    if (known) continue;
    out += '{';
    message.remove_prefix(1);
  }
  return out;
}

std::string headline(const notice& it) {
  if (!it.title.empty()) return it.title;
  if (it.kind == "test") return "Test of a channel of Factory Monitor";
  return fmt::format("{} {}: {} on {} ({}): {}, {}", to_text(it.level), state_word(it), it.sensor.name, it.machine.name,
                     it.factory.name, it.rule.name, value_text(it));
}

std::string notice_json(const notice& it) {
  json_writer out;
  const bool of_no_alert = it.of_no_alert();
  const std::string alert = finding_id(it.what.key);
  out.begin_object().member("id", it.id).member("type", it.kind);
  out.member("alert_id", of_no_alert ? std::nullopt : std::optional(std::string_view(alert)));
  out.member("source", of_no_alert ? std::nullopt : std::optional(to_text(it.what.key.source)));
  out.member("active", it.active)
      .member("severity", to_text(it.level))
      .member("title", headline(it))
      .member("message", it.message);
  out.member("instructions", it.rule.options.instructions);
  out.member("priority", it.rule.options.priority != 0 ? std::optional(it.rule.options.priority) : std::nullopt);
  out.member("step", it.step);
  out.member("value", of_no_alert ? std::nullopt : std::optional(it.what.value));
  out.member("limit", it.has_limit() ? std::optional(it.what.limit()) : std::nullopt);
  out.time_member("raised_at", it.raised_at_us).time_member("timestamp", it.what.at_us);
  out.time_member("recorded_at", it.what.recorded_at_us);
  out.member("by", it.what.who.empty() ? std::nullopt : std::optional(std::string_view(it.what.who)));
  const alarm_detail* const said = it.what.alarm();
  out.member("comment", said == nullptr || said->comment.empty() ? std::nullopt : std::optional(std::string_view(said->comment)));
  out.member("explanation", it.what.explanation.empty() ? std::nullopt : std::optional(std::string_view(it.what.explanation)));
  out.member("anomaly_id", it.anomaly.empty() ? std::nullopt : std::optional(std::string_view(it.anomaly)));
  write_entity(out, "rule", it.rule.id, it.rule.name);
  write_entity(out, "pipeline", it.pipeline, it.rule.name);
  write_entity(out, "sensor", it.sensor.id, it.sensor.name);
  out.member("unit", unit_of_value(it));
  write_entity(out, "machine", it.machine.id, it.machine.name);
  write_entity(out, "factory", it.factory.id, it.factory.name);
  if (it.kind == "group") write_group(out, it);
  out.end_object();
  return out.text();
}

}  // namespace factory
