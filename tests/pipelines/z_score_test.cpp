#include "pipelines/detect/z_score.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace factory {
namespace {

TEST(z_score, is_the_distance_from_the_mean_in_deviations) {
  EXPECT_DOUBLE_EQ(z_score(9, {5, 2}).value(), 2);
  EXPECT_DOUBLE_EQ(z_score(1, {5, 2}).value(), -2);
  EXPECT_DOUBLE_EQ(z_score(5, {5, 2}).value(), 0);
}

TEST(z_score, says_nothing_without_a_spread) {
  EXPECT_FALSE(z_score(9, {5, 0}));
  EXPECT_FALSE(z_score(9, {5, std::nan("")}));
}

TEST(z_score, stays_finite_where_the_difference_is_not) { EXPECT_DOUBLE_EQ(z_score(1.7e308, {-1.7e308, 1.7e308}).value(), 2); }

TEST(z_score, stays_finite_where_the_quotient_is_not) {
  EXPECT_EQ(z_score(1e10, {0, 5e-324}), std::numeric_limits<double>::max());
  EXPECT_EQ(z_score(-1.7e308, {1.7e308, 1e-10}), -std::numeric_limits<double>::max());
}

TEST(z_severity, grows_strictly_above_its_bounds_on_both_sides) {
  struct row {
    double z;
    severity expected;
  };
  for (const auto& [z, expected] : {row{2.1, severity::medium}, row{2.5, severity::medium}, row{2.500001, severity::high},
                                    row{3.0, severity::high}, row{3.000001, severity::critical}, row{-2.4, severity::medium},
                                    row{-2.6, severity::high}, row{-3.5, severity::critical}}) {
    EXPECT_EQ(z_severity(z), expected) << z;
  }
}

TEST(analyze, finds_what_lies_outside_in_input_order) {
  const std::vector<double> values = {70, 71, 69, 70, 120, 70, 71, 69, 70, 70};
  const auto found = analyze(values, 2.0);
  ASSERT_EQ(found.anomalies.size(), 1U);
  EXPECT_EQ(found.anomalies[0].index, 4U);
  EXPECT_NEAR(found.anomalies[0].z_score, 2.844, 0.001);
  EXPECT_EQ(found.anomalies[0].level, severity::high);
  EXPECT_DOUBLE_EQ(found.stats.mean, 75);
}

TEST(analyze, is_strict_at_the_threshold) {
  const std::vector<double> values = {0, 0, 0, 4};  // mean 1, std_dev 2, z of the last exactly 1.5
  EXPECT_EQ(analyze(values, 1.5).anomalies.size(), 0U);
  EXPECT_EQ(analyze(values, 1.499).anomalies.size(), 1U);
}

TEST(analyze, finds_none_in_equal_values_few_values_or_none) {
  EXPECT_TRUE(analyze(std::vector<double>(100, 0.1), 0.0).anomalies.empty());
  EXPECT_TRUE(analyze(std::vector<double>{5}, 0.0).anomalies.empty());
  EXPECT_TRUE(analyze({}, 0.0).anomalies.empty());
  EXPECT_EQ(analyze({}, 0.0).stats.mean, 0);
}

}  // namespace
}  // namespace factory
