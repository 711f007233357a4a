#include "http/text/rule_template_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <string>

#include "http/text/catalog_json.hpp"
#include "http/text/schedule_json.hpp"
#include "pipelines/decode/json_members.hpp"
#include "pipelines/select/selector_json.hpp"

namespace factory {

namespace {

using simdjson::dom::element;

/// null takes the member away.
template <class Member, class Read>
expected<bool> take_or_reset(std::optional<Member>& member, const std::string& path, element value, Read read) {
  member.reset();
  if (value.is_null()) return true;
  auto found = read(path, value);
  if (!found) return tl::unexpected(std::move(found.error()));
  member = std::move(*found);
  return true;
}

expected<severity> read_severity(const std::string& path, element value) {
  std::string_view text;
  const auto level = value.get(text) ? std::nullopt : parse_rule_severity(text);
  if (!level) return fail(errc::invalid, path + " must be INFO, WARNING or CRITICAL", path);
  return *level;
}

/// An option of a rule by its name, as all rules read it.
template <class Member, class Of>
expected<bool> take_option(std::optional<Member>& member, std::string_view name, const std::string& path, element value, Of of) {
  return take_or_reset(member, path, value, [&](const std::string&, element given) -> expected<Member> {
    alarm_options options;
    if (const auto set = *set_option(options, name, given); !set) {
      const std::string within = path.substr(0, path.size() - name.size());
      return fail(errc::invalid, within + set.error().message, within + set.error().field);
    }
    return of(options);
  });
}

expected<bool> set_discipline(rule_override& one, std::string_view name, const std::string& path, element value) {
  if (name == "latch") return take_or_reset(one.latch, path, value, read_boolean);
  if (name == "re_alarm_ms")
    return take_option(one.re_alarm_us, name, path, value, [](const alarm_options& options) { return options.re_alarm_us; });
  if (name == "silence_ms" || name == "for_ms")
    return take_option(one.silence_us, name, path, value, [](const alarm_options& options) { return options.silence_us; });
  if (name == "low_low") return take_or_reset(one.low_low, path, value, read_number);
  if (name == "high_high") return take_or_reset(one.high_high, path, value, read_number);
  if (name == "schedule") return take_or_reset(one.schedule, path, value, read_schedule);
  if (name == "min_score")
    return take_option(one.min_score, name, path, value, [](const alarm_options& options) { return options.anomalies.score; });
  if (name == "min_severity")
    return take_option(one.min_level, name, path, value, [](const alarm_options& options) { return options.anomalies.level; });
  if (name == "detectors")
    return take_option(one.detectors, name, path, value,
                       [](const alarm_options& options) { return options.anomalies.detectors; });
  return false;
}

expected<bool> set_member(rule_override& one, std::string_view name, const std::string& path, element value) {
  if (name == "low") return take_or_reset(one.low, path, value, read_number);
  if (name == "high") return take_or_reset(one.high, path, value, read_number);
  if (name == "severity") return take_or_reset(one.level, path, value, read_severity);
  if (name == "enabled") return take_or_reset(one.enabled, path, value, read_boolean);
  if (name == "deadband") {
    return take_option(one.deadband, name, path, value, [](const alarm_options& options) {
      return rule_override::band{options.deadband, options.deadband_in_percent};
    });
  }
  if (name == "on_delay_ms")
    return take_option(one.on_delay_us, name, path, value, [](const alarm_options& options) { return options.on_delay_us; });
  if (name == "off_delay_ms")
    return take_option(one.off_delay_us, name, path, value, [](const alarm_options& options) { return options.off_delay_us; });
  if (name == "priority")
    return take_option(one.priority, name, path, value, [](const alarm_options& options) { return options.priority; });
  if (name == "count")
    return take_option(one.count, name, path, value, [](const alarm_options& options) { return options.count; });
  if (name == "of") return take_option(one.of, name, path, value, [](const alarm_options& options) { return options.of; });
  return set_discipline(one, name, path, value);
}

/// 0: it is none.
sensor_id parse_sensor(std::string_view text) {
  sensor_id id = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), id);
  return failed == std::errc() && end == text.data() + text.size() ? id : 0;
}

expected<bool> merge_overrides(std::map<sensor_id, rule_override>& overrides, element value) {
  if (value.is_null()) {
    overrides.clear();
    return true;
  }
  const auto take_sensor = [&](std::string_view name, const std::string& path, element given) -> expected<bool> {
    const sensor_id sensor = parse_sensor(name);
    if (sensor == 0) return fail(errc::invalid, path + " must be named by the id of a sensor", path);
    if (given.is_null()) {
      overrides.erase(sensor);
      return true;
    }
    rule_override& one = overrides[sensor];
    const auto taken = for_each_member(path, given, [&](std::string_view member, const std::string& member_path, element inner) {
      return set_member(one, member, member_path, inner);
    });
    if (one.empty()) overrides.erase(sensor);
    if (!taken) return tl::unexpected(taken.error());
    return true;
  };
  if (auto taken = for_each_member("overrides", value, take_sensor); !taken) return tl::unexpected(std::move(taken.error()));
  return true;
}

