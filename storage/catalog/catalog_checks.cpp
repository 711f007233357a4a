#include "storage/catalog/catalog_checks.hpp"

#include "storage/base/limits.hpp"

#include "pipelines/model/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace factory {

std::optional<problem> check_text(std::string_view text, const char* field) {
  if (text.size() > limits::name_bytes)
    return problem{errc::invalid, field, fmt::format("is longer than {} bytes", limits::name_bytes)};
  if (!is_utf8(text)) return problem{errc::invalid, field, "is not valid UTF-8 text"};
  if (holds_control(text))
    return problem{errc::invalid, field, "holds a control character (a line break, a tab, NUL or the like)"};
  return {};
}

std::optional<problem> check_name(std::string_view name) {
  if (name.empty()) return problem{errc::invalid, "name", "must not be empty"};
  return check_text(name, "name");
}

namespace {

template <class Parent>
std::optional<problem> check_parent(const catalog_tables& tables, std::uint32_t id, const char* field, const char* what) {
  if (tables.of<Parent>().find(id) != nullptr) return {};
  return problem{errc::invalid, field, fmt::format("there is no {} {}", what, id)};
}

std::optional<problem> check_limit(const std::optional<double>& limit, const char* field) {
  if (!limit || std::isfinite(*limit)) return {};
  return problem{errc::invalid, field, "must be a finite number"};
}

std::optional<problem> check_retention(const retention_days& days) {
  if (!days || *days <= limits::retention_days) return {};
  return problem{errc::invalid, "retention_days", fmt::format("must not be above {}", limits::retention_days)};
}

std::optional<problem> check_labels(const label_set& labels) {
  if (auto fault = fault_of(labels)) return problem{errc::invalid, "labels", std::move(*fault)};
  return {};
}

}  // namespace

std::optional<problem> check_selector(const catalog_tables& tables, const selector& which) {
  if (which.empty()) return problem{errc::invalid, "selector", "must ask for something"};
  if (which.factory != 0)
    if (auto bad = check_parent<factory_entry>(tables, which.factory, "selector.factory_id", "factory")) return bad;
  if (which.machine != 0)
    if (auto bad = check_parent<machine_entry>(tables, which.machine, "selector.machine_id", "machine")) return bad;
  for (const sensor_id sensor : which.sensors)
    if (auto bad = check_parent<sensor_entry>(tables, sensor, "selector.sensor_ids", "sensor")) return bad;
  return {};
}

void trim_name(std::string& name) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!name.empty() && blank(name.back())) name.pop_back();
  std::size_t begin = 0;
  while (begin < name.size() && blank(name[begin])) ++begin;
  name.erase(0, begin);
}

std::string_view title_of(record_kind kind) {
  switch (kind) {
    case record_kind::factory: return "Factory";
    case record_kind::machine: return "Machine";
    case record_kind::sensor: return "Sensor";
    case record_kind::rule: return "Rule";
    case record_kind::channel: return "Channel";
  }
  return "";
}

std::optional<problem> check_members(const catalog_tables&, const factory_entry& entry) {
  if (auto bad = check_name(entry.name)) return bad;
  if (auto bad = check_text(entry.location, "location")) return bad;
  return check_retention(entry.retention);
}

std::optional<problem> check_members(const catalog_tables& tables, const machine_entry& entry) {
  if (auto bad = check_name(entry.name)) return bad;
  if (auto bad = check_text(entry.type, "type")) return bad;
  if (auto bad = check_retention(entry.retention)) return bad;
  if (auto bad = check_labels(entry.labels)) return bad;
  return check_parent<factory_entry>(tables, entry.factory, "factory_id", "factory");
}

std::optional<problem> check_members(const catalog_tables& tables, const sensor_entry& entry) {
  if (auto bad = check_name(entry.name)) return bad;
  if (auto bad = check_text(entry.unit, "unit")) return bad;
  const auto& [min, max] = entry.thresholds;
  if (auto bad = check_limit(min, "min_threshold")) return bad;
  if (auto bad = check_limit(max, "max_threshold")) return bad;
  if (min && max && *min > *max) return problem{errc::invalid, "min_threshold", "must not be above max_threshold"};
  if (auto bad = check_retention(entry.retention)) return bad;
  if (auto bad = check_labels(entry.labels)) return bad;
  return check_parent<machine_entry>(tables, entry.machine, "machine_id", "machine");
}

