#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/detect/z_score.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/stats/rolling_window.hpp"

namespace factory {
namespace {

/// The work of a sensor: judge a reading by the window before the reading joins it, then move alarms.
struct watched_sensor {
  rolling_window window{50, 0};
  alarm_board alarms;

  void take(sensor_id sensor, std::int64_t time_us, double value, std::vector<event>& out) {
    if (window.size() > 0 && time_us <= window.newest_us()) {
      window.revise(time_us, value);
      return;
    }
    const auto stats = window.stats();
    const auto z = window.size() < 10 ? std::nullopt : z_score(value, stats);
    if (z && std::abs(*z) > 3) {
      event anomaly;
      anomaly.key = {sensor, time_us, event_source::z_score, 0, event_kind::anomaly};
      anomaly.detail = z_score_detail{*z, stats.mean, stats.std_dev, 3};
      anomaly.value = value;
      out.push_back(anomaly);
    }
    window.push(time_us, value);
    alarms.observe(time_us, value, 0, out);
  }
};

/// All findings in key order, each with every figure bit for bit.
using digest = std::map<event_key, std::string>;

/// `cut(i)` ends a batch before row i.
template <class Cut>
digest findings_of(const std::vector<reading>& rows, Cut cut) {
  std::map<sensor_id, watched_sensor> sensors;
  std::vector<event> found;
  for (sensor_id id = 1; id <= 8; ++id)
    sensors[id].alarms.configure(
        {id, {-2.0, 2.5}, {{1, id, "high", rule_condition::greater_than, 0, 2, severity::rule_info, true}}}, 0, found);
  batch_builder builder;
  const auto flush = [&] {
    const auto batch = builder.finish();
    for (const auto& s : batch.slices)
      for (std::size_t i = s.begin; i < s.end; ++i)
        sensors[s.sensor].take(s.sensor, batch.event_time_us[i], batch.value[i], found);
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (builder.size() > 0 && cut(i)) flush();
    builder.append(rows[i].sensor, rows[i].event_time_us, rows[i].value);
  }
  flush();
  digest all;
  for (const auto& e : found) {
    std::string figures;
    put_double(figures, e.value);
    put_detail(figures, e.detail);
    EXPECT_TRUE(all.emplace(e.key, figures).second);
  }
  return all;
}

TEST(detection, gives_the_same_events_however_readings_are_cut_into_batches) {
  std::mt19937_64 random(4);
  std::normal_distribution<double> noise(0, 1);
  std::vector<reading> rows;
  for (int i = 0; i < 20'000; ++i) {
    const auto back = random() % 20 == 0 ? static_cast<std::int64_t>(random() % 500) : 0;
    rows.push_back({static_cast<sensor_id>(1 + random() % 8), i * 10 - back, noise(random)});
  }
  const auto one_by_one = findings_of(rows, [](std::size_t) { return true; });
  EXPECT_GT(one_by_one.size(), 500U);
  EXPECT_EQ(findings_of(rows, [](std::size_t) { return false; }), one_by_one) << "all in one batch";
  EXPECT_EQ(findings_of(rows, [](std::size_t i) { return i % 1'000 == 0; }), one_by_one);
  for (int round = 0; round < 5; ++round)
    EXPECT_EQ(findings_of(rows, [&](std::size_t) { return random() % 30 == 0; }), one_by_one);
}

TEST(detection, gives_the_same_events_however_the_readings_of_several_sensors_are_mingled) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> noise(0, 1);
  std::vector<std::vector<reading>> of_sensor(8);
  for (sensor_id id = 1; id <= 8; ++id)
    for (int i = 0; i < 1'000; ++i) of_sensor[id - 1].push_back({id, i * 10, noise(random)});
  const auto mingled = [&] {
    std::vector<std::size_t> next(8, 0), open = {0, 1, 2, 3, 4, 5, 6, 7};
    std::vector<reading> rows;
    while (!open.empty()) {
      const auto pick = random() % open.size();
      const auto s = open[pick];
      rows.push_back(of_sensor[s][next[s]++]);
      if (next[s] == of_sensor[s].size()) open.erase(open.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    return rows;
  };
  const auto once = findings_of(mingled(), [&](std::size_t) { return random() % 100 == 0; });
  EXPECT_GT(once.size(), 200U);
  for (int round = 0; round < 5; ++round)
    EXPECT_EQ(findings_of(mingled(), [&](std::size_t) { return random() % 100 == 0; }), once);
}

}  // namespace
}  // namespace factory
