#include <gtest/gtest.h>

#include "pipelines/backtest/backtest_result.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

firing fired(std::int64_t begin_min, std::int64_t end_min, sensor_id sensor = 1) {
  return {sensor, event_source::alert_rule, 7, begin_min * minute_us, end_min * minute_us, false};
}
fault_window fault(std::int64_t begin_min, std::int64_t end_min, sensor_id sensor = 1) {
  return {sensor, begin_min * minute_us, end_min * minute_us};
}
event said(event_kind kind, std::int64_t at_us) {
  event out;
  out.key = {1, 5, event_source::max_threshold, 0, kind};
  out.at_us = at_us;
  return out;
}

TEST(firing, lasts_from_what_states_a_finding_to_what_ends_it_or_to_the_end_of_the_range) {
  const std::vector whole{said(event_kind::alert_raised, 10), said(event_kind::alert_cleared, 40)};
  const auto over = firing_of(fold_finding(whole), 100);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->begin_us, 10);
  EXPECT_EQ(over->end_us, 40);
  EXPECT_FALSE(over->open);
  const auto open = firing_of(fold_finding({whole.data(), 1}), 100);
  EXPECT_EQ(open->end_us, 100);
  EXPECT_TRUE(open->open);
  EXPECT_FALSE(firing_of(finding(), 100));
}

TEST(firing, figures_count_all_and_know_the_first_and_the_longest) {
  firing_figures all;
  for (const auto& each : {fired(30, 40), fired(10, 12), fired(50, 75)}) add(all, each);
  EXPECT_EQ(all.count, 3U);
  EXPECT_EQ(all.first_us, 10 * minute_us);
  EXPECT_EQ(all.longest_us, 25 * minute_us);
  EXPECT_DOUBLE_EQ(share_of_time(all, 74 * minute_us, 1), 0.5);
  EXPECT_DOUBLE_EQ(share_of_time(all, 74 * minute_us, 2), 0.25);
  EXPECT_EQ(share_of_time(all, 0, 1), 0);
}

TEST(firing, finds_a_fault_that_it_shares_an_instant_with_on_the_same_sensor) {
  const std::vector faults{fault(10, 20), fault(40, 50), fault(60, 70, 2), fault(80, 90, 0)};
  const std::vector firings{fired(13, 14), fired(5, 11), fired(50, 51), fired(62, 63), fired(85, 85)};
  const auto found = compare(firings, faults);
  EXPECT_EQ(found.faults, 4U);
  EXPECT_EQ(found.found, 2U) << "the one of another sensor and the one that ended before are missed";
  EXPECT_EQ(found.missed(), 2U);
  EXPECT_EQ(found.right, 3U);
  EXPECT_DOUBLE_EQ(*found.precision(), 0.6);
  EXPECT_DOUBLE_EQ(*found.recall(), 0.5);
  EXPECT_EQ(found.median_delay_us, 5 * minute_us) << "0 for the one that fired before, 5 minutes for the other";
  EXPECT_FALSE(compare({}, faults).precision());
  EXPECT_FALSE(compare(firings, {}).recall());
}

TEST(firing, is_counted_in_the_part_of_the_range_where_it_begins) {
  const std::vector firings{fired(0, 1), fired(5, 9), fired(99, 100)};
  EXPECT_EQ(over_time(firings, 0, 100 * minute_us, 4), (std::vector<std::uint32_t>{2, 0, 0, 1}));
}

TEST(backtest_result, says_what_a_draft_changes_in_words) {
  backtest_result of;
  of.end_us = 100 * minute_us;
  const std::vector faults{fault(10, 20), fault(40, 50)};
  backtest_line now{event_source::alert_rule, 7, "hot"}, draft{event_source::alert_rule, 7, "hot", true};
  fill(now, std::vector{fired(13, 14), fired(42, 43), fired(60, 61)}, faults, of);
  fill(draft, std::vector{fired(13, 14)}, faults, of);
  of.lines = {now, draft};
  ASSERT_NE(of.in_force(draft), nullptr);
  EXPECT_EQ(difference_text(draft, of.in_force(draft)),
            "draft rule 7 (hot): 1 alarm instead of 3, 1 of 2 known faults missed instead of 0");
  draft.rule = 0;
  EXPECT_EQ(difference_text(draft, of.in_force(draft)), "draft rule (hot): 1 alarm, 1 of 2 known faults missed");
}

}  // namespace
}  // namespace factory::test
