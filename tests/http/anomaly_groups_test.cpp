#include "http/text/anomaly_groups.hpp"

#include <gtest/gtest.h>
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t noon_us = 1'768'824'000'000'000;

TEST(anomaly_groups, findings_of_one_machine_that_began_one_after_the_other_are_one_thing) {
  const auto groups = group_findings({{1, 5, noon_us + 8 * minute_us, "c"},
                                      {1, 4, noon_us, "a"},
                                      {1, 0, noon_us + 15 * minute_us, "m"},
                                      {1, 4, noon_us + 3 * minute_us, "b"},
                                      {2, 9, noon_us, "other machine"},
                                      {1, 6, noon_us + 40 * minute_us, "later"}});
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].machine, 1U);
  EXPECT_EQ(groups[0].since_us, noon_us);
  EXPECT_EQ(groups[0].sensors, (std::vector<sensor_id>{4, 5}));
  EXPECT_EQ(groups[0].findings, (std::vector<std::string>{"a", "b", "c", "m"}));
  EXPECT_EQ(describe(groups[0], "Press 1"), "2 sensors of Press 1 since 2026-01-19T12:00:00Z");
}

TEST(anomaly_groups, one_sensor_alone_is_no_group_and_the_newest_group_comes_first) {
  EXPECT_TRUE(group_findings({{1, 4, noon_us, "a"}, {1, 4, noon_us + minute_us, "b"}}).empty());
  const auto groups = group_findings(
      {{1, 4, noon_us, "a"}, {1, 5, noon_us, "b"}, {2, 8, noon_us + 60 * minute_us, "c"}, {2, 9, noon_us + 61 * minute_us, "d"}});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].machine, 2U);
}

}  // namespace
}  // namespace factory