namespace {

std::optional<problem> check_options(const alarm_options& options) {
  const auto outside = [](std::int64_t value, std::int64_t lowest, std::int64_t highest) {
    return value < lowest || value > highest;
  };
  constexpr auto longest_us = limits::alarm_delay_ms * 1'000;
  const std::string delay_bound = "must be from 0 to " + std::to_string(limits::alarm_delay_ms);
  if (!std::isfinite(options.deadband) || options.deadband < 0)
    return problem{errc::invalid, "deadband", "must be a number from 0 up, or a percentage such as \"2%\""};
  if (outside(options.on_delay_us, 0, longest_us)) return problem{errc::invalid, "on_delay_ms", delay_bound};
  if (outside(options.off_delay_us, 0, longest_us)) return problem{errc::invalid, "off_delay_ms", delay_bound};
  if (options.of < 1 || options.of > limits::alarm_readings)
    return problem{errc::invalid, "of", "must be from 1 to " + std::to_string(limits::alarm_readings)};
  if (options.count < 1 || options.count > options.of) return problem{errc::invalid, "count", "must be from 1 to `of`"};
  if (options.priority > 4) return problem{errc::invalid, "priority", "must be from 1 (most urgent) to 4, or null"};
  if (options.re_alarm_us != 0 && outside(options.re_alarm_us, limits::re_alarm_ms_least * 1'000, limits::alarm_days_ms * 1'000))
    return problem{errc::invalid, "re_alarm_ms",
                   fmt::format("must be 0 or from {} to {}", limits::re_alarm_ms_least, limits::alarm_days_ms)};
  for (const auto& [text, field] : {std::pair(&options.message, "message"), std::pair(&options.instructions, "instructions")})
    if (text->size() > limits::rule_text_bytes)
      return problem{errc::invalid, field, "must be at most " + std::to_string(limits::rule_text_bytes) + " bytes"};
  return std::nullopt;
}

/// Back in range must be possible: the deadbands of both limits leave room between them.
bool leaves_room(const alert_rule& rule) {
  const auto& options = rule.options;
  const bool has_two = rule.condition == rule_condition::out_of_range || rule.condition == rule_condition::ladder;
  return !has_two || rule.low + options.margin_at(rule.low) <= rule.high - options.margin_at(rule.high);
}

std::optional<problem> check_ladder(const alert_rule& rule) {
  std::vector<double> limits_in_order{rule.options.low_low, rule.low, rule.high, rule.options.high_high};
  std::erase_if(limits_in_order, [](double limit) { return std::isinf(limit); });
  if (limits_in_order.empty()) return problem{errc::invalid, "high", "is unset like all limits of the ladder; it needs one"};
  if (!std::is_sorted(limits_in_order.begin(), limits_in_order.end()))
    return problem{errc::invalid, "low_low", "low, high and high_high must rise in this order"};
  return std::nullopt;
}

std::optional<problem> check_condition(const alert_rule& rule) {
  const auto& options = rule.options;
  if (rule.condition == rule_condition::ladder) return check_ladder(rule);
  if (auto bad = check_limit(rule.low, "low")) return bad;
  if (auto bad = check_limit(rule.high, "high")) return bad;
  if (rule.condition == rule_condition::out_of_range && rule.low > rule.high)
    return problem{errc::invalid, "low", "must not be above high"};
  if (rule.condition == rule_condition::rate_above && rule.high < 0)
    return problem{errc::invalid, "high", "is a rate without sign: must not be below 0"};
  if (uses_no_limit(rule.condition) && options.counts_readings())
    return problem{errc::invalid, "of", fmt::format("must be 1: {} has no readings to count", to_text(rule.condition))};
  if (rule.condition == rule_condition::anomaly && !(options.anomalies.score >= 1 && std::isfinite(options.anomalies.score)))
    return problem{errc::invalid, "min_score", "must be a number from 1 up: 1 is the boundary of the detectors"};
  if (rule.condition != rule_condition::no_data && rule.condition != rule_condition::stale_quality) return std::nullopt;
  if (options.silence_us < limits::silence_ms_least * 1'000 || options.silence_us > limits::alarm_days_ms * 1'000)
    return problem{errc::invalid, rule.condition == rule_condition::no_data ? "silence_ms" : "for_ms",
                   fmt::format("must be from {} to {}", limits::silence_ms_least, limits::alarm_days_ms)};
  return std::nullopt;
}

/// Of what else an alarm does. One rule may keep others quiet; it is kept quiet by none, so that one of them speaks.
std::optional<problem> check_discipline(const catalog_tables& tables, const alert_rule& rule) {
  const auto& options = rule.options;
  if (options.suppressed_by == 0) return std::nullopt;
  const alert_rule* by = tables.of<alert_rule>().find(options.suppressed_by);
  const auto refused = [](std::string why) { return problem{errc::invalid, "suppressed_by", std::move(why)}; };
  if (by == nullptr || by->sensor != rule.sensor || by->id == rule.id)
    return refused(rule.as_template ? "must be another rule with a selector" : "must be another rule of the same sensor");
  if (by->options.suppressed_by != 0) return refused(fmt::format("rule {} is suppressed itself", by->id));
  for (const alert_rule& other : tables.of<alert_rule>().of_parent(rule.sensor))
    if (rule.id != 0 && other.options.suppressed_by == rule.id)
      return refused(fmt::format("this rule suppresses rule {}", other.id));
  return std::nullopt;
}

}  // namespace

