#include "pipelines/correct/twin_judges.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include "support/times.hpp"

namespace factory {
namespace {

sensor_config limits_at(double max) {
  sensor_config config;
  config.sensor = 1;
  config.thresholds.max = max;
  return config;
}

std::shared_ptr<const alarm_past> limits_at_90() {
  return std::make_shared<const alarm_past>(alarm_past{{{limits_at(90), std::nullopt, INT64_MIN, INT64_MIN}}});
}

reading_run noise(int count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> values(50, 1);
  reading_run rows;
  for (int i = 0; i < count; ++i) rows.push_back(i * second_us, values(random), flag_none);
  return rows;
}

bool has(const std::vector<finding_difference>& all, event_source source, std::int64_t time_us, bool before, bool after) {
  return std::ranges::any_of(all, [&](const finding_difference& each) {
    return each.finding.source == source && each.finding.event_time_us == time_us && each.before.empty() != before &&
           each.after.empty() != after;
  });
}

TEST(twin_judges, have_met_and_differ_in_nothing_while_the_histories_are_the_same) {
  twin_judges twins(1, {}, limits_at_90());
  twins.observe(noise(500), noise(500));
  EXPECT_TRUE(twins.have_met());
  EXPECT_TRUE(twins.differences().empty());
}

TEST(twin_judges, tell_the_alert_and_the_anomaly_that_an_excluded_reading_made) {
  auto before = noise(500), after = before;
  before.value[300] = after.value[300] = 120;
  after.flags[300] |= flag_excluded;
  twin_judges twins(1, {}, limits_at_90());
  twins.observe(before, after);
  const auto all = twins.differences();
  EXPECT_TRUE(has(all, event_source::max_threshold, 300 * second_us, true, false));
  EXPECT_TRUE(has(all, event_source::z_score, 300 * second_us, true, false));
}

TEST(twin_judges, agree_again_on_all_alerts_behind_the_difference) {
  auto before = noise(600), after = before;
  after.value[300] = 120;
  before.value[500] = after.value[500] = 130;
  twin_judges twins(1, {}, limits_at_90());
  twins.observe(before, after);
  const auto all = twins.differences();
  EXPECT_TRUE(has(all, event_source::max_threshold, 300 * second_us, false, true));
  EXPECT_FALSE(std::ranges::any_of(all, [](const auto& each) {
    return each.finding.source == event_source::max_threshold && each.finding.event_time_us != 300 * second_us;
  }));
}

TEST(twin_judges, do_not_depend_on_portions) {
  auto before = noise(900, 5), after = before;
  for (int i = 200; i < 260; ++i) after.value[static_cast<std::size_t>(i)] *= 1.5;
  twin_judges whole(1, {}, limits_at_90()), in_parts(1, {}, limits_at_90());
  whole.observe(before, after);
  for (std::size_t i = 0; i < before.size(); ++i) {
    reading_run left, right;
    left.push_back(before.event_time_us[i], before.value[i], flag_none);
    right.push_back(after.event_time_us[i], after.value[i], flag_none);
    in_parts.observe(left, right);
  }
  const auto a = whole.differences(), b = in_parts.differences();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].finding, b[i].finding);
    EXPECT_TRUE(std::ranges::equal(a[i].after, b[i].after, event_judge::same));
  }
}

std::shared_ptr<const alarm_past> stale_after_ten_seconds() {
  alert_rule stale{5, 1, "stale", rule_condition::stale_quality, 0, 0, severity::rule_warning, true};
  stale.options.silence_us = 10 * second_us;
  return std::make_shared<const alarm_past>(alarm_past{{{sensor_config{1, {}, {stale}}, std::nullopt, INT64_MIN, INT64_MIN}}});
}

