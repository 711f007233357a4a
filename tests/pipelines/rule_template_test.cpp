#include "pipelines/alarm/rule_template.hpp"

#include <gtest/gtest.h>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/alarm/thresholds.hpp"

namespace factory {
namespace {

alert_rule hot(rule_id id = 3) { return {id, 0, "", rule_condition::greater_than, 0, 80, severity::rule_warning, true}; }

rule_override all_different() {
  return {.low = 1,
          .high = 90,
          .level = severity::rule_critical,
          .enabled = false,
          .deadband = rule_override::band{2, true},
          .on_delay_us = 5'000'000,
          .off_delay_us = 0,
          .priority = 1};
}

TEST(rule_override, changes_what_it_names_and_nothing_else) {
  EXPECT_EQ(with_override(hot(), {}), hot());
  alert_rule wanted = hot();
  wanted.high = 90;
  EXPECT_EQ(with_override(hot(), {.high = 90}), wanted);
  wanted = {3,
            0,
            "",
            rule_condition::greater_than,
            1,
            90,
            severity::rule_critical,
            false,
            {.deadband = 2, .deadband_in_percent = true, .on_delay_us = 5'000'000, .priority = 1}};
  EXPECT_EQ(with_override(hot(), all_different()), wanted);
}

TEST(rule_template, comes_back_from_its_bytes) {
  rule_template full;
  full.sensors.name = "bearing_*";
  full.overrides = {{17, all_different()}, {18, {.enabled = true}}, {900, {.low = -0.5}}};
  std::string bytes;
  put_template(bytes, full);
  std::string_view in = bytes;
  rule_template back;
  ASSERT_TRUE(get_template(in, back));
  EXPECT_EQ(back, full);
  EXPECT_TRUE(in.empty());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    in = std::string_view(bytes).substr(0, cut);
    EXPECT_FALSE(get_template(in, back)) << cut;
  }
  EXPECT_EQ(to_text(full.overrides),
            "17: low 1, high 90, severity CRITICAL, enabled 0, deadband 2%, on_delay_ms 5000, off_delay_ms 0, priority 1; 18: "
            "enabled 1; "
            "900: low -0.5");
}

TEST(rule_template, overrides_have_all_options_and_older_ones_are_read) {
  rule_override all;
  all.count = 2;
  all.of = 5;
  all.latch = true;
  all.re_alarm_us = 60'000'000;
  all.silence_us = 5'000'000;
  all.low_low = 1;
  all.high_high = 99;
  all.schedule.emplace().shifts = {{3, 0, 3'600'000'000}};
  all.schedule->zone_name = "UTC";
  all.min_score = 1.5;
  all.min_level = severity::high;
  all.detectors = detector_bit(detector::drift);
  const auto changed = with_override(hot(), all).options;
  EXPECT_EQ(changed.count, 2U);
  EXPECT_EQ(changed.of, 5U);
  EXPECT_TRUE(changed.latch);
  EXPECT_EQ(changed.re_alarm_us, 60'000'000);
  EXPECT_EQ(changed.silence_us, 5'000'000);
  EXPECT_EQ(changed.low_low, 1);
  EXPECT_EQ(changed.high_high, 99);
  EXPECT_EQ(changed.schedule, *all.schedule);
  EXPECT_EQ(changed.anomalies, (anomaly_filter{1.5, severity::high, detector_bit(detector::drift)}));
  rule_template full;
  full.overrides = {{17, all}};
  std::string bytes;
  put_template(bytes, full);
  std::string_view in = bytes;
  rule_template back;
  ASSERT_TRUE(get_template(in, back));
  EXPECT_EQ(back, full);
  EXPECT_EQ(to_text(full.overrides),
            "17: count 2, of 5, latch 1, re_alarm_ms 60000, silence_ms 5000, low_low 1, high_high 99, schedule mon,tue "
            "00:00-01:00 UTC, min_score 1.5, min_severity high, detectors drift");
  for (const char version : {'\1', '\2'}) {
    bytes.front() = version;
    in = bytes;
    EXPECT_FALSE(get_template(in, back)) << "these versions had not all of these";
  }
  full.overrides = {{17, all_different()}};
  bytes.clear();
  put_template(bytes, full);
  for (const char version : {'\1', '\2'}) {
    bytes.front() = version;
    in = bytes;
    ASSERT_TRUE(get_template(in, back));
    EXPECT_EQ(back, full);
  }
}

TEST(shared_rule, of_a_template_is_one_object_again_when_configs_are_read) {
  const shared_rule shared{hot()};
  std::vector<sensor_config> read(3);
  for (sensor_id sensor = 0; sensor < 3; ++sensor) {
    std::string bytes;
    alert_rule own = hot(4);
    own.sensor = 7;
    put_config(bytes, {7, {}, {shared, own}});
    std::string_view in = bytes;
    ASSERT_TRUE(get_config(in, read[sensor]));
    EXPECT_EQ(*read[sensor].rules[0], hot());
  }
  EXPECT_EQ(&*read[0].rules[0], &*read[2].rules[0]);
  EXPECT_NE(&*read[0].rules[1], &*read[2].rules[1]) << "a sensor's own";
  alert_rule changed = hot();
  changed.high = 85;
  EXPECT_NE(&*shared_rule::of_template(changed), &*read[0].rules[0]);
  EXPECT_EQ(*shared_rule::of_template(changed), changed);
}

TEST(alarm_board, keeps_an_alert_when_only_the_texts_of_its_rule_change) {
  std::vector<event> found;
  alarm_board board;
  alert_rule rule = hot();
  rule.options.off_delay_us = 60'000'000;
  rule.name = "hot";
  rule.options.message = "too hot";
  board.configure({7, {}, {rule}}, INT64_MIN, 0, 0, found);
  board.observe(1'000'000, 81, 1'000'000, found);
  board.observe(2'000'000, 70, 2'000'000, found);
  ASSERT_EQ(found.size(), 1U);
  rule.name = "warm";
  rule.options.message = "open the valve";
  board.configure({7, {}, {rule}}, INT64_MIN, 3'000'000, 3'000'000, found);
  EXPECT_EQ(board.active_count(), 1U) << "its return has to last a minute, whatever it is called";
  rule.high = 75;
  board.configure({7, {}, {rule}}, INT64_MIN, 3'000'000, 3'000'000, found);
  EXPECT_EQ(board.active_count(), 0U);
}

TEST(alarm_board, clears_the_alert_of_a_rule_that_is_no_longer_for_the_sensor) {
  std::vector<event> found;
  alarm_board board;
  board.configure({7, {}, {hot()}}, INT64_MIN, 0, 0, found);
  board.observe(1'000'000, 81, 1'000'000, found);
  board.configure({7, {}, {}}, INT64_MIN, 2'000'000, 2'000'000, found);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].key, (event_key{7, 1'000'000, event_source::alert_rule, 3, event_kind::alert_cleared}));
}

}  // namespace
}  // namespace factory
