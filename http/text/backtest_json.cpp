#include "http/text/backtest_json.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "actors/backtest/limits.hpp"
#include "http/text/catalog_json.hpp"
#include "http/text/json_body.hpp"
#include "http/text/rule_template_json.hpp"
#include "http/text/stream_rules_json.hpp"
#include "pipelines/select/selector_json.hpp"

namespace factory {

namespace {

using element = simdjson::dom::element;

tl::unexpected<error> must_be(std::string_view field, std::string_view what) {
  return fail(errc::invalid, std::string(field) + " must be " + std::string(what), std::string(field));
}

/// A time as text, or an integer in milliseconds.
expected<std::int64_t> read_time(std::string_view field, element value) {
  std::string_view text;
  std::int64_t ms = 0;
  const auto time_us = !value.get(text) ? parse_time_us(text) : !value.get(ms) ? to_time_us(ms, precision::ms) : std::nullopt;
  if (!time_us) return must_be(field, "a time such as \"2026-01-19T10:00:00Z\", or milliseconds since 1970");
  return *time_us;
}

expected<bool> put_time(std::int64_t& to, std::string_view field, element value) {
  return read_time(field, value).map([&](std::int64_t time_us) {
    to = time_us;
    return true;
  });
}

expected<void> check_order(const time_range& range) {
  if (range.begin_us < range.end_us) return {};
  return fail(errc::invalid, "from must be before to", "from");
}

/// The error of a member of `field`.
error within(const std::string& field, error why) {
  why.message = field + ": " + why.message;
  why.field = why.field.empty() ? field : field + "." + why.field;
  return why;
}

/// `threshold` is the limit that the condition has.
expected<void> put_threshold(alert_rule& rule, double limit) {
  const bool low = uses_low(rule.condition), high = uses_high(rule.condition);
  if (low == high)
    return fail(errc::invalid, "threshold: " + std::string(to_text(rule.condition)) + " takes low and high", "threshold");
  (low ? rule.low : rule.high) = limit;
  return {};
}

/// A draft says `type` and `threshold` as well as `condition` and the limit's own name.
expected<void> set_members(alert_rule& rule, element object) {
  std::optional<double> threshold;
  const auto set = for_each_member(object, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "id") return true;
    if (name == "type") return set_member(rule, "condition", value);
    if (name == "threshold") return read_number(name, value).map([&](double limit) { return threshold = limit, true; });
    return set_member(rule, name, value);
  });
  return set && threshold ? put_threshold(rule, *threshold) : set;
}

/// A draft is there to be tried, whether what it may replace is enabled or not.
expected<void> refuse_disabled(const std::string& field, element object) {
  bool enabled = true;
  if (!object.is_object() || object["enabled"].get(enabled) || enabled) return {};
  return must_be(field + ".enabled", "true or left out: every draft of the request is tried");
}

/// With an `id`, the rule in force of that id as the other members change it; else a new rule, of the sensor `beside` it where it names none.
expected<draft_rule> read_draft(const backtest_scope& scope, const std::string& field, element object, sensor_id beside = 0) {
  if (auto good = refuse_disabled(field, object); !good) return tl::unexpected(std::move(good.error()));
  draft_rule out;
  element id;
  if (object.is_object() && !object["id"].get(id)) {
    const auto given = read_id(field + ".id", id);
    if (!given) return tl::unexpected(given.error());
    auto before = scope.entities.find_rule(*given);
    if (!before || !scope.is_within(*before)) return fail(errc::invalid, field + ".id: Rule not found", field + ".id");
    out = {std::move(*before), *given};
    open_limits(out.rule);
    out.rule.enabled = true;
  } else {
    out.rule.low = out.rule.high = unset_limit();
  }
  auto set = set_members(out.rule, object);
  if (set && !out.rule.as_template && out.rule.sensor == 0) out.rule.sensor = beside;
  if (set) set = close_template(out.rule);
  if (set) set = close_limits(out.rule);
  if (!set) return tl::unexpected(within(field, std::move(set.error())));
  if (!out.rule.as_template && !scope.entities.known_sensors()->contains(out.rule.sensor))
    return fail(errc::invalid, field + ".sensor_id: Sensor not found", field + ".sensor_id");
  if (!scope.is_within(out.rule))
    return fail(errc::invalid, field + ": it is not of the factory that this token is limited to", field);
  return out;
}

/// With an `id`, the pipeline in force of that id as the other members change it; else a new one.
expected<draft_pipeline> read_pipeline(const backtest_scope& scope, const std::string& field, element object) {
  if (auto good = refuse_disabled(field, object); !good) return tl::unexpected(std::move(good.error()));
  draft_pipeline out;
  std::string json = "{";
  const auto read = for_each_member(object, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "id") return read_id(name, value).map([&](pipeline_id id) { return out.instead_of = id, true; });
    json += (json.size() > 1 ? ",\"" : "\"") + std::string(name) + "\":" + simdjson::minify(value);
    return true;
  });
  if (!read) return tl::unexpected(within(field, read.error()));
  json += "}";
  if (out.instead_of != 0) {
    const auto before = std::ranges::find(scope.pipelines, out.instead_of, &pipeline_entry::id);
    if (before == scope.pipelines.end()) return fail(errc::invalid, field + ".id: Pipeline not found", field + ".id");
    auto merged = merge_pipeline(before->spec, json);
    if (!merged) return tl::unexpected(within(field, std::move(merged.error())));
    json = std::move(*merged);
  }
  auto spec = parse_pipeline(json);
  if (!spec) return tl::unexpected(within(field, std::move(spec.error())));
  out.spec = std::move(*spec);
  out.spec.enabled = true;
  return out;
}

