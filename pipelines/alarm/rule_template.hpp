#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/alarm/anomaly_filter.hpp"
#include "pipelines/alarm/weekly_schedule.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/severity.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

struct alert_rule;

/// What of a rule is different on one sensor. What is not set is as the rule says.
struct rule_override {
  struct band {
    double width = 0;
    bool in_percent = false;
    bool operator==(const band&) const = default;
  };
  std::optional<double> low = {}, high = {};
  std::optional<severity> level = {};
  std::optional<bool> enabled = {};
  std::optional<band> deadband = {};
  std::optional<std::int64_t> on_delay_us = {}, off_delay_us = {};
  std::optional<std::uint32_t> priority = {}, count = {}, of = {};
  std::optional<bool> latch = {};
  std::optional<std::int64_t> re_alarm_us = {}, silence_us = {};
  std::optional<double> low_low = {}, high_high = {};
  std::optional<weekly_schedule> schedule = {};
  std::optional<double> min_score = {};
  std::optional<severity> min_level = {};
  std::optional<std::uint32_t> detectors = {};

  bool empty() const { return *this == rule_override(); }
  bool operator==(const rule_override&) const = default;
};

/// What makes a rule one for many sensors.
struct rule_template {
  selector sensors;  ///< which: those that are there and those that come
  std::map<sensor_id, rule_override> overrides = {};
  bool operator==(const rule_template&) const = default;
};

/// The rule as it is on the sensor of the override.
alert_rule with_override(alert_rule rule, const rule_override& difference);

/// Appends the bytes of the template (coding.hpp); get_template reads them from the front of `in` and advances it, and returns false,
/// leaving both anywhere, when damaged.
void put_template(std::string& out, const rule_template& what);
bool get_template(std::string_view& in, rule_template& what);

/// For tables that people read: `17: high 90, enabled 0; 18: low 3`.
std::string to_text(const std::map<sensor_id, rule_override>& overrides);

}  // namespace factory
