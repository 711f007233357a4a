#include "pipelines/stream/stream_plan.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace factory {

namespace {

/// Whether an expression may have no finite value for finite ones (but by leaving the range of double): what it divides by is not a number
/// other than 0, or it has a power or a function that is not defined everywhere.
bool may_fail(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '^') return true;
    if (text[i] != '/') continue;
    const auto at = text.find_first_not_of(' ', i + 1);
    if (at == std::string::npos || text[at] < '0' || text[at] > '9' || std::strtod(text.c_str() + at, nullptr) == 0) return true;
  }
  for (const std::string partial :
       {"sqrt(", "ln(", "log(", "log2(", "log10(", "asin(", "acos(", "fmod(", "exp(", "sinh(", "cosh("})
    if (text.find(partial) != std::string::npos) return true;
  return false;
}

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const auto rest = value % step;
  return rest < 0 ? value - rest - step : value - rest;
}

expression parsed(const std::string& text, const std::vector<std::string>& names) {
  auto made = expression::parse(text, names);
  if (!made) throw std::logic_error("an expression of a pipeline cannot be read: " + made.error().message);
  return std::move(*made);
}

}  // namespace

std::int64_t stream_plan::window::begin_of(std::int64_t time_us) const {
  return floor_to(time_us - shift_us, every_us) + shift_us;
}
std::int64_t stream_plan::window::begin_from(std::int64_t time_us) const {
  const auto begin = begin_of(time_us);
  return begin == time_us ? begin : begin + every_us;
}

std::shared_ptr<const stream_plan> stream_plan::of(const pipeline_spec& spec) {
  auto plan = std::make_shared<stream_plan>();
  plan->name = spec.name;
  plan->source_count = spec.sources.size();
  bool with_sources = true, with_value = spec.sources.size() == 1;
  const auto arithmetic_of = [&](const std::string& text, bool filters) {
    std::vector<std::string> names;
    if (with_sources)
      for (const auto& each : spec.sources) names.push_back(each.name);
    if (with_value) names.emplace_back("value");
    return arithmetic{parsed(text, names), filters, with_sources, with_value};
  };
  const auto add = [&](const std::string& text, bool filters) {
    plan->steps.emplace_back(arithmetic_of(text, filters));
    plan->may_withdraw = plan->may_withdraw || filters || may_fail(text);
    with_value = with_value || !filters;
  };
  for (const auto& each : spec.steps) {
    if (const auto* const align = std::get_if<align_step>(&each)) {
      plan->tolerance_us = align->tolerance_us;
      plan->interpolates = align->interpolates;
    }
    if (const auto* const compute = std::get_if<compute_step>(&each)) add(compute->expression, false);
    if (const auto* const filter = std::get_if<filter_step>(&each)) add(filter->expression, true);
    if (std::holds_alternative<derivative_step>(each)) plan->steps.emplace_back(memory{0, plan->memory_count++});
    if (const auto* const ewma = std::get_if<ewma_step>(&each))
      plan->steps.emplace_back(memory{ewma->time_constant_us, plan->memory_count++});
    if (const auto* const total = std::get_if<accumulate_step>(&each)) {
      accumulation made{std::nullopt, plan->accumulation_count++};
      if (!total->reset.empty()) made.reset = arithmetic_of(total->reset, true);
      plan->may_withdraw = plan->may_withdraw || may_fail(total->reset);
      plan->steps.emplace_back(std::move(made));
    }
    if (const auto* const beyond = std::get_if<limit_step>(&each)) plan->steps.emplace_back(limit{*beyond, plan->limit_count++});
    if (const auto* const by = std::get_if<detector_step>(&each)) {
      detection made{{}, plan->detector_count++};
      for (const auto& one : detectors()) made.settings.of(one.id).on = one.id == by->which;
      made.settings.of(by->which) = by->how;
      plan->steps.emplace_back(std::move(made));
    }
    if (const auto* const over = std::get_if<window_step>(&each)) {
      window made{over->kind, over->length_us, over->every_us,  over->shift_us, over->gap_us,        over->minimum_us,
                  over->rows, std::nullopt,    over->aggregate, over->quantile, plan->window_count++};
      if (over->kind == window_kind::sliding) made.sliding = plan->sliding_count++;
      if (over->kind == window_kind::state) made.condition = arithmetic_of(over->condition, true);
      const bool moves = over->kind != window_kind::hopping && over->kind != window_kind::sliding;
      plan->may_withdraw = plan->may_withdraw || moves;  // a late row may give them other begins
      plan->steps.emplace_back(std::move(made));
      with_sources = false;
      with_value = true;
    }
  }
  plan->span_us = 2 * plan->tolerance_us;
  plan->forgets = plan->accumulation_count == 0 && plan->limit_count == 0 && plan->detector_count == 0;
  for (const auto& each : plan->steps) {
    if (const auto* const of = std::get_if<memory>(&each)) plan->forgets = plan->forgets && of->time_constant_us == 0;
    const auto* const over = std::get_if<window>(&each);
    if (over == nullptr) continue;
    plan->span_us += std::max({over->length_us, over->gap_us, over->minimum_us});
    plan->forgets = plan->forgets && over->kind != window_kind::count;
  }
  for (std::size_t i = 0; i < spec.sinks.size(); ++i)
    if (const auto* const sink = std::get_if<event_sink>(&spec.sinks[i]))
      plan->events.push_back({parsed(sink->when, {"value"}), sink->when, sink->message, sink->level, i});
  return plan;
}

}  // namespace factory
