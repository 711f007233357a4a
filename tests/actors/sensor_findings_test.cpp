// A sensor passes every reading that can cause a finding to the anomaly and threshold actors: the readings it holds back cause none.
#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "actors/sensors/sensor_state.hpp"
#include "pipelines/alarm/alarm.hpp"
#include "pipelines/detect/z_score.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/stats/statistics.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

reading_batch batch_of(const std::vector<double>& values, std::int64_t first_us) {
  reading_batch batch;
  for (const double value : values) {
    batch.event_time_us.push_back(first_us);
    batch.value.push_back(value);
    first_us += second_us;
  }
  batch.slices.push_back({1, 0, static_cast<std::uint32_t>(values.size())});
  return batch;
}

/// Mostly near 50, now and then far off, sometimes stuck.
class noisy_signal {
 public:
  explicit noisy_signal(unsigned seed) : random_(seed) {}
  double next() {
    const auto dice = random_() % 40;
    if (dice == 0) base_ = 20.0 + static_cast<double>(random_() % 60);
    if (dice == 1) return base_ + 25;
    if (dice < 10) return base_;
    return base_ + noise_(random_);
  }
  std::mt19937& random() { return random_; }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> noise_{0, 3};
  double base_ = 50;
};

sensor_config random_config(std::mt19937& random) {
  sensor_config config{1, {}, {}};
  if (random() % 2) config.thresholds.min = 30.0 + static_cast<double>(random() % 20);
  if (random() % 2) config.thresholds.max = 50.0 + static_cast<double>(random() % 30);
  for (auto rules = random() % 3; rules > 0; --rules) {
    alert_rule rule{static_cast<rule_id>(rules), 1, "r", static_cast<rule_condition>(random() % 3), 35, 65};
    rule.enabled = random() % 4 != 0;
    config.rules.push_back(rule);
  }
  return config;
}

bool same(const std::vector<event>& a, const std::vector<event>& b) {
  return std::ranges::equal(a, b, [](const event& x, const event& y) {
    return x.key == y.key && x.at_us == y.at_us && x.value == y.value && x.detail == y.detail && x.level == y.level;
  });
}

/// The anomaly actor's own test.
bool is_past(double value, const mean_std_dev& stats, double threshold) {
  return std::abs(z_score(value, stats).value_or(0)) > threshold;
}

TEST(sensor_findings, alarm_rows_alone_give_the_alerts_of_all_readings_under_changing_limits) {
  std::size_t seen = 0, passed_on = 0, events = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    noisy_signal values(seed);
    sensor_state sensor(1, {});
    alarm_board of_all, of_alarm_rows;
    std::int64_t time_us = second_us;
    for (int round = 0; round < 60; ++round) {
      std::vector<event> expected, found;
      if (round % 7 == 0) {
        const auto config = random_config(values.random());
        sensor.watch(needs_of(config), time_us);
        of_all.configure(config, INT64_MIN, 0, 0, expected);
        of_alarm_rows.configure(config, INT64_MIN, 0, 0, found);
      }
      std::vector<double> body(1 + values.random()() % 30);
      std::ranges::generate(body, [&] { return values.next(); });
      const auto batch = batch_of(body, time_us);
      time_us = batch.event_time_us.back() + second_us;
      for (std::size_t i = 0; i < body.size(); ++i) of_all.observe(batch.event_time_us[i], body[i], 0, expected);
      const auto findings = sensor.apply(INT64_MAX / 2, batch, batch.slices.front());
      for (const auto& row : findings.alarm_rows) of_alarm_rows.observe(row.time_us, row.value, 0, found);
      ASSERT_TRUE(same(expected, found)) << "seed " << seed << " round " << round;
      seen += body.size();
      passed_on += findings.alarm_rows.size();
      events += expected.size();
    }
  }
  EXPECT_GT(events, 1'000U);
  EXPECT_LT(passed_on, seen / 2);
}

TEST(sensor_findings, events_hold_every_reading_whose_z_score_passes_the_threshold_with_figures_of_the_window_alone) {
  const stream_rules rules{.z_min_readings = 10, .z_threshold = 2.0};
  std::size_t anomalies = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    noisy_signal values(seed);
    sensor_state sensor(1, rules);
    std::vector<double> body(600);
    std::ranges::generate(body, [&] { return values.next(); });
    const auto batch = batch_of(body, second_us);
    const auto found = sensor.apply(INT64_MAX / 2, batch, batch.slices.front()).events;
    auto next = found.begin();
    for (std::size_t row = 0; row < body.size(); ++row) {
      const auto window = std::min(row, limits::window_readings);
      const auto stats = describe(std::span(body).subspan(row - window, window));
      if (window < rules.z_min_readings || !is_past(body[row], stats, rules.z_threshold)) continue;
      ASSERT_TRUE(next != found.end() && next->at_us == batch.event_time_us[row]) << "seed " << seed << " row " << row;
      EXPECT_EQ(next->detail, event_detail(z_score_detail{*z_score(body[row], stats), stats.mean, stats.std_dev, 2.0}));
      ++next;
      ++anomalies;
    }
    EXPECT_EQ(next, found.end());
  }
  EXPECT_GT(anomalies, 500U);
}

TEST(sensor_findings, a_z_score_one_rounding_above_the_threshold_is_found) {
  // Windows and values for which value - mean == threshold * std_dev before rounding.
  const stream_rules rules{.z_min_readings = 2, .z_threshold = 3.0};
  for (int spread = 1; spread < 200; ++spread) {
    sensor_state sensor(1, rules);
    const double unit = spread * 0.1;
    std::vector<double> body{10 - unit, 10 + unit};
    const auto stats = describe(body);
    double value = stats.mean + rules.z_threshold * stats.std_dev;
    while (!is_past(value, stats, rules.z_threshold)) value = std::nextafter(value, 1e9);
    body.push_back(value);
    const auto batch = batch_of(body, second_us);
    EXPECT_EQ(sensor.apply(INT64_MAX / 2, batch, batch.slices.front()).events.size(), 1U) << spread;
  }
}

}  // namespace
}  // namespace factory
