#include "pipelines/stats/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace factory {
namespace {

std::vector<std::int64_t> times_for(std::size_t count) {
  std::vector<std::int64_t> times(count);
  std::iota(times.begin(), times.end(), 1'000);
  return times;
}

summary added_one_by_one(std::span<const double> values, std::int64_t first_us = 1'000) {
  summary s;
  for (std::size_t i = 0; i < values.size(); ++i) s.add(first_us + static_cast<std::int64_t>(i), values[i]);
  return s;
}

TEST(describe, gives_the_contracts_example) {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  const auto found = describe(values);
  EXPECT_DOUBLE_EQ(found.mean, 5);
  EXPECT_NEAR(found.std_dev, 2.138, 0.0005);
}

TEST(describe, of_nothing_is_zero_and_of_one_reading_has_no_spread) {
  EXPECT_EQ(describe({}).mean, 0);
  EXPECT_EQ(describe({}).std_dev, 0);
  const std::vector<double> one = {7.5};
  EXPECT_EQ(describe(one).mean, 7.5);
  EXPECT_EQ(describe(one).std_dev, 0);
}

TEST(describe, finds_no_spread_at_all_in_equal_values) {
  for (const std::size_t count : {2U, 3U, 7U, 100U, 1'001U}) {
    const std::vector<double> values(count, 0.1);
    EXPECT_EQ(describe(values).mean, 0.1);
    EXPECT_EQ(describe(values).std_dev, 0.0);
  }
}

TEST(describe, keeps_its_digits_at_a_large_offset) {
  std::vector<double> values;
  for (int i = 0; i < 1'000; ++i) values.push_back(1e9 + (i % 2 == 0 ? 0.25 : -0.25));
  EXPECT_EQ(describe(values).mean, 1e9);
  EXPECT_NEAR(describe(values).std_dev, 0.25 * std::sqrt(1000.0 / 999.0), 1e-12);
}

TEST(describe, stays_finite_at_both_ends_of_the_range_of_double) {
  const double largest = std::numeric_limits<double>::max();
  const std::vector<double> huge = {largest, largest, -largest, -largest};
  EXPECT_EQ(describe(huge).mean, 0);
  EXPECT_TRUE(std::isfinite(describe(huge).std_dev));
  const std::vector<double> big = {1e308, 1.5e308};
  EXPECT_NEAR(describe(big).mean / 1.25e308, 1, 1e-15);
  EXPECT_NEAR(describe(big).std_dev / (0.5e308 / std::sqrt(2.0)), 1, 1e-12);
  const std::vector<double> small = {1e-200, 3e-200};
  EXPECT_NEAR(describe(small).mean / 2e-200, 1, 1e-15);
  EXPECT_NEAR(describe(small).std_dev / (2e-200 / std::sqrt(2.0)), 1, 1e-12);
}

TEST(summary, added_one_by_one_equals_two_passes_over_all) {
  std::mt19937_64 random(1);
  for (const double offset : {0.0, -50.0, 1e9}) {
    std::normal_distribution<double> noise(offset, 0.5);
    std::vector<double> values(5'000);
    std::generate(values.begin(), values.end(), [&] { return noise(random); });
    const auto exact = describe(values);
    for (const auto& s : {added_one_by_one(values), summarize(times_for(values.size()), values)}) {
      EXPECT_EQ(s.count, 5'000U);
      EXPECT_NEAR(s.mean(), exact.mean, 1e-15 * std::abs(offset) + 1e-13);
      EXPECT_NEAR(s.std_dev(), exact.std_dev, 1e-6);
      EXPECT_EQ(s.min, *std::min_element(values.begin(), values.end()));
      EXPECT_EQ(s.max, *std::max_element(values.begin(), values.end()));
      EXPECT_EQ(s.first, values.front());
      EXPECT_EQ(s.last, values.back());
      EXPECT_EQ(s.first_us, 1'000);
      EXPECT_EQ(s.last_us, 5'999);
    }
  }
}

TEST(summary, merged_from_parts_in_any_order_equals_the_whole) {
  std::mt19937_64 random(2);
  std::normal_distribution<double> noise(1e6, 3);
  std::vector<double> values(1'000);
  std::generate(values.begin(), values.end(), [&] { return noise(random); });
  const auto times = times_for(values.size());
  const auto whole = summarize(times, values);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> cuts = {0, values.size()};
    for (int i = 0; i < 6; ++i) cuts.push_back(random() % (values.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    std::vector<summary> parts;
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i)
      parts.push_back(summarize(std::span(times).subspan(cuts[i], cuts[i + 1] - cuts[i]),
                                std::span(values).subspan(cuts[i], cuts[i + 1] - cuts[i])));
    std::shuffle(parts.begin(), parts.end(), random);
    summary merged;
    for (const auto& part : parts) merged.merge(part);
    EXPECT_EQ(merged.count, whole.count);
    EXPECT_EQ(merged.min, whole.min);
    EXPECT_EQ(merged.max, whole.max);
    EXPECT_EQ(merged.first, whole.first);
    EXPECT_EQ(merged.last, whole.last);
    EXPECT_EQ(merged.total(), whole.total());
    EXPECT_NEAR(merged.std_dev(), whole.std_dev(), 1e-9);
  }
}

TEST(summary, of_equal_values_has_their_mean_and_no_spread) {
  const std::vector<double> values(777, 0.1);
  auto s = added_one_by_one(values);
  s.merge(added_one_by_one(values, 5'000));
  EXPECT_EQ(s.count, 1'554U);
  EXPECT_EQ(s.mean(), 0.1);
  EXPECT_EQ(s.std_dev(), 0);
}

TEST(summary, sums_without_losing_small_readings_beside_large_ones) {
  const std::vector<double> values = {1e16, 1.0, -1e16, 1.0};
  EXPECT_EQ(added_one_by_one(values).total(), 2.0);
  EXPECT_EQ(summarize(times_for(4), values).total(), 2.0);
}

TEST(summary, of_finite_values_is_finite_however_large_or_small) {
  const double largest = std::numeric_limits<double>::max(), least = std::numeric_limits<double>::denorm_min();
  for (const std::vector<double>& values : std::vector<std::vector<double>>{{largest, largest, -largest, 1.0},
                                                                            {1, 2, 3, 4, largest},
                                                                            {largest, -largest},
                                                                            {1e300, 1.5e300, 0, -1e300},
                                                                            {1e154, 3e154, 1e160},
                                                                            {least, -least, 0},
                                                                            {0, 1e-200, 3e-200},
                                                                            {1e-200, 1, 1e200},
                                                                            {1e200, 1, 1e-200}}) {
    const auto exact = describe(values);
    EXPECT_TRUE(std::isfinite(exact.mean) && std::isfinite(exact.std_dev));
    summary halves = summarize(times_for(2), std::span(values).first(2));
    halves.merge(summarize(times_for(values.size() - 2), std::span(values).subspan(2)));
    summary turned = summarize(times_for(values.size() - 2), std::span(values).subspan(2));
    turned.merge(summarize(times_for(2), std::span(values).first(2)));
    for (const auto& s : {added_one_by_one(values), summarize(times_for(values.size()), values), halves, turned}) {
      const double size = std::max(std::abs(s.min), std::abs(s.max));
      EXPECT_NEAR(s.mean() / size, exact.mean / size, 1e-15);
      EXPECT_NEAR(s.std_dev() / size, exact.std_dev / size, 1e-12);
      EXPECT_TRUE(std::isfinite(s.total()));
    }
  }
}

TEST(summary, of_huge_values_has_their_true_spread) {
  const double large = 0x1p1000;
  const auto s = summarize(
      times_for(8), std::vector<double>{2 * large, 4 * large, 4 * large, 4 * large, 5 * large, 5 * large, 7 * large, 9 * large});
  EXPECT_EQ(s.mean(), 5 * large);
  EXPECT_EQ(s.total(), 40 * large);
  EXPECT_NEAR(s.std_dev() / large, 2.138, 0.0005);
  EXPECT_EQ(summarize(times_for(2), std::vector<double>{0x1p1023, 0x1p1023}).total(), std::numeric_limits<double>::max());
}

TEST(percentile, interpolates_between_the_closest_ranks) {
  struct row {
    std::vector<double> values;
    double q, expected;
  };
  for (const auto& [values, q, expected] : std::vector<row>{{{5}, 0, 5},
                                                            {{5}, 0.5, 5},
                                                            {{5}, 1, 5},
                                                            {{4, 1, 3, 2}, 0, 1},
                                                            {{4, 1, 3, 2}, 1, 4},
                                                            {{4, 1, 3, 2}, 0.5, 2.5},
                                                            {{4, 1, 3, 2}, 0.25, 1.75},
                                                            {{10, 20, 30, 40, 50}, 0.9, 46},
                                                            {{10, 20, 30, 40, 50}, 0.5, 30},
                                                            {{1, 1, 1, 1}, 0.99, 1}}) {
    auto copy = values;
    EXPECT_DOUBLE_EQ(percentile(copy, q), expected);
  }
}

TEST(percentile, agrees_with_sorting_for_any_values) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> any(-100, 100);
  for (std::size_t count = 1; count < 200; count += 7) {
    std::vector<double> values(count);
    std::generate(values.begin(), values.end(), [&] { return any(random); });
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    for (const double q : {0.0, 0.01, 0.33, 0.5, 0.95, 0.999, 1.0}) {
      const double rank = q * static_cast<double>(count - 1);
      const auto below = static_cast<std::size_t>(rank);
      const double above = sorted[std::min(below + 1, count - 1)];
      EXPECT_NEAR(percentile(values, q), sorted[below] + (rank - static_cast<double>(below)) * (above - sorted[below]), 1e-12);
    }
  }
}

}  // namespace
}  // namespace factory
