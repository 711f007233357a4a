#include "pipelines/stats/control_chart.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace factory {
namespace {

struct published_constants {
  std::size_t size;
  double d2, a2, d3, d4;
};

/// Montgomery, Introduction to Statistical Quality Control, appendix VI; the same in ASTM STP 15D.
TEST(control_chart, constants_are_those_of_the_published_tables) {
  for (const auto& row : {published_constants{2, 1.128, 1.880, 0, 3.267},
                          {3, 1.693, 1.023, 0, 2.574},
                          {4, 2.059, 0.729, 0, 2.282},
                          {5, 2.326, 0.577, 0, 2.114},
                          {6, 2.534, 0.483, 0, 2.004},
                          {7, 2.704, 0.419, 0.076, 1.924},
                          {8, 2.847, 0.373, 0.136, 1.864},
                          {10, 3.078, 0.308, 0.223, 1.777},
                          {15, 3.472, 0.223, 0.347, 1.653},
                          {25, 3.931, 0.153, 0.459, 1.541}}) {
    const auto& of = range_constants_of(row.size);
    EXPECT_NEAR(of.d2, row.d2, 0.0006) << row.size;
    EXPECT_NEAR(of.a2(row.size), row.a2, 0.001) << row.size;
    EXPECT_NEAR(of.lower_range(), row.d3, 0.0012) << row.size;
    EXPECT_NEAR(of.upper_range(), row.d4, 0.0012) << row.size;
  }
}

/// NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: ten batches, limits 45.8159 and 55.8041 around 50.81.
TEST(control_chart, of_individuals_has_the_limits_of_the_nist_handbook) {
  const std::vector<double> flow{49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1};
  const std::vector<std::int64_t> times(flow.size());
  const auto points = control_points_of(times, flow, 1);
  ASSERT_EQ(points.ranges.size(), 9U);
  const auto limits = control_limits_of(points, 1).value();
  EXPECT_NEAR(limits.range_center, 1.8778, 0.0001);
  EXPECT_NEAR(limits.center, 50.81, 1e-9);
  EXPECT_NEAR(limits.lower, 45.8159, 0.002);
  EXPECT_NEAR(limits.upper, 55.8041, 0.002);
  EXPECT_TRUE(find_violations(points.values, limits).empty());
}

/// Montgomery, example 6.1 (hard-bake process): subgroups of 5, mean 1.5056, mean range 0.32521; specification 1.5 +- 0.5.
TEST(control_chart, of_means_and_ranges_has_the_limits_and_the_capability_of_a_textbook) {
  const auto limits = control_limits_from(1.5056, 0.32521, 5);
  EXPECT_NEAR(limits.upper, 1.69325, 0.0005);
  EXPECT_NEAR(limits.lower, 1.31795, 0.0005);
  EXPECT_NEAR(limits.range_upper, 0.68749, 0.0005);
  EXPECT_EQ(limits.range_lower, 0);
  EXPECT_NEAR(limits.sigma, 0.1398, 0.0001);
  const auto capability = capability_of(limits, 1.0, 2.0);
  EXPECT_NEAR(capability.cp.value(), 1.192, 0.001);
  EXPECT_NEAR(capability.cpk.value(), (2.0 - 1.5056) / (3 * 0.1398), 0.001);
  EXPECT_FALSE(capability_of(limits, std::nullopt, 2.0).cp);
  EXPECT_NEAR(capability_of(limits, std::nullopt, 2.0).cpk.value(), capability.cpk.value(), 1e-12);
  EXPECT_FALSE(capability_of(limits, std::nullopt, std::nullopt).cpk);
}

TEST(control_chart, takes_the_readings_of_a_point_in_a_row_and_leaves_out_an_incomplete_one) {
  const std::vector<double> values{1, 3, 2, 10, 14, 12, 99};
  const std::vector<std::int64_t> times{1, 2, 3, 4, 5, 6, 7};
  const auto points = control_points_of(times, values, 3);
  EXPECT_EQ(points.values, (std::vector<double>{2, 12}));
  EXPECT_EQ(points.ranges, (std::vector<double>{2, 4}));
  EXPECT_EQ(points.times_us, (std::vector<std::int64_t>{3, 6}));
}

/// Distances in sigma around 0; the rules by their place in runs_rules().
struct runs_case {
  const char* name;
  std::vector<double> distances;
  std::vector<std::size_t> broken;
};
void PrintTo(const runs_case& row, std::ostream* out) { *out << row.name; }
struct runs : testing::TestWithParam<runs_case> {};

TEST_P(runs, break_the_rules_that_were_published_and_no_others) {
  control_limits limits;
  limits.sigma = 1;
  std::vector<std::size_t> broken;
  for (const auto& found : find_violations(GetParam().distances, limits))
    if (broken.empty() || broken.back() != found.rule) broken.push_back(found.rule);
  EXPECT_EQ(broken, GetParam().broken);
}

constexpr std::size_t we1 = 0, we2 = 1, we3 = 2, we4 = 3, n1 = 4, n2 = 5, n3 = 6, n4 = 7, n5 = 8, n6 = 9, n7 = 10, n8 = 11;
INSTANTIATE_TEST_SUITE_P(
    cases, runs,
    testing::Values(runs_case{"nothing", {0.5, -0.6, 1.2, -1.1, 0.2, 0.1, -2.5}, {}},
                    runs_case{"beyond_three", {0, 3.1}, {we1, n1}}, runs_case{"on_three_is_within", {0, 3.0, 0}, {}},
                    runs_case{"two_of_three", {2.1, 0, 2.2}, {we2, n5}},
                    runs_case{"two_of_three_on_two_sides", {2.1, 0, -2.2}, {}},
                    runs_case{"four_of_five", {1.1, 1.2, -0.1, 1.3, 1.1}, {we3, n6}},
                    runs_case{"eight_on_one_side", {.5, .4, .5, .4, .5, .6, .5, .4}, {we4}},
                    runs_case{"nine_on_one_side", {-.5, -.4, -.5, -.4, -.5, -.6, -.5, -.4, -.3}, {we4, n2}},
                    runs_case{"six_that_rise", {-2.4, -1.3, -0.2, .4, 1.5, 2.6}, {n3}},
                    runs_case{"six_of_which_two_are_equal", {-2.4, -1.3, -0.2, -0.2, 1.5, 2.6}, {}},
                    runs_case{
                        "fourteen_that_alternate", {1.5, -.1, 1.4, -.2, 1.6, -.1, .8, -.2, 1.1, -.1, .9, -.3, 1.2, -1.3}, {n4}},
                    runs_case{"fifteen_within_one", {.5, -.4, -.3, .2, .1, -.5, .5, .4, -.3, -.2, .1, .5, -.5, .4, .3}, {n7}},
                    runs_case{"eight_beyond_one_on_both_sides", {1.5, -1.4, -1.3, 1.2, 1.5, -1.5, -1.1, 1.4}, {n8}}),
    [](const auto& of) { return std::string(of.param.name); });

TEST(control_chart, of_a_violation_are_all_points_of_the_pattern) {
  control_limits limits;
  limits.sigma = 1;
  std::vector<double> distances{0, -1, .5, .4, .5, .4, .5, .6, .5, .4, .5, -.2};
  for (const auto& found : find_violations(distances, limits)) {
    EXPECT_EQ(found.begin, 2U);
    EXPECT_EQ(found.end, 11U);
  }
}

TEST(control_chart, without_spread_has_no_violations_and_no_capability) {
  const std::vector<double> constant(20, 5.0);
  const std::vector<std::int64_t> times(20);
  const auto limits = control_limits_of(control_points_of(times, constant, 1), 1).value();
  EXPECT_EQ(limits.sigma, 0);
  EXPECT_TRUE(find_violations(constant, limits).empty());
  EXPECT_FALSE(capability_of(limits, 0.0, 10.0).cpk);
}

/// Of normal readings sigma is found, one point in 370 is beyond the limits; scale and shift change no violation.
TEST(control_chart, of_normal_readings_has_the_false_alarms_that_three_sigma_promise) {
  std::mt19937_64 random(6);
  std::normal_distribution<double> normal(100, 4);
  std::vector<double> values(40'000), scaled;
  for (double& value : values) value = normal(random);
  for (const double value : values) scaled.push_back(8 * value - 1'024);
  const std::vector<std::int64_t> times(values.size());
  for (const std::uint32_t subgroup : {1U, 2U, 5U, 10U}) {
    const auto points = control_points_of(times, values, subgroup);
    const auto limits = control_limits_of(points, subgroup).value();
    EXPECT_NEAR(limits.sigma, 4, 0.15) << subgroup;
    const auto beyond = static_cast<double>(
        std::ranges::count_if(points.values, [&](double value) { return value < limits.lower || value > limits.upper; }));
    EXPECT_NEAR(beyond / static_cast<double>(points.values.size()), 0.0027, 0.0025) << subgroup;
    const auto others = control_points_of(times, scaled, subgroup);
    const auto found = find_violations(points.values, limits);
    const auto found_scaled = find_violations(others.values, control_limits_of(others, subgroup).value());
    ASSERT_EQ(found.size(), found_scaled.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].begin, found_scaled[i].begin);
  }
}

}  // namespace
}  // namespace factory
