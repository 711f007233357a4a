#include "http/text/catalog_json.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include "http/text/channel_json.hpp"
#include "http/text/json_body.hpp"
#include "http/text/rule_template_json.hpp"
#include "http/text/schedule_json.hpp"
#include "http/text/stream_rules_json.hpp"
#include "pipelines/select/selector_json.hpp"
#include "storage/base/limits.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

/// Assigns a parsed value to its member and returns true, or returns the reader's error.
template <class T, class Member>
expected<bool> put(Member& member, expected<T> value) {
  if (!value) return tl::unexpected(value.error());
  member = std::move(*value);
  return true;
}

expected<bool> put_labels(label_set& member, std::string_view name, element value) {
  if (auto merged = merge_labels(member, name, value); !merged) return tl::unexpected(std::move(merged.error()));
  return true;
}

expected<bool> put_settings(stream_settings& member, settings_owner whose, std::string_view name, element value) {
  auto set = change_settings(member, whose, name, value);
  return set ? expected<bool>(true) : tl::unexpected(std::move(set.error()));
}

expected<bool> given_by_server(std::string_view name) {
  if (name != "id" && name != "created_at") return false;
  return fail(errc::invalid, std::string(name) + " is given by the server", std::string(name));
}

/// A member whose value is one of a few words.
template <class Word>
expected<bool> put_word(Word& member, std::string_view name, element value, std::optional<Word> (*parse)(std::string_view),
                        std::string_view words) {
  std::string_view text;
  const std::optional<Word> word = value.get(text) ? std::nullopt : parse(text);
  if (!word) return fail(errc::invalid, std::string(name) + " must be " + std::string(words), std::string(name));
  member = *word;
  return true;
}

bool uses_low(const alert_rule& rule) { return uses_low(rule.condition); }
bool uses_high(const alert_rule& rule) { return uses_high(rule.condition); }

/// Answers show an unused limit as null, so null is accepted as "unset".
expected<bool> put_limit(double& member, std::string_view name, element value) {
  const auto limit = read_number_or_null(name, value);
  if (!limit) return tl::unexpected(limit.error());
  member = limit->value_or(unset_limit());
  return true;
}

/// A number in the unit of the readings, or a text such as "2%" of the limit.
expected<bool> put_deadband(alarm_options& options, std::string_view name, element value) {
  std::string_view text;
  options.deadband_in_percent = !value.get(text);
  if (!options.deadband_in_percent) return put(options.deadband, read_number(name, value));
  const auto* const end = text.data() + text.size();
  const auto [rest, failed] = fast_float::from_chars(text.data(), end, options.deadband);
  if (failed == std::errc() && std::string_view(rest, static_cast<std::size_t>(end - rest)) == "%") return true;
  return fail(errc::invalid, std::string(name) + " must be a number, or a percentage of the limit such as \"2%\"",
              std::string(name));
}

/// An outer limit of a ladder; null: there is none.
expected<bool> put_outer(double& member, std::string_view name, element value, double unset) {
  const auto limit = read_number_or_null(name, value);
  if (!limit) return tl::unexpected(limit.error());
  member = limit->value_or(unset);
  return true;
}

/// null and 0 are the same: there is none.
expected<bool> put_span(std::int64_t& member, std::string_view name, element value) {
  std::int64_t span_ms = 0;
  if (!value.is_null() && (value.get(span_ms) || span_ms < 0 || span_ms > limits::alarm_days_ms))
    return fail(errc::invalid, fmt::format("{} must be an integer from 0 to {}, or null", name, limits::alarm_days_ms),
                std::string(name));
  member = span_ms * 1'000;
  return true;
}

expected<bool> put_delay(std::int64_t& member, std::string_view name, element value) {
  std::int64_t delay_ms = 0;
  if (value.get(delay_ms) || delay_ms < 0 || delay_ms > limits::alarm_delay_ms)
    return fail(errc::invalid, fmt::format("{} must be an integer from 0 to {}", name, limits::alarm_delay_ms),
                std::string(name));
  member = delay_ms * 1'000;
  return true;
}

