// Rules that look at more than whether a reading is beyond a limit: rates, silence, ladders, shifts.
#include <gtest/gtest.h>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/support/alarm_fixture.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using enum event_kind;

using namespace test;

TEST_F(alarm_kinds, a_rate_is_the_change_a_second_without_sign) {
  watch(of_kind(rule_condition::rate_above, 5));
  see(0, 100);
  see(10, 150);
  EXPECT_TRUE(said.empty()) << "5 a second is not above 5";
  see(11, 140);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].value, 10);
  EXPECT_EQ(said[0].limit(), 5);
  see(12, 141);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[1].value, 1);
}

TEST_F(alarm_kinds, a_rate_is_judged_again_when_a_reading_comes_between) {
  watch(of_kind(rule_condition::rate_above, 5));
  see(0, 0);
  see(10, 60);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  see(9, 55);  // 6.1 a second, then 5
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, withdrawn, alert_raised, alert_cleared}));
  EXPECT_EQ(said[2].at_us, 9 * second_us);
}

TEST_F(alarm_kinds, silence_raises_at_the_newest_reading_and_the_silence_whenever_the_tick_comes) {
  auto rule = of_kind(rule_condition::no_data);
  rule.options.silence_us = 30 * second_us;
  watch(rule);
  EXPECT_EQ(alarms.due_us(), 30 * second_us) << "also when no reading ever came";
  see(20, 1);
  EXPECT_EQ(alarms.due_us(), 50 * second_us);
  tick(49);
  EXPECT_TRUE(said.empty());
  tick(90);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 50 * second_us);
  EXPECT_EQ(said[0].value, 30);
  EXPECT_EQ(alarms.due_us(), INT64_MAX);
  see(100, 1);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[1].value, 80) << "seconds of silence";
  EXPECT_EQ(alarms.due_us(), 130 * second_us);
}

TEST_F(alarm_kinds, silence_that_a_reading_ends_before_any_tick_was_silence_all_the_same) {
  auto rule = of_kind(rule_condition::no_data);
  rule.options.silence_us = 30 * second_us;
  watch(rule);
  see(20, 1);
  see(100, 1);
  ASSERT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[0].at_us, 50 * second_us);
  see(65, 1);  // late: there were two silences
  EXPECT_EQ(kinds().size(), 5U);
  see(45, 1);
  EXPECT_EQ(alarms.active_count(), 0U);
}

TEST_F(alarm_kinds, a_rule_about_silence_counts_from_when_it_was_made) {
  see(20, 1);
  auto rule = of_kind(rule_condition::no_data);
  rule.options.silence_us = 30 * second_us;
  watch(rule, 1'000, 20 * second_us);
  EXPECT_EQ(alarms.due_us(), 1'030 * second_us);
}

TEST_F(alarm_kinds, a_ladder_is_one_alert_whose_steps_are_events) {
  watch(ladder());
  see(1, 85);
  see(2, 95);
  see(3, 89);
  EXPECT_EQ(steps(), "high high_high ") << "the deadband of the step holds it";
  see(4, 87);
  EXPECT_EQ(steps(), "high high_high high ");
  see(5, 5);
  EXPECT_EQ(steps(), "high high_high high low_low ");
  see(6, 79);
  EXPECT_EQ(kinds().back(), alert_stepped) << "in the deadband of the ladder";
  see(7, 50);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_escalated, alert_stepped, alert_stepped, alert_stepped, alert_cleared}));
  said.erase(said.begin() + 1);
  EXPECT_EQ(said[0].level, severity::rule_warning);
  EXPECT_EQ(said[1].level, severity::rule_critical);
  EXPECT_EQ(said[1].limit(), 90);
  EXPECT_EQ(said[3].limit(), 10);
  EXPECT_EQ(alarms.active_count(), 0U);
}

