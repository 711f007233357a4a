// Rules about anomalies of their sensor and about the quality of its readings.
#include <gtest/gtest.h>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/support/alarm_fixture.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using namespace test;
using enum event_kind;

alert_rule about_anomalies(double score = 1) {
  auto rule = of_kind(rule_condition::anomaly);
  rule.options.anomalies.score = score;
  return rule;
}

TEST_F(alarm_kinds, a_rule_about_anomalies_is_breached_while_one_is_open) {
  watch(about_anomalies());
  hear(anomaly_opened, 10, 1.2);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 10 * second_us);
  EXPECT_EQ(said[0].value, 1.2);
  EXPECT_EQ(said[0].limit(), 1);
  hear(anomaly_updated, 20, 2.5);
  EXPECT_EQ(told_peak(), 2.5);
  hear(anomaly_closed, 30, 2.5);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_escalated, alert_cleared}));
  EXPECT_EQ(said[2].at_us, 30 * second_us);
}

TEST_F(alarm_kinds, an_anomaly_counts_from_when_it_has_the_score_the_severity_and_the_name) {
  auto rule = about_anomalies(1.5);
  rule.options.anomalies.level = severity::critical;
  rule.options.anomalies.detectors = detector_bit(detector::level_shift);
  watch(rule);
  hear(anomaly_opened, 10, 4);
  hear(anomaly_updated, 20, 2, detector::level_shift);
  EXPECT_TRUE(said.empty()) << "another detector, then too low a severity";
  hear(anomaly_updated, 25, 3, detector::level_shift);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
}

TEST_F(alarm_kinds, an_alert_names_the_worst_anomaly_of_those_that_were_open_when_it_was_raised) {
  auto rule = about_anomalies();
  rule.options.on_delay_us = 5 * second_us;
  watch(rule);
  hear(anomaly_opened, 10, 2);
  tick(16);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].explanation, "anomaly 7-1000000-spike-0: spike, score 2");
  EXPECT_EQ(anomaly_named_in(said[0].explanation), "7-1000000-spike-0");
  EXPECT_EQ(anomaly_named_in("something else"), std::nullopt);
  const anomaly_change worse{{12 * second_us, 9 * second_us, event_source::nelson, anomaly_opened, 0, {}, 2, severity::high, 3}};
  alarms.observe({}, INT64_MIN, 17 * second_us, said, {&worse, 1});
  EXPECT_EQ(said.size(), 1U) << "the first of two that are as bad";
  const anomaly_change gone{
      {10 * second_us, second_us, event_source::spike, anomaly_opened, 0, detector::spike, 2, severity::high}, true};
  alarms.observe({}, INT64_MIN, 18 * second_us, said, {&gone, 1});
  tick(18);
  const auto stands = said.back();
  EXPECT_EQ(stands.key.kind, alert_raised);
  EXPECT_EQ(stands.explanation, "anomaly 7-9000000-nelson-3: nelson rule 3, score 2") << "raised 5 s behind the other one now";
}

TEST_F(alarm_kinds, a_broken_rule_of_a_control_chart_is_an_anomaly_of_its_set) {
  auto rule = about_anomalies();
  rule.options.anomalies.detectors = nelson_bit;
  watch(rule);
  const auto chart = [&](event_source source, rule_id number, event_kind kind, std::int64_t second) {
    const anomaly_change change{{second * second_us, 5 * second_us, source, kind, 0, {}, 1.2, severity::medium, number}};
    alarms.observe({}, INT64_MIN, second * second_us, said, {&change, 1});
  };
  chart(event_source::western_electric, 2, anomaly_opened, 10);
  EXPECT_TRUE(said.empty()) << "another set";
  hear(anomaly_opened, 11, 2);
  EXPECT_TRUE(said.empty()) << "a detector";
  chart(event_source::nelson, 2, anomaly_opened, 12);
  chart(event_source::nelson, 5, anomaly_opened, 13);
  chart(event_source::nelson, 2, anomaly_closed, 14);
  ASSERT_EQ(kinds(), kinds_told{alert_raised}) << "one of two that began together is over";
  std::string bytes;
  alarms.encode(bytes);
  std::string_view in = bytes;
  alarms = {};
  ASSERT_TRUE(alarms.decode(in));
  chart(event_source::nelson, 5, anomaly_closed, 15);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
}