expected<bool> read_pipelines(const backtest_scope& scope, element value, std::vector<draft_pipeline>& out) {
  simdjson::dom::array all;
  if (value.get(all) || all.size() > limits::backtest_pipelines)
    return must_be("pipelines", "an array of at most " + std::to_string(limits::backtest_pipelines) + " pipelines");
  for (const element each : all) {
    auto draft = read_pipeline(scope, "pipelines[" + std::to_string(out.size()) + "]", each);
    if (!draft) return tl::unexpected(std::move(draft.error()));
    out.push_back(std::move(*draft));
  }
  return true;
}

expected<bool> read_drafts(const backtest_scope& scope, element value, std::vector<draft_rule>& out) {
  simdjson::dom::array all;
  if (value.get(all) || all.size() > limits::backtest_drafts)
    return must_be("rules", "an array of at most " + std::to_string(limits::backtest_drafts) + " rules");
  for (const element each : all) {
    auto draft = read_draft(scope, "rules[" + std::to_string(out.size()) + "]", each);
    if (!draft) return tl::unexpected(std::move(draft.error()));
    out.push_back(std::move(*draft));
  }
  return true;
}

expected<fault_window> read_fault(const std::string& field, element object) {
  fault_window out{0, INT64_MAX, INT64_MIN};
  const auto set =
      for_each_member(field, object, [&](std::string_view name, const std::string& path, element value) -> expected<bool> {
        if (name == "from") return put_time(out.begin_us, path, value);
        if (name == "to") return put_time(out.end_us, path, value);
        if (name == "name") return read_text(path, value).map([&](std::string text) { return out.name = std::move(text), true; });
        if (name == "sensor_id") return read_id(path, value).map([&](sensor_id id) { return out.sensor = id, true; });
        return false;
      });
  if (!set) return tl::unexpected(set.error());
  if (out.begin_us >= out.end_us) return must_be(field, "an object whose from is before its to");
  return out;
}

expected<bool> read_faults(element value, std::vector<fault_window>& out) {
  simdjson::dom::array all;
  if (value.get(all) || all.size() > limits::backtest_faults)
    return must_be("labels", "an array of at most " + std::to_string(limits::backtest_faults) + " windows");
  for (const element each : all) {
    auto fault = read_fault("labels[" + std::to_string(out.size()) + "]", each);
    if (!fault) return tl::unexpected(std::move(fault.error()));
    out.push_back(std::move(*fault));
  }
  return true;
}

/// Of each sensor, and of each machine, its own settings as these members change them.
expected<bool> read_detectors(element value, backtest_request& out) {
  stream_settings drafted;
  if (auto good = change_detectors(drafted, settings_owner::machine, "detectors", value); !good)
    return tl::unexpected(good.error());
  const auto of_machines = std::ranges::count_if(drafted.all(), [](const stream_settings::entry& each) {
    return each.first.of == static_cast<std::uint8_t>(detector::machine);
  });
  if (of_machines > 0) out.machine_detection = [drafted](detector_setting& how) { drafted.apply_to(how); };
  if (of_machines > 0 && static_cast<std::size_t>(of_machines) == drafted.all().size()) return true;
  out.detection = [drafted = std::move(drafted)](stream_rules& rules) -> expected<void> {
    drafted.apply_to(rules);
    return {};
  };
  return true;
}

}  // namespace

expected<backtest_request> read_backtest(std::string_view json, const backtest_scope& scope) {
  json_body body;
  const auto root = body.parse(json);
  if (!root) return tl::unexpected(root.error());
  backtest_request out;
  const auto set = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "from") return put_time(out.range.begin_us, name, value);
    if (name == "to") return put_time(out.range.end_us, name, value);
    if (name == "selector") {
      auto chosen = read_selector(name, value);
      if (!chosen) return tl::unexpected(std::move(chosen.error()));
      out.sensors = std::move(*chosen);
      return true;
    }
    if (name == "rules") return read_drafts(scope, value, out.rules);
    if (name == "detectors") return read_detectors(value, out);
    if (name == "labels") return read_faults(value, out.faults);
    if (name == "pipelines") return read_pipelines(scope, value, out.pipelines);
    return false;
  });
  if (!set) return tl::unexpected(set.error());
  if (auto good = check_order(out.range); !good) return tl::unexpected(good.error());
  return out;
}

expected<preview_request> read_preview(std::string_view json, const backtest_scope& scope) {
  json_body body;
  const auto root = body.parse(json);
  if (!root) return tl::unexpected(root.error());
  preview_request out;
  bool drafted = false;
  element beside;
  if (root->is_object() && !(*root)["sensor_id"].get(beside)) {
    const auto id = read_id("sensor_id", beside);
    if (!id) return tl::unexpected(id.error());
    out.sensor = *id;
  }
  const auto set = for_each_member(*root, [&](std::string_view name, element value) -> expected<bool> {
    if (name == "from") return put_time(out.range.begin_us, name, value);
    if (name == "to") return put_time(out.range.end_us, name, value);
    if (name == "sensor_id") return true;
    if (name != "rule") return false;
    auto draft = read_draft(scope, "rule", value, out.sensor);
    if (!draft) return tl::unexpected(std::move(draft.error()));
    out.draft = std::move(*draft);
    drafted = true;
    return true;
  });
  if (!set) return tl::unexpected(set.error());
  if (!drafted) return fail(errc::invalid, "rule is required", "rule");
  if (out.sensor == 0) out.sensor = out.draft.rule.sensor;
  if (out.sensor == 0) return fail(errc::invalid, "sensor_id is required: the rule is for many sensors", "sensor_id");
  if (auto good = check_order(out.range); !good) return tl::unexpected(good.error());
  return out;
}

}  // namespace factory
