#include "pipelines/spec/units.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <vector>

namespace factory {

namespace {

tl::unexpected<error> mistake(std::string path, const std::string& why) {
  auto text = path + ": " + why;
  return fail(errc::invalid, std::move(text), std::move(path));
}

/// The names in an expression that only adds and subtracts; nothing for any other.
std::optional<std::vector<std::string>> names_of_sum(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isspace(c) != 0 || c == '+' || c == '-' || c == '(' || c == ')') {
      ++i;
    } else if (std::isalpha(c) != 0 || c == '_') {
      const auto begin = i;
      while (i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_')) ++i;
      names.push_back(text.substr(begin, i - begin));
    } else {
      return std::nullopt;
    }
  }
  return names;
}

bool keeps_unit(aggregate_kind kind) {
  switch (kind) {
    case aggregate_kind::count:
    case aggregate_kind::integral:
    case aggregate_kind::slope:
    case aggregate_kind::rate:
    case aggregate_kind::changes:
    case aggregate_kind::time_in_state:
    case aggregate_kind::duration: return false;
    default: return true;
  }
}

expected<void> check_sum(const std::string& path, const std::string& expression, const pipeline_spec& spec,
                         std::span<const std::string> units) {
  const auto names = names_of_sum(expression);
  if (!names) return {};
  std::optional<std::size_t> first;
  for (const auto& name : *names) {
    const auto at = std::ranges::find(spec.sources, name, &source_spec::name);
    const auto source = static_cast<std::size_t>(at - spec.sources.begin());
    if (at == spec.sources.end() || units[source].empty()) continue;
    if (first && units[*first] != units[source])
      return mistake(path, spec.sources[*first].name + " is in " + units[*first] + " and " + name + " in " + units[source] +
                               ": they cannot be added or subtracted");
    first = source;
  }
  return {};
}

}  // namespace

expected<void> check_units(const pipeline_spec& spec, std::span<const std::string> units) {
  bool computes = false, changes_unit = false, integrates = false;
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    const auto path = "steps[" + std::to_string(i) + "]";
    if (const auto* const compute = std::get_if<compute_step>(&spec.steps[i])) {
      computes = true;
      if (auto good = check_sum(path + ".compute", compute->expression, spec, units); !good) return good;
    }
    if (const auto* const window = std::get_if<window_step>(&spec.steps[i])) {
      changes_unit = changes_unit || !keeps_unit(window->aggregate);
      integrates = integrates || window->aggregate == aggregate_kind::integral;
    }
    changes_unit = changes_unit || std::holds_alternative<derivative_step>(spec.steps[i]) ||
                   std::holds_alternative<accumulate_step>(spec.steps[i]) || std::holds_alternative<limit_step>(spec.steps[i]) ||
                   std::holds_alternative<detector_step>(spec.steps[i]);
  }
  if (computes || units.size() != 1 || units[0].empty()) return {};
  for (std::size_t i = 0; i < spec.sinks.size(); ++i) {
    const auto* const sink = std::get_if<sensor_sink>(&spec.sinks[i]);
    if (sink == nullptr || sink->unit.empty()) continue;
    const auto path = "sinks[" + std::to_string(i) + "].sensor.unit";
    if (integrates && sink->unit == units[0] + "h")
      return mistake(
          path, "is " + sink->unit + ", and an integral of " + units[0] + " counts seconds: add {\"compute\":\"value / 3600\"}");
    if (!changes_unit && sink->unit != units[0]) return mistake(path, "is " + sink->unit + ", and the source is in " + units[0]);
  }
  return {};
}

}  // namespace factory