/// From 1 to `largest`; null, where it is allowed, is kept as 0.
expected<bool> put_small(std::uint32_t& member, std::string_view name, element value, std::uint32_t largest, bool nullable) {
  std::uint64_t number = 0;
  if (nullable && value.is_null()) {
    member = 0;
    return true;
  }
  if (value.get(number) || number < 1 || number > largest)
    return fail(errc::invalid, fmt::format("{} must be an integer from 1 to {}{}", name, largest, nullable ? ", or null" : ""),
                std::string(name));
  member = static_cast<std::uint32_t>(number);
  return true;
}

/// Lowest severity of an anomaly that counts; null: any.
expected<bool> put_min_severity(severity& member, std::string_view name, element value) {
  std::string_view text;
  if (value.is_null() || !value.get(text)) {
    for (const auto level : {severity::medium, severity::high, severity::critical}) {
      if (value.is_null() || text == to_text(level)) {
        member = level;
        return true;
      }
    }
  }
  return fail(errc::invalid, std::string(name) + " must be medium, high or critical, or null", std::string(name));
}

/// Names of detectors; null or none: any.
expected<bool> put_detectors(std::uint32_t& bits, std::string_view name, element value) {
  bits = 0;
  if (value.is_null()) return true;
  const auto refuse = [&] {
    std::string names;
    for (const auto& each : anomaly_words()) names += (names.empty() ? "" : ", ") + std::string(each.name);
    return fail(errc::invalid, std::string(name) + " must be a list of " + names + "; or null", std::string(name));
  };
  simdjson::dom::array list;
  if (value.get(list)) return refuse();
  for (const element each : list) {
    std::string_view text;
    if (each.get(text)) return refuse();
    const auto known = std::ranges::find(anomaly_words(), text, &anomaly_word::name);
    if (known == anomaly_words().end()) return refuse();
    bits |= known->bit;
  }
  return true;
}

expected<bool> put_min_score(double& member, std::string_view name, element value) {
  const auto score = read_number_or_null(name, value);
  if (!score) return tl::unexpected(score.error());
  member = score->value_or(1);
  return true;
}

/// What the alarm does beside being raised and cleared; unset when it is no member of that.
std::optional<expected<bool>> set_discipline(alarm_options& options, std::string_view name, element value) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (name == "latch") return put(options.latch, read_boolean(name, value));
  if (name == "re_alarm_ms") return put_span(options.re_alarm_us, name, value);
  if (name == "silence_ms" || name == "for_ms") return put_span(options.silence_us, name, value);  // of NO_DATA, STALE_QUALITY
  if (name == "low_low") return put_outer(options.low_low, name, value, -infinite);
  if (name == "high_high") return put_outer(options.high_high, name, value, infinite);
  if (name == "schedule") return put(options.schedule, read_schedule(std::string(name), value));
  if (name == "min_score") return put_min_score(options.anomalies.score, name, value);
  if (name == "min_severity") return put_min_severity(options.anomalies.level, name, value);
  if (name == "detectors") return put_detectors(options.anomalies.detectors, name, value);
  if (name != "suppressed_by") return std::nullopt;
  if (!value.is_null()) return put(options.suppressed_by, read_id(name, value));
  options.suppressed_by = 0;
  return true;
}

}  // namespace

void write_detectors(json_writer& out, std::uint32_t bits) {
  out.begin_array();
  for (const auto& each : anomaly_words())
    if ((bits & each.bit) != 0) out.value(each.name);
  out.end_array();
}

