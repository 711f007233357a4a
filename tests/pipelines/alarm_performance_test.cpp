#include "pipelines/alarm/alarm_performance.hpp"

#include <gtest/gtest.h>
#include "support/times.hpp"

namespace factory {
namespace {

alert_facts raised(std::int64_t at_us, sensor_id sensor = 1, std::int64_t lasts_us = minute_us) {
  return {{sensor, at_us, event_source::alert_rule, 1, event_kind::alert_raised}, at_us, at_us + lasts_us, {}, 3, true};
}

TEST(alarm_performance, of_a_calm_week_is_good) {
  std::vector<alert_facts> facts;
  for (int i = 0; i < 7 * 24; ++i) facts.push_back(raised(i * hour_us, static_cast<sensor_id>(1 + i)));
  const auto it = performance_of(facts, 0, 7 * day_us);
  EXPECT_EQ(it.alarms, 168U);
  EXPECT_NEAR(it.per_ten_minutes, 168.0 / (7 * 144), 1e-12);
  EXPECT_EQ(it.peak, 1U);
  EXPECT_EQ(it.flood_share, 0);
  EXPECT_NEAR(it.top_share, 10.0 / 168, 1e-12);
  EXPECT_TRUE(it.chattering.empty());
  EXPECT_EQ(it.standing, 0U);
  EXPECT_EQ(verdict_on_average(it.per_ten_minutes), alarm_verdict::good);
  EXPECT_EQ(verdict_on_priorities(it.by_priority), alarm_verdict::good);
}

TEST(alarm_performance, a_flood_lasts_until_a_span_with_fewer_than_five) {
  std::vector<alert_facts> facts;
  const auto add = [&](int span, int count) {
    for (int i = 0; i < count; ++i) facts.push_back(raised(span * 10 * minute_us + i * second_us, static_cast<sensor_id>(i + 1)));
  };
  add(3, 11);
  add(4, 5);
  add(5, 4);
  add(8, 10);
  const auto it = performance_of(facts, 0, 100 * minute_us);
  EXPECT_EQ(it.peak, 11U);
  EXPECT_EQ(it.peak_us, 30 * minute_us);
  EXPECT_DOUBLE_EQ(it.above_ten_share, 0.1);
  EXPECT_DOUBLE_EQ(it.flood_share, 0.2);
  EXPECT_EQ(verdict_on_peak(it.peak), alarm_verdict::bad);
  EXPECT_EQ(verdict_on_peak(10), alarm_verdict::good);
}

TEST(alarm_performance, a_limit_chatters_when_it_is_raised_three_times_in_a_minute) {
  std::vector<alert_facts> facts;
  for (int i = 0; i < 5; ++i) facts.push_back(raised(i * 10 * second_us, 7, second_us));
  facts.push_back(raised(0, 8));
  facts.push_back(raised(30 * second_us, 8));
  const auto it = performance_of(facts, 0, day_us);
  ASSERT_EQ(it.chattering.size(), 1U);
  EXPECT_EQ(it.chattering[0].limit.sensor, 7U);
  EXPECT_EQ(it.chattering[0].chatter, 1U);
  EXPECT_EQ(it.top[0].alarms, 5U);
}

TEST(alarm_performance, what_stands_for_more_than_a_day_is_counted_while_it_does) {
  std::vector<alert_facts> facts{raised(-5 * day_us, 1, 5 * day_us + hour_us), raised(0, 2, 30 * hour_us),
                                 raised(hour_us, 3, 30 * hour_us), raised(0, 4, 24 * hour_us)};
  facts.push_back(raised(-100 * day_us, 5));
  facts.back().ended_us.reset();
  const auto it = performance_of(facts, 0, 2 * day_us);
  EXPECT_EQ(it.alarms, 3U) << "earlier ones were raised in another week";
  EXPECT_EQ(it.standing, 4U);
  EXPECT_EQ(it.standing_per_day, 3U) << "the first had ended by then";
}

TEST(alarm_performance, what_nobody_was_told_is_counted_apart) {
  auto quiet = raised(0);
  quiet.was_told = false;
  auto seen = raised(minute_us);
  seen.acknowledged_us = 4 * minute_us;
  seen.priority = 1;
  const auto it = performance_of({quiet, seen}, 0, day_us);
  EXPECT_EQ(it.alarms, 1U);
  EXPECT_EQ(it.hushed, 1U);
  EXPECT_EQ(it.ack_median_s, 180);
  EXPECT_EQ(it.by_priority, (std::array<std::uint64_t, 4>{1, 0, 0, 0}));
  EXPECT_EQ(verdict_on_priorities(it.by_priority), alarm_verdict::good) << "one alarm says nothing";
  EXPECT_EQ(verdict_on_priorities({50, 0, 50, 0}), alarm_verdict::bad);
  EXPECT_EQ(verdict_on_priorities({8, 20, 72, 0}), alarm_verdict::manageable);
}

}  // namespace
}  // namespace factory
