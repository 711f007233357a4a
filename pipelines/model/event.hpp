#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

enum class event_kind : std::uint8_t { anomaly = 1, alert_raised = 2, alert_cleared = 3, alert_acknowledged = 4 };
std::string_view to_text(event_kind kind);  ///< "anomaly" "alert_raised" "alert_cleared" "alert_acknowledged"

/// Which rule found it. `rule` tells alert rules of one sensor apart and is 0 for the built-in ones.
enum class event_source : std::uint8_t { z_score = 1, min_threshold = 2, max_threshold = 3, alert_rule = 4 };
std::string_view to_text(event_source source);  ///< "z_score" "min_threshold" "max_threshold" "alert_rule"

/// Identity: one finding of one rule at one reading. The same readings give the same keys, so appending twice is harmless.
/// For alert_cleared and alert_acknowledged, event_time_us is that of the reading that raised the alert.
struct event_key {
  sensor_id sensor = 0;
  std::int64_t event_time_us = 0;
  event_source source{};
  rule_id rule = 0;
  event_kind kind{};
  auto operator<=>(const event_key&) const = default;
};

/// A finding. `sequence` and `recorded_at_us` are given by the event log when it is stored first.
struct event {
  event_key key;
  std::uint64_t sequence = 0;       ///< place in the event log, from 1
  std::int64_t recorded_at_us = 0;  ///< received_at_us of the commit that caused it (not a clock read later)
  std::int64_t at_us = 0;           ///< event time of the reading that caused this event (for cleared: the clearing one)
  double value = 0;
  double limit = 0;    ///< passed limit, or the z threshold for anomalies
  double z_score = 0;  ///< anomalies only
  double mean = 0;     ///< of the window before the reading joined; anomalies only
  double std_dev = 0;  ///< likewise
  severity level{};
  std::string actor = {};  ///< who acknowledged
};

/// "12-1768816800000000-z_score-0": sensor, event time, source, rule. The id of an anomaly and of an alert in answers.
std::string finding_id(const event_key& key);
/// Inverse of finding_id; `kind` is left to the caller. False when the text is no id.
bool parse_finding_id(std::string_view text, event_key& out);

}  // namespace factory
