#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "support/times.hpp"

namespace factory::test {

inline alert_rule of_kind(rule_condition condition, double high = 0) {
  return {1, 7, "rule", condition, 0, high, severity::rule_warning, true};
}
inline alert_rule ladder() {
  auto rule = of_kind(rule_condition::ladder, 80);
  rule.low = 20;
  rule.options.low_low = 10;
  rule.options.high_high = 90;
  rule.options.deadband = 2;
  return rule;
}

/// One rule of sensor 7. Times in seconds.
struct alarm_kinds : testing::Test {
  void watch(const alert_rule& rule, std::int64_t at = 0, std::int64_t place_us = INT64_MIN) {
    alarms.configure({7, {}, {rule}}, place_us, INT64_MIN, at * second_us, said);
  }
  void see(std::int64_t second, double value) {
    const alarm_row row{second * second_us, value};
    alarms.observe({&row, 1}, INT64_MIN, second * second_us, said);
  }
  void see_poor(std::int64_t second, row_quality quality = row_quality::bad) {
    const bool is_bad = quality == row_quality::bad;
    const alarm_row row{second * second_us, is_bad ? 0.0 : 50.0, is_bad, quality};
    alarms.observe({&row, 1}, INT64_MIN, second * second_us, said);
  }
  void see_good(std::int64_t second) {
    const alarm_row row{second * second_us, 50, false, row_quality::good};
    alarms.observe({&row, 1}, INT64_MIN, second * second_us, said);
  }
  void hear(event_kind kind, std::int64_t second, double score, detector what = detector::spike, bool gone = false) {
    const anomaly_change change{
        {second * second_us, second_us, event_source::spike, kind, 0, what, score, severity_of_score(score)}, gone};
    alarms.observe({}, INT64_MIN, second * second_us, said, {&change, 1});
  }
  void tick(std::int64_t second) { alarms.advance(second * second_us, second * second_us, said); }
  std::vector<event_kind> kinds() const {
    std::vector<event_kind> all;
    for (const auto& each : said) all.push_back(each.key.kind);
    return all;
  }
  /// As the newest events say.
  double told_peak() const { return peak_of(fold_finding(said)).value; }
  std::string steps() const {
    std::string all;
    for (const auto& each : said)
      if (each.alarm() != nullptr && each.key.kind != event_kind::alert_cleared && each.key.kind != event_kind::alert_escalated)
        all += each.alarm()->step + " ";
    return all;
  }

  judged_alarms alarms;
  std::vector<event> said;
};

using kinds_told = std::vector<event_kind>;

}  // namespace factory::test