void write_override(json_writer& out, const rule_override& one, bool of_quality) {
  out.begin_object();
  if (one.low) out.member("low", *one.low);
  if (one.high) out.member("high", *one.high);
  if (one.level) out.member("severity", to_text(*one.level));
  if (one.enabled) out.member("enabled", *one.enabled);
  if (one.deadband && one.deadband->in_percent)
    out.member("deadband", fmt::format("{}%", one.deadband->width));
  else if (one.deadband)
    out.member("deadband", one.deadband->width);
  if (one.on_delay_us) out.member("on_delay_ms", *one.on_delay_us / 1'000);
  if (one.off_delay_us) out.member("off_delay_ms", *one.off_delay_us / 1'000);
  if (one.priority) out.member("priority", *one.priority);
  if (one.count) out.member("count", *one.count);
  if (one.of) out.member("of", *one.of);
  if (one.latch) out.member("latch", *one.latch);
  if (one.re_alarm_us) out.member("re_alarm_ms", *one.re_alarm_us / 1'000);
  if (one.silence_us) out.member(of_quality ? "for_ms" : "silence_ms", *one.silence_us / 1'000);
  if (one.low_low) out.member("low_low", *one.low_low);
  if (one.high_high) out.member("high_high", *one.high_high);
  if (one.schedule) write_schedule(out.key("schedule"), *one.schedule);
  if (one.min_score) out.member("min_score", *one.min_score);
  if (one.min_level) out.member("min_severity", to_text(*one.min_level));
  if (one.detectors) write_detectors(out.key("detectors"), *one.detectors);
  out.end_object();
}

rule_template& template_of(alert_rule& rule) { return rule.as_template ? *rule.as_template : rule.as_template.emplace(); }

expected<bool> set_sensor(alert_rule& rule, element value) {
  rule.sensor = 0;
  if (value.is_null()) return true;
  const auto id = read_id("sensor_id", value);
  if (!id) return tl::unexpected(id.error());
  rule.sensor = *id;
  return true;
}

expected<bool> set_selector(alert_rule& rule, element value) {
  if (value.is_null()) {
    rule.as_template.reset();
    return true;
  }
  auto which = read_selector("selector", value);
  if (!which) return tl::unexpected(std::move(which.error()));
  template_of(rule).sensors = std::move(*which);
  return true;
}

}  // namespace

std::optional<expected<bool>> set_template_member(alert_rule& rule, std::string_view name, element value) {
  if (name == "sensor_id") return set_sensor(rule, value);
  if (name == "selector") return set_selector(rule, value);
  if (name == "overrides") return merge_overrides(template_of(rule).overrides, value);
  return std::nullopt;
}

expected<void> close_template(alert_rule& rule) {
  if (rule.as_template && rule.as_template->sensors.empty()) {
    if (!rule.as_template->overrides.empty()) return fail(errc::invalid, "overrides stand beside a selector", "overrides");
    rule.as_template.reset();
  }
  if (rule.as_template && rule.sensor != 0)
    return fail(errc::invalid, "selector stands instead of sensor_id; one of them must be null or absent", "selector");
  if (!rule.as_template && rule.sensor == 0)
    return fail(errc::invalid, "sensor_id is required, or selector for a rule of many sensors", "sensor_id");
  return {};
}

void write_template(json_writer& out, const alert_rule& rule) {
  out.member("sensor_id", rule.sensor != 0 ? std::optional(rule.sensor) : std::nullopt).key("selector");
  if (!rule.as_template) {
    out.value(nullptr);
    out.key("overrides").begin_object().end_object();
    return;
  }
  write_json(out, rule.as_template->sensors);
  out.key("overrides").begin_object();
  for (const auto& [sensor, one] : rule.as_template->overrides) {
    out.key(std::to_string(sensor));
    write_override(out, one, rule.condition == rule_condition::stale_quality);
  }
  out.end_object();
}

void write_json(json_writer& out, const selector& which) {
  out.begin_object();
  if (which.factory != 0) out.member("factory_id", which.factory);
  if (which.machine != 0) out.member("machine_id", which.machine);
  if (which.machine_type) out.member("machine_type", *which.machine_type);
  if (which.name) out.member("name", *which.name);
  if (which.unit) out.member("unit", *which.unit);
  if (!which.labels.empty()) write_labels(out, which.labels);
  if (!which.sensors.empty()) {
    out.key("sensor_ids").begin_array();
    for (const sensor_id sensor : which.sensors) out.value(sensor);
    out.end_array();
  }
  out.end_object();
}

void write_labels(json_writer& out, const label_set& labels) {
  out.key("labels").begin_object();
  for (const label& one : labels) out.member(one.key, one.value);
  out.end_object();
}

}  // namespace factory