TEST(twin_judges, tell_the_alert_about_quality_that_a_span_of_bad_readings_makes) {
  auto before = noise(1'500), after = before;
  for (std::size_t i = 300; i < 900; ++i) after.flags[i] = i % 3 == 0 ? flag_uncertain : flag_bad;
  twin_judges made(1, {}, stale_after_ten_seconds()), reverted(1, {}, stale_after_ten_seconds());
  made.observe(before, after);
  reverted.observe(after, before);
  EXPECT_TRUE(has(made.differences(), event_source::alert_rule, 309 * second_us, false, true));
  EXPECT_TRUE(has(reverted.differences(), event_source::alert_rule, 309 * second_us, true, false));
  const auto of_rule = made.after({1, 309 * second_us, event_source::alert_rule, 5, {}});
  ASSERT_EQ(of_rule.size(), 2U);
  EXPECT_EQ(of_rule[1].at_us, 900 * second_us) << "the next good one ends it";

  twin_judges in_parts(1, {}, stale_after_ten_seconds());
  for (std::size_t i = 0; i < before.size(); ++i) {
    reading_run left, right;
    left.push_back(before.event_time_us[i], before.value[i], before.flags[i]);
    right.push_back(after.event_time_us[i], after.value[i], after.flags[i]);
    in_parts.observe(left, right);
  }
  EXPECT_EQ(in_parts.differences().size(), made.differences().size());
  EXPECT_TRUE(has(in_parts.differences(), event_source::alert_rule, 309 * second_us, false, true));
}

TEST(twin_judges, see_no_quality_in_what_an_operator_excludes) {
  auto before = noise(600), after = before;
  for (std::size_t i = 300; i < 400; ++i) after.flags[i] |= flag_excluded;
  for (std::size_t i = 500; i < 550; ++i) {
    before.flags[i] = flag_bad;
    after.flags[i] = flag_bad | flag_excluded;
  }
  twin_judges twins(1, {}, stale_after_ten_seconds());
  twins.observe(before, after);
  EXPECT_FALSE(has(twins.differences(), event_source::alert_rule, 309 * second_us, false, true));
  EXPECT_TRUE(has(twins.differences(), event_source::alert_rule, 509 * second_us, true, false)) << "bad ones count no more";
}

TEST(twin_judges, do_not_judge_readings_from_the_future_or_of_bad_quality) {
  auto before = noise(300), after = before;
  before.value[200] = after.value[200] = 500;
  before.flags[200] = flag_future;
  after.flags[200] = flag_bad;
  twin_judges twins(1, {}, limits_at_90());
  twins.observe(before, after);
  EXPECT_TRUE(twins.differences().empty());
}

TEST(twin_judges, judge_each_reading_by_the_limits_of_its_time) {
  auto before = noise(600), after = before;
  for (const int second : {200, 400}) after.value[static_cast<std::size_t>(second)] = 80;
  const alarm_past past{{{limits_at(90), std::nullopt, INT64_MIN, INT64_MIN}, {limits_at(70), std::nullopt, 300 * second_us, 0}}};
  twin_judges twins(1, {}, std::make_shared<const alarm_past>(past));
  twins.observe(before, after);
  const auto all = twins.differences();
  EXPECT_FALSE(has(all, event_source::max_threshold, 200 * second_us, false, true));
  EXPECT_TRUE(has(all, event_source::max_threshold, 400 * second_us, false, true));
}

TEST(twin_judges, take_a_reading_that_a_correction_leaves_out_for_no_silence_of_the_sensor) {
  alert_rule quiet{1, 1, "quiet", rule_condition::no_data, 0, 0, severity::rule_warning, true};
  quiet.options.silence_us = 60 * second_us;
  sensor_config config;
  config.sensor = 1;
  config.rules.push_back(quiet);
  const auto past = std::make_shared<const alarm_past>(alarm_past{{{config, std::nullopt, INT64_MIN, INT64_MIN}}});
  for (const bool is_heard : {false, true}) {
    const auto before = noise(600);
    auto after = before;
    for (std::size_t row = 300; row < 500; ++row) {
      after.flags[row] |= flag_excluded;
      if (is_heard) after.flags[row] |= flag_heard;
    }
    twin_judges twins(1, {}, past);
    twins.observe(before, after);
    const auto all = twins.differences();
    EXPECT_EQ(std::ranges::any_of(all, [](const auto& each) { return each.finding.source == event_source::alert_rule; }),
              !is_heard);
  }
}

}  // namespace
}  // namespace factory
