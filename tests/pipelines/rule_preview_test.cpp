#include "pipelines/backtest/rule_preview.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "pipelines/model/reading.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

/// A day of a sensor that swings between 61 and 74, and passes 90 for some seconds now and then.
reading_run day() {
  reading_run rows;
  for (int i = 0; i < 86'400; ++i) {
    const bool hot = i % 21'600 >= 21'000 && i % 21'600 < 21'008;
    rows.push_back(i * second_us, hot ? 95 : 67.5 + 6.5 * std::sin(i / 500.0), flag_none);
  }
  return rows;
}

alert_rule above(double high) {
  alert_rule rule;
  rule.name = "hot";
  rule.sensor = 3;
  rule.condition = rule_condition::greater_than;
  rule.high = high;
  return rule;
}

TEST(rule_preview, counts_what_the_alarm_board_would_have_raised) {
  const auto seen = preview_rule(above(90), 3, day(), 86'400 * second_us);
  EXPECT_EQ(seen.readings, 86'400U);
  EXPECT_EQ(seen.fired.count, 4U);
  EXPECT_EQ(seen.fired.first_us, 21'000 * second_us);
  EXPECT_EQ(seen.fired.longest_us, 8 * second_us);
  ASSERT_EQ(seen.first.size(), 4U);
  EXPECT_EQ(seen.first.back().end_us, (3 * 21'600 + 21'008) * second_us);
  EXPECT_EQ(seen.first.front().sensor, 3U);
}

TEST(rule_preview, an_alarm_that_is_open_at_the_end_lasts_to_the_end) {
  auto rows = day();
  rows.value.back() = 200;
  const auto seen = preview_rule(above(150), 3, rows, 90'000 * second_us);
  ASSERT_EQ(seen.first.size(), 1U);
  EXPECT_TRUE(seen.first.front().open);
  EXPECT_EQ(seen.first.front().end_us, 90'000 * second_us);
}

TEST(rule_preview, proposes_limits_beyond_the_usual_band) {
  const auto seen = preview_rule(above(70), 3, day(), 86'400 * second_us);
  ASSERT_TRUE(seen.usual);
  EXPECT_NEAR(seen.usual->low, 61, 0.01);
  EXPECT_NEAR(seen.usual->high, 74, 0.01);
  EXPECT_EQ(seen.usual->max, 95);
  ASSERT_EQ(seen.proposals.size(), 3U);
  EXPECT_EQ(seen.proposals[1].high, 78);
  EXPECT_FALSE(seen.proposals[1].low);
  EXPECT_EQ(seen.proposals[1].deadband, 1);
  EXPECT_EQ(seen.proposals[1].fired.count, 4U);
  EXPECT_GT(seen.fired.count, 20U);
  EXPECT_EQ(seen.text, "99.9 % of readings lie in 61 to 74; as drafted it would have fired " + std::to_string(seen.fired.count) +
                           " times; with 78 and a deadband of 1 4 times");
}

TEST(rule_preview, a_delay_of_the_draft_counts) {
  auto rule = above(90);
  rule.options.on_delay_us = 60 * second_us;
  EXPECT_EQ(preview_rule(rule, 3, day(), 86'400 * second_us).fired.count, 0U);
}

TEST(rule_preview, says_when_there_is_nothing_to_judge_by) {
  const auto seen = preview_rule(above(90), 3, {}, 0);
  EXPECT_EQ(seen.fired.count, 0U);
  EXPECT_FALSE(seen.usual);
  EXPECT_TRUE(seen.proposals.empty());
  EXPECT_EQ(seen.text, "There are no readings in this range.");
}

TEST(rule_preview, silence_that_lasts_to_the_end_fires) {
  auto rule = above(0);
  rule.condition = rule_condition::no_data;
  rule.options.silence_us = 600 * second_us;
  const auto seen = preview_rule(rule, 3, day(), 90'000 * second_us);
  EXPECT_EQ(seen.fired.count, 1U);
  EXPECT_TRUE(seen.proposals.empty());
}

}  // namespace
}  // namespace factory::test
