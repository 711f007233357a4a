#pragma once

#include <algorithm>
#include <cstdint>

#include "pipelines/alarm/thresholds.hpp"

/// For the alarm board only: how it looks at rules.
namespace factory {

/// An alert that nobody sees is told again so often at most.
inline constexpr std::uint32_t most_reminders = 100;

/// An alert that got worse is told again when it is so much further beyond its limit than was told. What is nearer than
/// `least_excess` of the limit counts as that: from 80.001 to 80.002 is no news.
inline constexpr double peak_growth = 1.5, least_excess = 0.01;

inline const alert_rule* find_rule(const sensor_config& config, rule_id id) {
  const auto found =
      std::find_if(config.rules.begin(), config.rules.end(), [id](const alert_rule& rule) { return rule.id == id; });
  return found == config.rules.end() ? nullptr : &**found;
}

inline bool is_about_silence(const alert_rule& rule) {
  return rule.condition == rule_condition::no_data || rule.condition == rule_condition::stale_quality;
}
inline bool watches_silence(const alert_rule& rule) { return rule.enabled && is_about_silence(rule); }
inline bool is_about_quality(const alert_rule* rule) {
  return rule != nullptr && rule->condition == rule_condition::stale_quality;
}

inline bool is_about_anomalies(const alert_rule* rule) { return rule != nullptr && rule->condition == rule_condition::anomaly; }

/// When a silence since `since_us` has lasted for as long as it may within one shift, and `earliest_us` has come; INT64_MAX: not within
/// the next few.
inline std::int64_t silence_ends_us(const alarm_options& options, std::int64_t since_us, std::int64_t earliest_us) {
  for (int shifts = 0; shifts < 64; ++shifts) {
    const auto from_us = options.schedule.begins_us(since_us);
    if (from_us == INT64_MAX || from_us + options.silence_us < from_us) break;
    const auto ends_us = options.schedule.ends_us(from_us);
    if (const auto at_us = std::max(from_us + options.silence_us, earliest_us); at_us < ends_us) return at_us;
    since_us = ends_us;
  }
  return INT64_MAX;
}

/// The limit of a step of a ladder.
inline double limit_at(const alert_rule& rule, ladder_step step) {
  switch (step) {
    case ladder_step::low_low: return rule.options.low_low;
    case ladder_step::low: return rule.low;
    case ladder_step::high_high: return rule.options.high_high;
    default: return rule.high;
  }
}

}  // namespace factory
