#include "pipelines/alarm/alarm_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/times.hpp"

namespace factory {
namespace {

constexpr machine_id grouped_press = 3;
constexpr std::int64_t window_us = minute_us;

event_key grouped_alert(std::int64_t second, sensor_id sensor = 1) {
  return {sensor, second * second_us, event_source::max_threshold, 0, event_kind::alert_raised};
}

std::vector<std::vector<std::int64_t>> seconds_of(const std::vector<alarm_group>& groups) {
  std::vector<std::vector<std::int64_t>> out;
  for (const auto& group : groups) {
    auto& seconds = out.emplace_back();
    for (const auto& each : group.alarms) seconds.push_back(each.event_time_us / second_us);
  }
  return out;
}

using lists = std::vector<std::vector<std::int64_t>>;

TEST(alarm_groups, hold_what_begins_within_the_window_of_the_first) {
  const auto groups = group_alarms(
      grouped_press, {grouped_alert(59), grouped_alert(0), grouped_alert(30), grouped_alert(60), grouped_alert(500)}, window_us);
  EXPECT_EQ(seconds_of(groups), (lists{{0, 30, 59}, {60}, {500}}));
  EXPECT_EQ(groups[0].first_out(), grouped_alert(0));
  EXPECT_EQ(group_id(groups[2]), "3-500000000");
}

TEST(alarm_groups, have_the_alarm_of_the_lower_sensor_first_where_two_begin_at_once) {
  EXPECT_EQ(group_alarms(grouped_press, {grouped_alert(5, 9), grouped_alert(5, 2)}, window_us)[0].first_out(),
            grouped_alert(5, 2));
}

TEST(alarm_groups, begin_anew_with_the_hour_where_alarms_go_on_for_long) {
  std::vector<event_key> all;
  for (std::int64_t second = 1'050; second < 9'000; second += 50) all.push_back(grouped_alert(second));
  const auto groups = group_alarms(grouped_press, all, window_us);
  const auto begins_at = [&](std::int64_t second) {
    return std::ranges::any_of(groups, [=](const auto& each) { return each.begin_us == second * second_us; });
  };
  EXPECT_TRUE(begins_at(7'200)) << "calm ended more than an hour before it";
  EXPECT_FALSE(begins_at(3'600)) << "less than an hour before this";
}

TEST(alarm_groups, depend_on_no_alarm_before_those_that_are_asked_for) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<event_key> all;
    for (std::int64_t second = 0; second < 5 * 3'600;
         second += 1 + static_cast<std::int64_t>(random() % (random() % 90 == 0 ? 200 : 80)))
      all.push_back(grouped_alert(second, 1 + static_cast<sensor_id>(random() % 4)));
    const auto whole = group_alarms(grouped_press, all, window_us);
    const auto asked_us = static_cast<std::int64_t>(random() % (5 * 3'600)) * second_us;
    std::erase_if(all, [&](const event_key& it) { return it.event_time_us < groups_need_from_us(asked_us, window_us); });
    std::ranges::shuffle(all, random);
    const auto late = group_alarms(grouped_press, all, window_us);
    for (const auto& each : whole) {
      if (each.begin_us < asked_us) continue;
      const auto same = std::ranges::find(late, each.begin_us, &alarm_group::begin_us);
      ASSERT_NE(same, late.end()) << "round " << round;
      EXPECT_EQ(same->alarms, each.alarms);
    }
  }
}

TEST(alarm_groups, have_ids_that_are_read_back) {
  alarm_group read;
  ASSERT_TRUE(parse_group_id("3--5", read));
  EXPECT_EQ(read.machine, grouped_press);
  EXPECT_EQ(read.begin_us, -5);
  for (const auto* const text : {"", "3", "3-", "0-1", "3-1x", "x-1", "3-1-2"}) EXPECT_FALSE(parse_group_id(text, read)) << text;
}

}  // namespace
}  // namespace factory
