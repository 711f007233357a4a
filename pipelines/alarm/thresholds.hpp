#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/alarm_options.hpp"
#include "pipelines/alarm/alert_routing.hpp"
#include "pipelines/alarm/limit_state.hpp"
#include "pipelines/alarm/rule_template.hpp"
#include "pipelines/alarm/shared_rule.hpp"
#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/severity.hpp"

namespace factory {

/// A sensor's own limits; a breach is strictly below min or strictly above max.
struct threshold_range {
  std::optional<double> min;
  std::optional<double> max;
  bool configured() const { return min || max; }
  bool operator==(const threshold_range&) const = default;
};

enum class breach_type : std::uint8_t { below_minimum, above_maximum };
std::string_view to_text(breach_type t);

struct threshold_breach {
  breach_type type{};
  double threshold_value = 0;  ///< the limit that was passed
  severity level{};
};

/// By how far the limit is passed relative to |limit|: over 20 % critical, over 10 % high, else
/// medium. A limit of 0 is measured against the span between the two limits, or is critical when it stands alone
/// (or the span is 0).
std::optional<threshold_breach> check_thresholds(const threshold_range& range, double value);

/// Numbers on disk: append only. What a rule compares with its limits is the reading; of rate_above the change a second, without sign.
enum class rule_condition : std::uint8_t {
  greater_than,
  less_than,
  out_of_range,
  rate_above,
  no_data,
  ladder,
  anomaly,
  stale_quality
};
inline constexpr auto last_rule_condition = rule_condition::stale_quality;
constexpr bool uses_low(rule_condition c) {
  return c == rule_condition::less_than || c == rule_condition::out_of_range || c == rule_condition::ladder;
}
/// It compares no reading with a limit.
constexpr bool uses_no_limit(rule_condition c) {
  return c == rule_condition::no_data || c == rule_condition::anomaly || c == rule_condition::stale_quality;
}
constexpr bool uses_high(rule_condition c) { return c != rule_condition::less_than && !uses_no_limit(c); }
std::string_view to_text(rule_condition c);  ///< "GREATER_THAN" ...
std::optional<rule_condition> parse_rule_condition(std::string_view text);
std::optional<severity> parse_rule_severity(std::string_view text);  ///< INFO, WARNING, CRITICAL

/// An alert rule. greater_than and rate_above breach strictly above `high`, less_than strictly below `low`, out_of_range either; ladder
/// likewise, with the outer limits of its options, each of the four infinite when it is not set; no_data when time goes by; anomaly while
/// the sensor has an anomaly that is open. It is for one sensor, or, as a template, for all that a selector matches.
struct alert_rule {
  rule_id id = 0;
  sensor_id sensor = 0;  ///< 0: of a template
  std::string name;
  rule_condition condition{};
  double low = 0;   ///< used by less_than, out_of_range and ladder
  double high = 0;  ///< unused where uses_no_limit()
  severity level = severity::rule_warning;
  bool enabled = true;
  alarm_options options = {};
  std::optional<rule_template> as_template = {};  ///< of the catalog alone: empty in a sensor_config
  alert_routing routing = {};                     ///< likewise
  bool operator==(const alert_rule&) const = default;
};
/// What of a rule its sensors judge by: not which they are, nor what people are told.
alert_rule judged(alert_rule rule);
/// The limit that `value` breaches, of a ladder the outermost such; or nullopt. Disabled rules never breach.
std::optional<double> breached_limit(const alert_rule& rule, double value);
/// How `value` stands to the limits of the rule: breach, back in range by the deadband, or between.
limit_state::standing standing_of(const alert_rule& rule, double value);
/// Whether the rule's alarms need to see every reading, also those far from all limits.
bool needs_all_readings(const alert_rule& rule);

/// Of a ladder: which limit is passed. The outer ones are worse.
enum class ladder_step : std::uint8_t { none, low_low, low, high, high_high };
std::string_view to_text(ladder_step step);  ///< "low_low" ...; empty for none
inline bool is_outer(ladder_step step) { return step == ladder_step::low_low || step == ladder_step::high_high; }
/// Where `value` stands on the ladder; from an outer step down only inside its limit by the deadband. `none`: it is no ladder.
ladder_step step_of(const alert_rule& rule, double value, ladder_step before);
/// The rule's own; at an outer step the next higher.
severity level_at(const alert_rule& rule, ladder_step step);

/// A sensor's limits and rules. They go through the journal, so that recovery judges each reading by the rules that were in force
/// when it was committed.
struct sensor_config {
  sensor_id sensor = 0;
  threshold_range thresholds;
  std::vector<shared_rule> rules;                  ///< its own and those of templates, ascending by id
  std::optional<shared_stream_rules> stream = {};  ///< unset: they stay as they are
  bool suppressed = false;                         ///< its machine is not in operation: alerts are raised, and nobody is told
  bool operator==(const sensor_config&) const = default;
};

/// Values that move no alarm when the reading before them was such a value too: from lowest to highest, both included. They breach no
/// limit and no enabled rule, and lie in no deadband. Empty (lowest above highest) while a rule needs all readings.
struct calm_band {
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  bool contains(double value) const { return value >= lowest && value <= highest; }
  static calm_band none() { return {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}; }
};
calm_band calm_values(const sensor_config& config);
/// What alarms need to be told of a sensor.
struct alarm_needs {
  calm_band calm;          ///< readings: all but these
  bool anomalies = false;  ///< what its detectors say
  bool quality = false;    ///< which readings are not good; all bad ones, too
};
alarm_needs needs_of(const sensor_config& config);

/// put_* append the bytes of a rule or a config (coding.hpp). get_* read them from the front of `in` and advance it; for damaged
/// bytes they return false and leave both arguments in any state.
void put_rule(std::string& out, const alert_rule& rule);
bool get_rule(std::string_view& in, alert_rule& rule);
void put_config(std::string& out, const sensor_config& config);
bool get_config(std::string_view& in, sensor_config& config);

}  // namespace factory
