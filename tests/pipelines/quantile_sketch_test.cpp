#include "pipelines/stream/quantile_sketch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace factory {
namespace {

TEST(quantile_sketch, is_within_its_error_of_the_value_of_that_rank) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    quantile_sketch sketch, half, other_half;
    std::vector<double> values;
    std::lognormal_distribution<double> spread(0, 1 + round % 5);
    for (int i = 0; i < 500; ++i) {
      const double value = (random() % 3 == 0 ? -1 : 1) * spread(random) * (random() % 10 == 0 ? 0 : 1);
      values.push_back(value);
      sketch.add(value);
      (i % 2 == 0 ? half : other_half).add(value);
    }
    std::ranges::sort(values);
    for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 1.0}) {
      const double wanted = values[static_cast<std::size_t>(q * 499)];
      EXPECT_NEAR(sketch.quantile(q), wanted, std::fabs(wanted) * quantile_sketch::relative_error * 1.0001);
    }
    half.merge(other_half);
    EXPECT_EQ(half, sketch);
  }
}

TEST(quantile_sketch, takes_any_finite_value_in_bounded_memory) {
  quantile_sketch sketch;
  for (int exponent = -1'070; exponent < 1'024; ++exponent) {
    sketch.add(std::ldexp(1.0, exponent));
    sketch.add(-std::ldexp(1.0, exponent));
  }
  EXPECT_TRUE(std::isfinite(sketch.quantile(0)));
  EXPECT_TRUE(std::isfinite(sketch.quantile(1)));
  std::string bytes;
  sketch.encode(bytes);
  quantile_sketch again;
  std::string_view in = bytes;
  ASSERT_TRUE(again.decode(in));
  EXPECT_EQ(again, sketch);
}

}  // namespace
}  // namespace factory
