#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "pipelines/stats/exact_sum.hpp"
#include "pipelines/stream/sliding_values.hpp"

namespace factory {
namespace {

__extension__ typedef __float128 quad;  // NOLINT(modernize-use-using): __extension__ takes no using

double random_value(std::mt19937_64& random, int spread) {
  const auto bits = static_cast<double>(static_cast<std::int64_t>(random()));
  return std::ldexp(bits, static_cast<int>(random() % static_cast<unsigned>(spread)) - 63);
}

TEST(exact_sum, is_the_nearest_double_to_the_sum_of_those_that_stayed_in_whatever_order) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<double> values;
    for (std::size_t i = 1 + random() % 40; i > 0; --i) values.push_back(random_value(random, 30));
    const auto gone = static_cast<std::ptrdiff_t>(random() % values.size());
    quad wanted = 0;
    for (auto each = values.begin() + gone; each != values.end(); ++each) wanted += *each;
    exact_sum sum;
    for (const double each : values) sum.add(each);
    for (auto each = values.begin(); each != values.begin() + gone; ++each) sum.take_away(*each);
    ASSERT_EQ(sum.value(), static_cast<double>(wanted)) << round;
    const double high = sum.value();
    sum.take_away(high);
    ASSERT_EQ(quad(high) + sum.value(), wanted) << round;
  }
}

TEST(exact_sum, squares_lose_nothing) {
  std::mt19937_64 random(2);
  exact_sum sum;
  std::vector<double> values;
  for (int i = 0; i < 500; ++i) {
    values.push_back(random_value(random, 8));
    sum.add_square(values.back());
  }
  for (int i = 0; i < 499; ++i) sum.take_square_away(values[static_cast<std::size_t>(i)]);
  const double high = sum.value();
  sum.take_away(high);
  EXPECT_EQ(quad(high) + sum.value(), quad(values.back()) * values.back());
}

TEST(exact_sum, keeps_the_smallest_beside_the_largest) {
  exact_sum sum;
  sum.add(1e308);
  sum.add(1e308);
  EXPECT_EQ(sum.value(), std::numeric_limits<double>::max());
  sum.add(5e-324);
  sum.take_away(1e308);
  sum.take_away(1e308);
  EXPECT_EQ(sum.value(), 5e-324);
  sum.take_away(1);
  EXPECT_EQ(sum.value(), -1);
  sum.add(1);
  sum.take_away(5e-324);
  EXPECT_EQ(sum.value(), 0);
}

/// What is told of rows must not depend on which were there before.
TEST(sliding_values, an_aggregate_is_one_of_the_rows_that_are_in_it_to_the_last_bit) {
  std::mt19937_64 random(3);
  for (int number = 0; number <= static_cast<int>(last_aggregate_kind); ++number) {
    const auto kind = static_cast<aggregate_kind>(number);
    sliding_values moved;
    window_values::row before;
    std::int64_t time_us = 0;
    for (int step = 0; step < 600; ++step) {
      time_us += 1 + static_cast<std::int64_t>(random() % 1'000'000);
      const bool far = step % 200 > 150;
      const double wide = std::ldexp(random_value(random, 4), static_cast<int>(random() % 1'800) - 900);
      moved.join(kind, {time_us, far ? wide : static_cast<double>(random() % 7) / 3 + 1e6});
      while (moved.rows().size() > 1 + random() % 30) {
        before = moved.rows().front();
        moved.leave(kind);
      }
      sliding_values anew;
      for (const auto& each : moved.rows()) anew.join(kind, each);
      const auto begin_us = before.time_us == INT64_MIN ? 0 : before.time_us + 1;
      const auto found = moved.aggregate(kind, 0.25, begin_us, before), wanted = anew.aggregate(kind, 0.25, begin_us, before);
      ASSERT_EQ(std::bit_cast<std::uint64_t>(found), std::bit_cast<std::uint64_t>(wanted)) << to_text(kind) << " step " << step;
    }
  }
}

TEST(sliding_values, what_is_far_from_zero_and_hardly_moves_has_the_spread_that_it_has) {
  sliding_values in;
  std::mt19937_64 random(4);
  std::vector<double> values;
  for (int i = 0; i < 600; ++i) {
    values.push_back(1e9 + static_cast<double>(random() % 1'000) / 1'000);
    in.join(aggregate_kind::std, {i, values.back()});
  }
  quad mean = 0, squares = 0;
  for (const double each : values) mean += each;
  mean /= 600;
  for (const double each : values) squares += (each - mean) * (each - mean);
  EXPECT_EQ(in.aggregate(aggregate_kind::std, 0, 0, {}), std::sqrt(static_cast<double>(squares * 600) / 600 / 599));
  sliding_values flat;
  for (int i = 0; i < 3; ++i) flat.join(aggregate_kind::std, {i, 0.1});
  EXPECT_EQ(flat.aggregate(aggregate_kind::std, 0, 0, {}), 0);
}

}  // namespace
}  // namespace factory
