#include "pipelines/detect/detector_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t begin_us = 1'767'225'600 * second_us;  // 2026-01-01T00:00:00Z
constexpr std::int64_t step_us = 10 * second_us;

using kind = episode_change::kind;

/// A sensor whose readings a test makes: a level, noise, and what goes wrong.
class sensor {
 public:
  explicit sensor(detect_settings how = {}, unsigned seed = 1) : settings(std::move(how)), random_(seed) {}

  double healthy() { return std::round((50 + noise_(random_)) * 100) / 100; }
  void read(double value) {
    detectors.observe(time_us, value, settings, changes);
    time_us += step_us;
  }
  void run(int count, const std::function<double(double)>& wrong = {}) {
    for (int i = 0; i < count; ++i) {
      const double value = healthy();
      read(wrong ? wrong(value) : value);
    }
  }
  std::vector<episode> with(kind wanted) const {
    std::vector<episode> out;
    for (const auto& each : changes)
      if (each.what == wanted) out.push_back(each.now);
    return out;
  }

  detect_settings settings;
  detector_set detectors;
  std::vector<episode_change> changes;
  std::int64_t time_us = begin_us;

 private:
  std::mt19937 random_;
  std::normal_distribution<double> noise_{0, 1};
};

TEST(detector_set, nothing_is_said_of_a_healthy_sensor) {
  sensor s;
  s.run(20'000);
  EXPECT_TRUE(s.changes.empty());
}

TEST(detector_set, a_spike_is_found_at_its_first_reading_and_is_one_episode) {
  sensor s;
  s.run(1'000);
  s.read(80);
  ASSERT_EQ(s.changes.size(), 1U);
  EXPECT_EQ(s.changes[0].what, kind::opened);
  EXPECT_EQ(s.changes[0].now.by, detector::spike);
  EXPECT_EQ(s.changes[0].now.begin_us, s.time_us - step_us);
  EXPECT_EQ(s.changes[0].now.peak.value, 80);
  EXPECT_NEAR(s.changes[0].now.peak.expected, 50, 5);
  EXPECT_GE(s.detectors.newest_score(), 1);
  s.run(100);
  ASSERT_EQ(s.with(kind::closed).size(), 1U);
  EXPECT_EQ(s.with(kind::closed)[0].count, 1U);
  EXPECT_EQ(s.with(kind::opened).size(), 1U);
}

TEST(detector_set, a_jump_that_stays_is_a_level_shift_and_ends_when_it_is_back) {
  sensor s;
  s.run(1'000);
  s.run(200, [](double healthy) { return healthy + 30; });
  s.run(100);
  ASSERT_EQ(s.with(kind::opened).size(), 1U);
  const auto closed = s.with(kind::closed);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].by, detector::level_shift);
  EXPECT_EQ(closed[0].opened_by, detector::spike);
  EXPECT_EQ(closed[0].count, 200U);
  EXPECT_EQ(closed[0].end_reason, episode::ending::passed);
}

TEST(detector_set, a_level_that_stays_is_learned_and_said) {
  sensor s;
  s.run(1'000);
  s.run(jump_detector::learned_after + 3'000, [](double healthy) { return healthy + 30; });
  ASSERT_EQ(s.with(kind::opened).size(), 1U);
  const auto closed = s.with(kind::closed);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].end_reason, episode::ending::learned);
  EXPECT_NE(explain(closed[0], "bar").find("taken as normal"), std::string::npos);
  EXPECT_NEAR(s.detectors.expected().level, 80, 2);
}

TEST(detector_set, a_drift_away_from_other_days_is_found_though_no_step_is_unusual) {
  sensor s;
  s.run(2 * 8'640);
  double off = 0;
  s.run(1'000, [&](double healthy) { return healthy + (off += 0.02); });
  ASSERT_GE(s.with(kind::opened).size(), 1U);
  EXPECT_EQ(s.with(kind::opened)[0].by, detector::drift);
  EXPECT_LT(s.with(kind::opened)[0].peak.high, 60);
}

TEST(detector_set, the_end_of_a_drift_of_the_first_day_does_not_make_every_morning_wrong) {
  sensor s;
  int row = 6 * 360;                         // the first reading is at 6 h
  const auto of_day = [&](double healthy) {  // works from 8 to 17 h, ten minutes for each change
    const double hour = row++ % 8'640 / 360.0;
    return healthy + 20 * std::clamp(6 * std::min(hour - 8, 17 - hour), 0.0, 1.0);
  };
  s.run(3'000, of_day);
  double off = 0;
  s.run(400, [&](double healthy) { return of_day(healthy) + (off += 0.05); });
  s.run(4 * 8'640, of_day);  // at once back where it was: on the first day that looks like another level
  ASSERT_EQ(s.with(kind::closed).size(), 1U);
  EXPECT_EQ(s.with(kind::closed)[0].end_reason, episode::ending::learned);
}

TEST(detector_set, a_stuck_sensor_is_found_and_one_that_was_always_constant_is_not) {
  sensor s;
  s.run(1'000);
  s.run(100, [](double) { return 50.25; });
  ASSERT_EQ(s.with(kind::opened).size(), 1U);
  EXPECT_EQ(s.with(kind::opened)[0].by, detector::stuck);
  s.run(100);
  EXPECT_EQ(s.with(kind::closed).size(), 1U);

  sensor constant;
  constant.run(20'000, [](double) { return 7.0; });
  EXPECT_TRUE(constant.changes.empty());
}

TEST(detector_set, silence_is_the_same_finding_by_a_tick_and_by_the_next_reading) {
  sensor ticked, untold;
  for (auto* s : {&ticked, &untold}) s->run(500);
  const auto due_us = ticked.detectors.quiet_until_us(ticked.settings);
  EXPECT_EQ(due_us, ticked.time_us - step_us + ticked.settings.least_pause_us);
  ticked.detectors.tick(due_us - 1, ticked.settings, ticked.changes);
  EXPECT_TRUE(ticked.changes.empty());
  ticked.detectors.tick(due_us + step_us, ticked.settings, ticked.changes);
  ASSERT_EQ(ticked.changes.size(), 1U);
  EXPECT_EQ(ticked.changes[0].at_us, due_us);
  EXPECT_EQ(ticked.detectors.quiet_until_us(ticked.settings), INT64_MAX);
  for (auto* s : {&ticked, &untold}) {
    s->time_us += 100 * step_us;
    s->run(1);
  }
  ASSERT_EQ(ticked.with(kind::closed).size(), 1U);
  EXPECT_EQ(ticked.with(kind::opened), untold.with(kind::opened));
  EXPECT_EQ(ticked.with(kind::closed), untold.with(kind::closed));
  EXPECT_EQ(ticked.detectors, untold.detectors);
}

TEST(detector_set, what_is_physically_impossible_is_said_from_the_first_reading_on_and_not_learned) {
  detect_settings how;
  how.physical_max = 100;
  sensor s(how);
  s.read(100.5);
  ASSERT_EQ(s.with(kind::opened).size(), 1U);
  EXPECT_EQ(s.with(kind::opened)[0].by, detector::out_of_range);
  EXPECT_EQ(s.detectors.expected().readings, 0U);
}

TEST(detector_set, settings_switch_off_and_narrow) {
  const auto spikes_with = [](const std::function<void(detector_setting&)>& change, double value) {
    detect_settings how;
    change(how.of(detector::spike));
    sensor s(how);
    s.run(1'000);
    s.read(value);
    return s.changes.size();
  };
  EXPECT_EQ(spikes_with([](auto&) {}, 80), 1U);
  EXPECT_EQ(spikes_with([](auto& how) { how.on = false; }, 80), 0U);
  EXPECT_EQ(spikes_with([](auto& how) { how.direction = deviation_direction::down; }, 80), 0U);
  EXPECT_EQ(spikes_with([](auto& how) { how.direction = deviation_direction::down; }, 20), 1U);
  EXPECT_EQ(spikes_with([](auto& how) { how.least_absolute = 40; }, 80), 0U);
  EXPECT_EQ(spikes_with([](auto& how) { how.least_relative = 0.9; }, 80), 0U);
  EXPECT_EQ(spikes_with([](auto& how) { how.sensitivity = 0.01; }, 80), 0U);
}

/// Four days with faults of all kinds.
std::vector<std::pair<std::int64_t, double>> troubled_stream(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 1);
  std::uniform_int_distribution<int> chance(0, 999);
  std::vector<std::pair<std::int64_t, double>> out;
  std::int64_t time_us = begin_us;
  double off = 0, stuck_at = 0;
  int stuck = 0;
  while (time_us < begin_us + 4 * day_us) {
    time_us += chance(random) == 0 ? 600 * second_us : 60 * second_us;
    if (chance(random) < 3) off = off == 0 ? 20 : 0;
    if (chance(random) < 2) stuck = 40;
    const double day = 10 * std::sin(static_cast<double>(time_us % day_us) / static_cast<double>(day_us) * 6.283);
    double value = 50 + day + off + noise(random) + (chance(random) < 3 ? 40 : 0);
    if (stuck-- > 0) value = stuck_at;
    stuck_at = value;
    out.emplace_back(time_us, value);
  }
  return out;
}

TEST(detector_set, copies_and_what_is_stored_and_read_back_go_on_bit_for_bit) {
  const auto stream = troubled_stream(7);
  const detect_settings settings;
  detector_set whole, pieces;
  std::vector<episode_change> of_whole, of_pieces;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const auto [time_us, value] = stream[i];
    whole.observe(time_us, value, settings, of_whole);
    pieces.observe(time_us, value, settings, of_pieces);
    if (i % 251 != 0) continue;
    std::string bytes;
    pieces.encode(bytes);
    std::string_view in = bytes;
    detector_set read;
    ASSERT_TRUE(read.decode(in));
    ASSERT_TRUE(in.empty());
    ASSERT_EQ(read, pieces);
    const detector_set copy = read;
    std::vector<episode_change> nobody;
    read.observe(time_us + 1, value + 1'000, settings, nobody);  // does not reach the copy
    pieces = copy;
  }
  EXPECT_GT(of_whole.size(), 20U);
  ASSERT_EQ(of_whole.size(), of_pieces.size());
  for (std::size_t i = 0; i < of_whole.size(); ++i) EXPECT_EQ(of_whole[i].now, of_pieces[i].now);
  EXPECT_EQ(whole, pieces);
}

/// What one after the other makes of a stream, and what portions of up to `most` rows do.
void expect_same_in_portions(const std::vector<std::pair<std::int64_t, double>>& stream, const detect_settings& settings,
                             std::size_t most) {
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  for (const auto& [time_us, value] : stream) {
    times_us.push_back(time_us);
    values.push_back(value);
  }
  detector_set one_by_one, in_portions;
  std::vector<episode_change> of_each, of_portions;
  std::mt19937 random(static_cast<unsigned>(most));
  for (std::size_t begin = 0; begin < stream.size();) {
    const auto end = std::min(stream.size(), begin + 1 + random() % most);
    for (auto row = begin; row < end;) {
      const auto before = of_portions.size();
      const auto seen = in_portions.observe_rows(std::span(times_us).subspan(row, end - row),
                                                 std::span(values).subspan(row, end - row), settings, of_portions);
      ASSERT_GT(seen, 0U);
      for (const auto until = row + seen; row < until; ++row) {
        ASSERT_EQ(of_each.size(), before) << "a row that changes an episode is the last one that is observed";
        one_by_one.observe(times_us[row], values[row], settings, of_each);
      }
      ASSERT_EQ(of_each.size(), of_portions.size()) << row;
      for (auto i = before; i < of_each.size(); ++i) ASSERT_EQ(of_each[i].now, of_portions[i].now) << row;
      ASSERT_EQ(one_by_one.newest_score(), in_portions.newest_score()) << row;
    }
    begin = end;
    ASSERT_EQ(one_by_one, in_portions) << begin;
  }
}

TEST(detector_set, rows_at_once_lead_to_the_same_bits_as_one_after_the_other) {
  for (const unsigned seed : {7U, 8U})
    for (const std::size_t most : {2U, 10U, 100U}) expect_same_in_portions(troubled_stream(seed), {}, most);
  detect_settings settings;
  settings.physical_min = 20;
  settings.physical_max = 85;
  for (auto& each : settings.each) each.sensitivity = 1.7;
  settings.of(detector::silent).sensitivity = 0.6;
  settings.of(detector::drift).on = false;
  expect_same_in_portions(troubled_stream(9), settings, 40);
}

TEST(detector_set, rows_at_once_lead_to_the_same_bits_where_readings_are_rare_or_repeat) {
  std::vector<std::pair<std::int64_t, double>> rare, coarse;
  std::mt19937 random(21);
  for (int i = 0; i < 20'000; ++i) {
    rare.emplace_back(begin_us + i * 200 * second_us, 10 + static_cast<double>(random() % 1'000) / 100 + (i > 15'000 ? 7 : 0));
    coarse.emplace_back(begin_us + i * second_us, i / 4'000 % 2 == 0 ? static_cast<double>(random() % 3) : 1.0);
  }
  expect_same_in_portions(rare, {}, 30);
  expect_same_in_portions(coarse, {}, 30);
}

TEST(detector_set, bytes_cut_off_or_of_another_version_are_refused_and_leave_the_set_as_it_was) {
  detector_set known;
  std::vector<episode_change> changes;
  for (const auto& [time_us, value] : troubled_stream(3)) known.observe(time_us, value, {}, changes);
  std::string bytes;
  known.encode(bytes);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 16) {
    std::string_view in(bytes.data(), size);
    detector_set read;
    EXPECT_FALSE(read.decode(in)) << size;
    EXPECT_EQ(read, detector_set());
  }
  bytes[0] = 99;
  std::string_view in = bytes;
  EXPECT_FALSE(known.decode(in));
}

TEST(detector_set, a_state_of_version_1_is_read_and_learns_patterns_anew) {
  sensor s;
  s.run(10'000);
  ASSERT_TRUE(s.detectors.warm(detector::pattern));
  std::string bytes;
  s.detectors.encode(bytes);
  bytes[0] = 1;
  bytes.resize(bytes.size() - sizeof(double));  // what version 2 has at its end
  std::string_view in = bytes;
  detector_set read;
  ASSERT_TRUE(read.decode(in));
  EXPECT_TRUE(in.empty());
  EXPECT_FALSE(read.warm(detector::pattern));
  EXPECT_TRUE(read.warm(detector::spike));
  EXPECT_EQ(read.expected().readings, s.detectors.expected().readings);
}

TEST(detector_set, memory_stays_within_its_bounds) {
  sensor idle;
  idle.run(1);
  EXPECT_LE(idle.detectors.memory_bytes(), 640U);
  detector_set busy;
  std::vector<episode_change> changes;
  for (const auto& [time_us, value] : troubled_stream(5)) busy.observe(time_us, value, {}, changes);
  EXPECT_LE(busy.memory_bytes(), 5'000U);
}

TEST(detector_set, the_ends_of_the_range_of_double_leave_all_figures_finite) {
  detector_set set;
  std::vector<episode_change> changes;
  std::mt19937 random(11);
  const std::vector<double> values = {0, -0.0, 1e308, -1e308, 5e-324, 1, -1, 1e150};
  for (std::int64_t i = 0; i < 20'000; ++i) {
    set.observe(begin_us + i * 60 * second_us, values[random() % values.size()], {}, changes);
    ASSERT_TRUE(std::isfinite(set.newest_score()));
  }
  for (const auto& each : changes) {
    EXPECT_TRUE(std::isfinite(each.now.score));
    EXPECT_TRUE(std::isfinite(each.now.peak.expected));
    EXPECT_TRUE(std::isfinite(each.now.peak.low) && std::isfinite(each.now.peak.high));
  }
}

}  // namespace
}  // namespace factory