TEST_F(alarm_kinds, the_peak_of_a_rule_follows_its_readings_and_its_end_has_what_no_escalation_told) {
  watch(of_kind(rule_condition::greater_than, 80));
  see(1, 90);
  EXPECT_EQ(told_peak(), 90);
  see(2, 94);
  EXPECT_EQ(told_peak(), 90) << "less than half as far again";
  see(3, 95);
  EXPECT_EQ(told_peak(), 95);
  EXPECT_EQ(said.back().level, severity::rule_warning) << "a rule has the level that it has";
  see(4, 100);
  see(5, 97);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_escalated}));
  see(6, 20);
  EXPECT_EQ(told_peak(), 100);
  EXPECT_EQ(peak_of(fold_finding(said)).at_us, 4 * second_us);
}

TEST_F(alarm_kinds, an_alert_near_its_limit_does_not_escalate_with_every_reading) {
  watch(of_kind(rule_condition::greater_than, 80));
  double value = 80.001;
  for (std::int64_t second = 1; second < 200 && value < 160; ++second, value = 80 + (value - 80) * 1.1) see(second, value);
  EXPECT_LE(said.size(), 14U) << "a hundredth of the limit, then half as much again each";
  EXPECT_GT(told_peak(), 130);
}

TEST_F(alarm_kinds, the_peak_of_a_limit_on_each_side_is_the_reading_furthest_beyond_one) {
  auto rule = of_kind(rule_condition::out_of_range, 80);
  rule.low = 20;
  watch(rule);
  see(1, 85);
  see(2, 10);
  EXPECT_EQ(told_peak(), 10);
  see(3, 84);
  see(4, 50);
  EXPECT_EQ(told_peak(), 10);
}

TEST_F(alarm_kinds, the_peak_of_a_rate_is_the_fastest_and_that_of_silence_the_longest) {
  watch(of_kind(rule_condition::rate_above, 5));
  see(0, 0);
  see(1, 10);
  see(2, 30);
  EXPECT_EQ(told_peak(), 20);
  see(3, 30);
  EXPECT_EQ(told_peak(), 20);
  said.clear();
  alarms = {};
  auto rule = of_kind(rule_condition::no_data);
  rule.options.silence_us = 30 * second_us;
  rule.options.off_delay_us = 5 * second_us;
  watch(rule);
  see(20, 1);
  tick(50);
  EXPECT_EQ(told_peak(), 30);
  see(100, 1);
  see(104, 1);
  see(106, 1);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(told_peak(), 80);
}

TEST_F(alarm_kinds, the_peak_of_a_ladder_is_measured_from_its_inner_limit) {
  watch(ladder());
  see(1, 89);
  see(2, 91);
  EXPECT_EQ(told_peak(), 91) << "a worse level, 1 beyond it";
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_escalated, alert_stepped}));
  see(3, 85);
  EXPECT_EQ(told_peak(), 91);
  see(4, 50);
  EXPECT_EQ(level_of(fold_finding(said)), severity::rule_warning) << "of the step it stood on last";
}

/// Sensor 7's rule above 80, in force for the first minute of the Thursday on which 1970 began, and for the third.
struct alarm_shifts : alarm_kinds {
  alert_rule rule = of_kind(rule_condition::greater_than, 80);
  alarm_shifts() { rule.options.schedule.shifts = {{1U << 3U, 0, 60 * second_us}, {1U << 3U, 120 * second_us, 180 * second_us}}; }
};

TEST_F(alarm_shifts, the_end_of_a_shift_clears_its_alert_at_that_instant_whatever_comes_to_tell) {
  watch(rule);
  see(10, 90);
  EXPECT_EQ(alarms.due_us(), 60 * second_us);
  see(70, 95);  // past the end, and of no shift
  ASSERT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[1].at_us, 60 * second_us);
  EXPECT_EQ(alarms.due_us(), INT64_MAX);
  see(119, 95);
  EXPECT_EQ(said.size(), 2U);
  see(120, 95);
  EXPECT_EQ(kinds().back(), alert_raised) << "the next shift finds it as new";
  tick(200);
  EXPECT_EQ(said.back().at_us, 180 * second_us);
  EXPECT_EQ(alarms.active_count(), 0U);
}

TEST_F(alarm_shifts, a_reading_at_the_very_end_is_not_in_the_shift) {
  watch(rule);
  see(60, 90);
  EXPECT_TRUE(said.empty());
  see(10, 90);  // late
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[1].at_us, 60 * second_us);
}

