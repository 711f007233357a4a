#include "pipelines/alarm/thresholds.hpp"

#include "pipelines/model/coding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace factory {
namespace {

constexpr std::array<std::string_view, 8> condition_texts = {"GREATER_THAN", "LESS_THAN", "OUT_OF_RANGE", "RATE_ABOVE",
                                                             "NO_DATA",      "LADDER",    "ANOMALY",      "STALE_QUALITY"};
static_assert(condition_texts.size() == static_cast<std::size_t>(last_rule_condition) + 1);
constexpr std::array<std::string_view, 5> step_texts = {"", "low_low", "low", "high", "high_high"};
constexpr unsigned is_enabled = 1, has_options = 2;  // of a rule; rules from before there were options have only the first
constexpr unsigned has_min = 1, has_max = 2;         // which limits of a range follow in its bytes
constexpr unsigned has_stream = 4;                   // the rules of the stream come last
constexpr unsigned is_suppressed = 8;                // beside them, of the config; never set before machines suppressed

severity breach_severity(const threshold_range& range, double limit, double value) {
  double size = std::abs(limit);
  if (size == 0 && range.min && range.max) size = std::abs(*range.max - *range.min);
  if (size == 0) return severity::critical;
  const double ratio = std::abs(value - limit) / size;
  if (ratio > 0.20) return severity::critical;
  return ratio > 0.10 ? severity::high : severity::medium;
}

/// The outermost range within which nothing is breached.
double lowest_good(const alert_rule& rule) {
  switch (rule.condition) {
    case rule_condition::less_than:
    case rule_condition::out_of_range: return rule.low;
    case rule_condition::ladder: return std::max(rule.low, rule.options.low_low);
    default: return -std::numeric_limits<double>::infinity();
  }
}
double highest_good(const alert_rule& rule) {
  switch (rule.condition) {
    case rule_condition::greater_than:
    case rule_condition::rate_above:
    case rule_condition::out_of_range: return rule.high;
    case rule_condition::ladder: return std::min(rule.high, rule.options.high_high);
    default: return std::numeric_limits<double>::infinity();
  }
}
double lowest_back(const alert_rule& rule) { return lowest_good(rule) + rule.options.margin_at(lowest_good(rule)); }
double highest_back(const alert_rule& rule) { return highest_good(rule) - rule.options.margin_at(highest_good(rule)); }

}  // namespace

std::string_view to_text(breach_type t) { return t == breach_type::below_minimum ? "below_minimum" : "above_maximum"; }

std::optional<threshold_breach> check_thresholds(const threshold_range& range, double value) {
  if (range.min && value < *range.min)
    return threshold_breach{breach_type::below_minimum, *range.min, breach_severity(range, *range.min, value)};
  if (range.max && value > *range.max)
    return threshold_breach{breach_type::above_maximum, *range.max, breach_severity(range, *range.max, value)};
  return std::nullopt;
}

std::string_view to_text(rule_condition c) { return condition_texts.at(static_cast<std::size_t>(c)); }

std::optional<rule_condition> parse_rule_condition(std::string_view text) {
  for (std::size_t i = 0; i < condition_texts.size(); ++i)
    if (condition_texts[i] == text) return static_cast<rule_condition>(i);
  return std::nullopt;
}

std::optional<severity> parse_rule_severity(std::string_view text) {
  for (const auto s : {severity::rule_info, severity::rule_warning, severity::rule_critical})
    if (to_text(s) == text) return s;
  return std::nullopt;
}

std::optional<double> breached_limit(const alert_rule& rule, double value) {
  if (!rule.enabled) return std::nullopt;
  if (rule.condition == rule_condition::ladder) {
    switch (step_of(rule, value, ladder_step::none)) {
      case ladder_step::low_low: return rule.options.low_low;
      case ladder_step::low: return rule.low;
      case ladder_step::high: return rule.high;
      case ladder_step::high_high: return rule.options.high_high;
      case ladder_step::none: return std::nullopt;
    }
  }
  if (value < lowest_good(rule)) return lowest_good(rule);
  if (value > highest_good(rule)) return highest_good(rule);
  return std::nullopt;
}

bool needs_all_readings(const alert_rule& rule) {
  return rule.enabled && (rule.options.counts_readings() || rule.condition == rule_condition::rate_above ||
                          rule.condition == rule_condition::no_data || rule.condition == rule_condition::stale_quality);
}

std::string_view to_text(ladder_step step) { return step_texts.at(static_cast<std::size_t>(step)); }

ladder_step step_of(const alert_rule& rule, double value, ladder_step before) {
  using enum ladder_step;
  const auto& options = rule.options;
  if (rule.condition != rule_condition::ladder) return none;
  if (value > options.high_high || (before == high_high && value > options.high_high - options.margin_at(options.high_high)))
    return high_high;
  if (value < options.low_low || (before == low_low && value < options.low_low + options.margin_at(options.low_low)))
    return low_low;
  return value > rule.high ? high : value < rule.low ? low : none;
}