TEST_F(alarm_kinds, an_anomaly_that_is_taken_back_takes_its_alert_with_it) {
  auto rule = about_anomalies();
  rule.options.on_delay_us = 5 * second_us;
  watch(rule);
  hear(anomaly_opened, 10, 2);
  EXPECT_EQ(alarms.due_us(), 15 * second_us);
  tick(16);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 15 * second_us);
  hear(anomaly_opened, 10, 2, detector::spike, true);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, withdrawn}));
}

TEST_F(alarm_kinds, a_rule_that_is_made_while_an_anomaly_is_open_is_breached_at_once) {
  watch(of_kind(rule_condition::greater_than, 90));
  hear(anomaly_opened, 10, 2);
  watch(about_anomalies(), 20, 12 * second_us);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 12 * second_us);
  watch(about_anomalies(3), 21, 14 * second_us);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
}

TEST_F(alarm_kinds, an_anomaly_that_opens_off_shift_counts_from_the_begin_of_the_next) {
  auto rule = about_anomalies();
  rule.options.schedule.shifts = {{1U << 3U, 100 * second_us, 200 * second_us}};
  watch(rule);
  hear(anomaly_opened, 10, 2);
  EXPECT_TRUE(said.empty());
  EXPECT_EQ(alarms.due_us(), 100 * second_us);
  tick(300);
  ASSERT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[0].at_us, 100 * second_us);
  EXPECT_EQ(said[1].at_us, 200 * second_us);
}

alert_rule about_quality() {
  auto rule = of_kind(rule_condition::stale_quality);
  rule.options.silence_us = 10 * second_us;
  return rule;
}

TEST_F(alarm_kinds, quality_is_stale_when_readings_come_and_none_is_good_for_so_long) {
  watch(about_quality());
  see_good(1);
  tick(60);
  EXPECT_TRUE(said.empty()) << "no reading came at all";
  see_poor(61);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 61 * second_us);
  EXPECT_EQ(said[0].value, 10);
  see_poor(70, row_quality::uncertain);
  see_good(71);
  ASSERT_EQ(kinds(), (kinds_told{alert_raised, alert_cleared}));
  EXPECT_EQ(said[1].value, 70);
  see_poor(72);
  EXPECT_EQ(alarms.due_us(), 81 * second_us);
  tick(90);
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[2].at_us, 81 * second_us) << "ten seconds behind the good one";
}

TEST_F(alarm_kinds, a_good_reading_that_comes_late_moves_where_quality_became_stale) {
  watch(about_quality());
  see_good(1);
  for (std::int64_t second = 2; second < 30; ++second) see_poor(second);
  ASSERT_EQ(kinds(), kinds_told{alert_raised});
  EXPECT_EQ(said[0].at_us, 11 * second_us);
  see_good(8);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, withdrawn, alert_raised}));
  EXPECT_EQ(said.back().at_us, 18 * second_us);
  see_good(13);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, withdrawn, alert_raised, withdrawn, alert_raised}));
  EXPECT_EQ(said.back().at_us, 23 * second_us);
}

TEST_F(alarm_kinds, a_sensor_that_is_bad_for_long_takes_little_room) {
  watch(about_quality());
  see_good(1);
  for (std::int64_t second = 2; second < 20'000; ++second) see_poor(second);
  std::string bytes;
  alarms.encode(bytes);
  EXPECT_LT(bytes.size(), 15'000U);
  EXPECT_EQ(kinds(), kinds_told{alert_raised});
}

}  // namespace
}  // namespace factory