TEST_F(alarm_shifts, a_delay_ends_with_its_shift_and_counts_begin_anew) {
  rule.options.on_delay_us = 20 * second_us;
  watch(rule);
  see(50, 90);
  tick(100);
  see(130, 90);
  EXPECT_TRUE(said.empty());
  tick(150);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 150 * second_us);
}

TEST_F(alarm_shifts, silence_counts_within_a_shift) {
  rule.condition = rule_condition::no_data;
  rule.options.silence_us = 30 * second_us;
  watch(rule);
  see(15, 1);
  see(40, 1);
  EXPECT_EQ(alarms.due_us(), 150 * second_us) << "not 70, which is off shift: 30 s from the begin of the next";
  tick(155);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 150 * second_us);
  tick(181);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  constexpr std::int64_t week = 7 * 86'400;
  EXPECT_EQ(alarms.due_us(), (week + 30) * second_us) << "still silent when the next shift begins";
}

TEST_F(alarm_shifts, a_schedule_that_changes_ends_what_is_outside_of_it) {
  watch(rule);
  see(130, 90);
  rule.options.schedule.shifts.pop_back();
  watch(rule, 131, 130 * second_us);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
}

TEST_F(alarm_kinds, a_late_or_corrected_reading_moves_the_peak_to_where_it_would_have_been) {
  watch(of_kind(rule_condition::greater_than, 80));
  for (const auto& [second, value] : {std::pair(1, 90.0), {3, 120.0}, {4, 123.0}, {5, 20.0}}) see(second, value);
  EXPECT_EQ(told_peak(), 123);
  see(2, 150);  // late
  EXPECT_EQ(told_peak(), 150);
  EXPECT_EQ(peak_of(fold_finding(said)).at_us, 2 * second_us);
  see(2, 100);  // corrected
  EXPECT_EQ(told_peak(), 123);
  see(4, 70);  // the end moves
  EXPECT_EQ(told_peak(), 120);
  see(3, 130);
  EXPECT_EQ(told_peak(), 130);
}

TEST_F(alarm_kinds, a_ladder_raises_at_the_step_on_which_it_begins) {
  watch(ladder());
  see(1, 120);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].level, severity::rule_critical);
  EXPECT_EQ(said[0].limit(), 90);
  EXPECT_EQ(said[0].alarm()->step, "high_high");
}

TEST_F(alarm_kinds, a_ladder_may_lack_steps) {
  auto rule = ladder();
  rule.low = rule.options.low_low = -std::numeric_limits<double>::infinity();
  rule.options.deadband_in_percent = true;
  watch(rule);
  see(1, -1e300);
  EXPECT_TRUE(said.empty());
  see(2, 95);
  see(3, 88.1);
  see(4, 78.3);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_stepped, alert_cleared}));
}

TEST(calm_values, are_none_where_a_rule_must_see_all_and_those_within_a_ladder) {
  EXPECT_FALSE(calm_values({7, {}, {of_kind(rule_condition::rate_above, 5)}}).contains(0));
  EXPECT_FALSE(calm_values({7, {}, {of_kind(rule_condition::no_data)}}).contains(0));
  const auto within = calm_values({7, {}, {ladder()}});
  EXPECT_EQ(within.lowest, 22);
  EXPECT_EQ(within.highest, 78);
}

TEST(alarm_options, of_before_there_were_latches_schedules_and_anomalies_are_read) {
  alarm_options now;
  now.deadband = 3;
  now.message = "m";
  std::string bytes;
  put_options(bytes, now);
  constexpr std::size_t discipline = 1 + 1 + 1 + 1 + 8 + 8, schedule = 1, anomalies = 8 + 1 + 1;
  for (const auto& [version, less] :
       {std::pair(1, discipline + schedule + anomalies), {2, schedule + anomalies}, {3, anomalies}}) {
    std::string old = bytes.substr(0, bytes.size() - less);
    old.front() = static_cast<char>(version);
    std::string_view in = old;
    alarm_options read;
    ASSERT_TRUE(get_options(in, read));
    EXPECT_EQ(read, now);
    EXPECT_TRUE(in.empty());
  }
}

}  // namespace
}  // namespace factory