severity level_at(const alert_rule& rule, ladder_step step) {
  return is_outer(step) && rule.level < severity::rule_critical ? static_cast<severity>(static_cast<int>(rule.level) + 1)
                                                                : rule.level;
}

limit_state::standing standing_of(const alert_rule& rule, double value) {
  using enum limit_state::standing;
  if (breached_limit(rule, value)) return breach;
  if (!rule.enabled) return back;
  return value >= lowest_back(rule) && value <= highest_back(rule) ? back : deadband;
}

alert_rule judged(alert_rule rule) {
  rule.as_template.reset();
  rule.routing = {};
  rule.name.clear();
  rule.options.message.clear();
  rule.options.instructions.clear();
  return rule;
}

calm_band calm_values(const sensor_config& config) {
  calm_band calm;
  calm.lowest = config.thresholds.min.value_or(calm.lowest);
  calm.highest = config.thresholds.max.value_or(calm.highest);
  for (const alert_rule& rule : config.rules) {
    if (!rule.enabled) continue;
    if (needs_all_readings(rule)) return calm_band::none();
    calm.lowest = std::max(calm.lowest, lowest_back(rule));
    calm.highest = std::min(calm.highest, highest_back(rule));
  }
  return calm;
}

alarm_needs needs_of(const sensor_config& config) {
  const auto any = [&](rule_condition wanted) {
    return std::ranges::any_of(config.rules, [wanted](const shared_rule& each) { return each->condition == wanted; });
  };
  return {calm_values(config), any(rule_condition::anomaly), any(rule_condition::stale_quality)};
}

void put_rule(std::string& out, const alert_rule& rule) {
  put_varint(out, rule.id);
  put_varint(out, rule.sensor);
  put_text(out, rule.name);
  put_byte(out, static_cast<std::uint8_t>(rule.condition));
  put_double(out, rule.low);
  put_double(out, rule.high);
  put_byte(out, static_cast<std::uint8_t>(rule.level));
  const bool plain = rule.options == alarm_options{};
  put_byte(out, static_cast<std::uint8_t>((rule.enabled ? is_enabled : 0U) | (plain ? 0U : has_options)));
  if (!plain) put_options(out, rule.options);
}

bool get_rule(std::string_view& in, alert_rule& rule) {
  std::uint8_t condition = 0, level = 0, bits = 0;
  if (!get_varint_as(in, rule.id) || !get_varint_as(in, rule.sensor) || !get_text(in, rule.name) || !get_byte(in, condition) ||
      !get_double(in, rule.low) || !get_double(in, rule.high) || !get_byte(in, level) || !get_byte(in, bits))
    return false;
  if (condition >= condition_texts.size() || level >= severity_texts.size() || bits > (is_enabled | has_options)) return false;
  rule.options = {};
  if ((bits & has_options) != 0 && !get_options(in, rule.options)) return false;
  rule.condition = static_cast<rule_condition>(condition);
  rule.level = static_cast<severity>(level);
  rule.enabled = (bits & is_enabled) != 0;
  return true;
}

void put_config(std::string& out, const sensor_config& config) {
  const auto& [min, max] = config.thresholds;
  put_varint(out, config.sensor);
  put_byte(out, static_cast<std::uint8_t>((min ? has_min : 0) | (max ? has_max : 0) | (config.stream ? has_stream : 0) |
                                          (config.suppressed ? is_suppressed : 0)));
  if (min) put_double(out, *min);
  if (max) put_double(out, *max);
  put_varint(out, config.rules.size());
  for (const alert_rule& rule : config.rules) put_rule(out, rule);
  if (config.stream) put_stream_rules(out, **config.stream);
}

bool get_config(std::string_view& in, sensor_config& config) {
  config = {};
  std::uint8_t which = 0;
  std::uint64_t rules = 0;
  if (!get_varint_as(in, config.sensor) || !get_byte(in, which) || which > (has_min | has_max | has_stream | is_suppressed))
    return false;
  config.suppressed = (which & is_suppressed) != 0;
  if ((which & has_min) != 0 && !get_double(in, config.thresholds.min.emplace())) return false;
  if ((which & has_max) != 0 && !get_double(in, config.thresholds.max.emplace())) return false;
  if (!get_varint(in, rules)) return false;
  for (; rules > 0; --rules) {
    alert_rule rule;
    if (!get_rule(in, rule)) return false;
    config.rules.push_back(rule.sensor == 0 ? shared_rule::of_template(std::move(rule)) : shared_rule(std::move(rule)));
  }
  if ((which & has_stream) != 0 && !get_stream_rules(in, config.stream)) return false;
  return true;
}

}  // namespace factory
