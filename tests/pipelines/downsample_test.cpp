#include "pipelines/stats/downsample.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

TEST(bucket_start, is_aligned_to_the_epoch_on_both_of_its_sides) {
  struct row {
    std::int64_t time, step, expected;
  };
  for (const auto& [time, step, expected] :
       {row{0, 60, 0}, row{59, 60, 0}, row{60, 60, 60}, row{-1, 60, -60}, row{-60, 60, -60}, row{-61, 60, -120}, row{7, 1, 7}}) {
    EXPECT_EQ(bucket_start(time, step), expected) << time;
  }
}

TEST(bucket_function, reads_its_figure_from_a_summary) {
  summary s;
  for (const double v : {4.0, 2.0, 9.0}) s.add(s.last_us + 1, v);
  using enum bucket_function;
  EXPECT_DOUBLE_EQ(value_of(s, avg), 5);
  EXPECT_EQ(value_of(s, min), 2);
  EXPECT_EQ(value_of(s, max), 9);
  EXPECT_EQ(value_of(s, sum), 15);
  EXPECT_EQ(value_of(s, count), 3);
  EXPECT_EQ(value_of(s, first), 4);
  EXPECT_EQ(value_of(s, last), 9);
  EXPECT_NEAR(value_of(s, std_dev), 3.6056, 1e-4);
}

TEST(bucket_function, is_known_by_name_only) {
  for (const auto* const text : {"avg", "min", "max", "sum", "count", "first", "last", "std_dev"})
    EXPECT_EQ(to_text(parse_bucket_function(text).value()), text);
  for (const auto* const text : {"", "AVG", "mean", "avg "}) EXPECT_FALSE(parse_bucket_function(text));
}

}  // namespace
}  // namespace factory