namespace {

void write_discipline(json_writer& out, const alarm_options& options, bool of_quality) {
  out.member("latch", options.latch);
  out.member("suppressed_by", options.suppressed_by != 0 ? std::optional(options.suppressed_by) : std::nullopt);
  out.member("re_alarm_ms", options.re_alarm_us / 1'000);
  out.member("silence_ms", of_quality ? 0 : options.silence_us / 1'000);
  out.member("for_ms", of_quality ? options.silence_us / 1'000 : 0);
  out.member("low_low", options.low_low).member("high_high", options.high_high);  // infinite ones are null
  write_schedule(out.key("schedule"), options.schedule);
  out.member("min_score", options.anomalies.score).member("min_severity", to_text(options.anomalies.level));
  write_detectors(out.key("detectors"), options.anomalies.detectors);
}

}  // namespace

std::optional<expected<bool>> set_option(alarm_options& options, std::string_view name, element value) {
  if (name == "deadband") return put_deadband(options, name, value);
  if (name == "on_delay_ms") return put_delay(options.on_delay_us, name, value);
  if (name == "off_delay_ms") return put_delay(options.off_delay_us, name, value);
  if (name == "count") return put_small(options.count, name, value, limits::alarm_readings, false);
  if (name == "of") return put_small(options.of, name, value, limits::alarm_readings, false);
  if (name == "priority") return put_small(options.priority, name, value, 4, true);
  if (name == "message") return put(options.message, read_text(name, value));
  if (name == "instructions") return put(options.instructions, read_text(name, value));
  return set_discipline(options, name, value);
}

namespace {

void write_options(json_writer& out, const alarm_options& options, bool of_quality) {
  if (options.deadband_in_percent)
    out.member("deadband", fmt::format("{}%", options.deadband));
  else
    out.member("deadband", options.deadband);
  out.member("on_delay_ms", options.on_delay_us / 1'000).member("off_delay_ms", options.off_delay_us / 1'000);
  out.member("count", options.count).member("of", options.of);
  out.member("priority", options.priority != 0 ? std::optional(options.priority) : std::nullopt);
  out.member("message", options.message).member("instructions", options.instructions);
  write_discipline(out, options, of_quality);
}

/// null: inherits from its parent.
expected<bool> put_retention(retention_days& member, std::string_view name, element value) {
  member.reset();
  if (value.is_null()) return true;
  std::uint64_t days = 0;
  if (!value.get(days) && days <= limits::retention_days) {
    member = static_cast<std::uint32_t>(days);
    return true;
  }
  return fail(errc::invalid, fmt::format("{} must be an integer from 0 (for ever) to {}, or null", name, limits::retention_days),
              std::string(name));
}

}  // namespace

expected<bool> set_member(factory_entry& entry, std::string_view name, element value) {
  if (name == "name") return put(entry.name, read_text(name, value));
  if (name == "location") return put(entry.location, read_text(name, value));
  if (name == "detection") return put_settings(entry.settings, settings_owner::factory, name, value);
  if (name == "retention_days") return put_retention(entry.retention, name, value);
  return given_by_server(name);
}

expected<bool> set_member(machine_entry& entry, std::string_view name, element value) {
  if (name == "factory_id") return put(entry.factory, read_id(name, value));
  if (name == "name") return put(entry.name, read_text(name, value));
  if (name == "type") return put(entry.type, read_text(name, value));
  if (name == "detection") return put_settings(entry.settings, settings_owner::machine, name, value);
  if (name == "status") return put_word(entry.status, name, value, parse_machine_status, "OPERATIONAL, MAINTENANCE or OFFLINE");
  if (name == "labels") return put_labels(entry.labels, name, value);
  if (name == "retention_days") return put_retention(entry.retention, name, value);
  return given_by_server(name);
}

expected<bool> set_member(sensor_entry& entry, std::string_view name, element value) {
  if (name == "machine_id") return put(entry.machine, read_id(name, value));
  if (name == "name") return put(entry.name, read_text(name, value));
  if (name == "unit") return put(entry.unit, read_text(name, value));
  if (name == "min_threshold") return put(entry.thresholds.min, read_number_or_null(name, value));
  if (name == "max_threshold") return put(entry.thresholds.max, read_number_or_null(name, value));
  if (name == "detection") return put_settings(entry.settings, settings_owner::sensor, name, value);
  if (name == "labels") return put_labels(entry.labels, name, value);
  if (name == "retention_days") return put_retention(entry.retention, name, value);
  return given_by_server(name);
}

expected<bool> set_member(alert_rule& entry, std::string_view name, element value) {
  if (auto whose = set_template_member(entry, name, value)) return *whose;
  if (name == "name") return put(entry.name, read_text(name, value));
  if (name == "condition") {
    return put_word(entry.condition, name, value, parse_rule_condition,
                    "GREATER_THAN, LESS_THAN, OUT_OF_RANGE, RATE_ABOVE, NO_DATA, LADDER, ANOMALY or STALE_QUALITY");
  }
  if (name == "low") return put_limit(entry.low, name, value);
  if (name == "high") return put_limit(entry.high, name, value);
  if (name == "severity") return put_word(entry.level, name, value, parse_rule_severity, "INFO, WARNING or CRITICAL");
  if (name == "enabled") return put(entry.enabled, read_boolean(name, value));
  if (auto option = set_option(entry.options, name, value)) return *option;
  if (auto routing = set_routing(entry.routing, name, value)) return *routing;
  return given_by_server(name);
}

void write_json(json_writer& out, const factory_entry& entry) {
  out.begin_object().member("id", entry.id).member("name", entry.name).member("location", entry.location);
  out.time_member("created_at", entry.created_at_us).member("retention_days", entry.retention);
  if (!entry.settings.empty()) write_json(out.key("detection"), entry.settings);
  out.end_object();
}

void write_json(json_writer& out, const machine_entry& entry) {
  out.begin_object().member("id", entry.id).member("factory_id", entry.factory).member("name", entry.name);
  out.member("type", entry.type).member("status", to_text(entry.status));
  out.time_member("created_at", entry.created_at_us).member("retention_days", entry.retention);
  write_labels(out, entry.labels);
  if (!entry.settings.empty()) write_json(out.key("detection"), entry.settings);
  out.end_object();
}

void write_json(json_writer& out, const sensor_entry& entry) {
  out.begin_object().member("id", entry.id).member("machine_id", entry.machine).member("name", entry.name);
  out.member("unit", entry.unit).member("min_threshold", entry.thresholds.min).member("max_threshold", entry.thresholds.max);
  out.time_member("created_at", entry.created_at_us).member("retention_days", entry.retention);
  write_labels(out, entry.labels);
  out.key("detection");
  entry.stream ? write_json(out, **entry.stream) : static_cast<void>(out.value(nullptr));
  out.end_object();
}

void write_json(json_writer& out, const alert_rule& entry) {
  out.begin_object().member("id", entry.id);
  write_template(out, entry);
  out.member("name", entry.name);
  out.member("condition", to_text(entry.condition));
  out.member("low", uses_low(entry) ? std::optional(entry.low) : std::nullopt);
  out.member("high", uses_high(entry) ? std::optional(entry.high) : std::nullopt);
  out.member("severity", to_text(entry.level)).member("enabled", entry.enabled);
  write_options(out, entry.options, entry.condition == rule_condition::stale_quality);
  write_routing(out, entry.routing);
  out.end_object();
}

double unset_limit() { return std::numeric_limits<double>::quiet_NaN(); }

void open_limits(alert_rule& rule) {
  if (!uses_low(rule)) rule.low = unset_limit();
  if (!uses_high(rule)) rule.high = unset_limit();
}

expected<void> close_limits(alert_rule& rule) {
  const std::string condition(to_text(rule.condition));
  if (rule.condition == rule_condition::ladder) {  // each limit may be unset: infinite
    if (std::isnan(rule.low)) rule.low = -std::numeric_limits<double>::infinity();
    if (std::isnan(rule.high)) rule.high = std::numeric_limits<double>::infinity();
    return {};
  }
  if (uses_low(rule) && std::isnan(rule.low)) return fail(errc::invalid, "low is required for " + condition, "low");
  if (uses_high(rule) && std::isnan(rule.high)) return fail(errc::invalid, "high is required for " + condition, "high");
  if (!uses_low(rule)) rule.low = 0;
  if (!uses_high(rule)) rule.high = 0;
  return {};
}

}  // namespace factory