std::optional<problem> check_template_count(const catalog_tables& tables, std::size_t more) {
  if (tables.templates.size() + more <= limits::rule_templates) return {};
  return problem{errc::conflict, "selector",
                 fmt::format("there are {} rules with a selector already, the most there may be", limits::rule_templates)};
}

namespace {

/// What a rule judges by.
std::optional<problem> check_judgement(const alert_rule& entry) {
  if (auto bad = check_condition(entry)) return bad;
  if (auto bad = check_options(entry.options)) return bad;
  if (!leaves_room(entry)) return problem{errc::invalid, "deadband", "leaves nothing between low and high"};
  if (entry.level < severity::rule_info) return problem{errc::invalid, "severity", "must be INFO, WARNING or CRITICAL"};
  return {};
}

/// A selector that stays as it is stored is not checked again.
std::optional<problem> check_selector(const catalog_tables& tables, const alert_rule& entry) {
  const selector& which = entry.as_template->sensors;
  const alert_rule* const stored = tables.of<alert_rule>().find(entry.id);
  if (stored != nullptr && stored->as_template && stored->as_template->sensors == which) return {};
  return check_selector(tables, which);
}

std::optional<problem> check_overrides(const catalog_tables& tables, const alert_rule& entry) {
  const auto& overrides = entry.as_template->overrides;
  if (overrides.size() > limits::overrides_per_rule)
    return problem{errc::invalid, "overrides", fmt::format("must be at most {}", limits::overrides_per_rule)};
  for (const auto& [sensor, difference] : overrides) {
    const std::string field = fmt::format("overrides.{}", sensor);
    if (auto bad = check_parent<sensor_entry>(tables, sensor, field.c_str(), "sensor")) return bad;
    if (difference.low && !uses_low(entry.condition))
      return problem{errc::invalid, field + ".low", "is not used by this condition"};
    if (difference.high && !uses_high(entry.condition))
      return problem{errc::invalid, field + ".high", "is not used by this condition"};
    if (difference.silence_us && entry.condition != rule_condition::no_data && entry.condition != rule_condition::stale_quality)
      return problem{errc::invalid, field + ".silence_ms", "is not used by this condition"};
    if ((difference.low_low || difference.high_high) && entry.condition != rule_condition::ladder)
      return problem{errc::invalid, field + (difference.low_low ? ".low_low" : ".high_high"), "is not used by this condition"};
    if ((difference.min_score || difference.min_level || difference.detectors) && entry.condition != rule_condition::anomaly) {
      const auto* const name = difference.min_score ? ".min_score" : difference.min_level ? ".min_severity" : ".detectors";
      return problem{errc::invalid, field + name, "is not used by this condition"};
    }
    if (auto bad = check_judgement(with_override(judged(entry), difference)))
      return problem{bad->code, field + "." + bad->field, bad->reason};
  }
  return {};
}

}  // namespace

std::optional<problem> check_members(const catalog_tables& tables, const alert_rule& entry) {
  if (auto bad = check_name(entry.name)) return bad;
  if (auto bad = check_judgement(entry)) return bad;
  if (auto bad = check_routing(tables, entry.routing)) return bad;
  if (auto bad = check_discipline(tables, entry)) return bad;
  if (!entry.as_template) return check_parent<sensor_entry>(tables, entry.sensor, "sensor_id", "sensor");
  if (entry.sensor != 0) return problem{errc::invalid, "selector", "must not stand beside sensor_id"};
  if (auto bad = check_selector(tables, entry)) return bad;
  return check_overrides(tables, entry);
}

}  // namespace factory
