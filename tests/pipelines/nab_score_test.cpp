#include "pipelines/backtest/nab_score.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "support/times.hpp"

namespace factory::test {
namespace {

/// 100 rows, a minute each, the first 15 for learning; windows from row 40 to 49 and 70 to 79.
class nab_of_a_hundred : public ::testing::Test {
 protected:
  static std::vector<std::int64_t> times() {
    std::vector<std::int64_t> out(100);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int64_t>(i) * minute_us;
    return out;
  }
  nab_score with(std::initializer_list<std::size_t> detected) const {
    std::vector<double> scores(100, 0.99);
    for (const auto row : detected) scores[row] = 1;
    return windows_.score(scores);
  }
  nab_windows windows_{times(), {{40 * minute_us, 49 * minute_us}, {70 * minute_us, 79 * minute_us}}};
};

TEST_F(nab_of_a_hundred, nothing_said_is_worth_nothing_and_the_first_row_of_each_window_all) {
  for (const double score : {with({}).standard(), with({}).low_fp(), with({}).low_fn()}) EXPECT_DOUBLE_EQ(score, 0);
  const auto all = with({40, 70});
  for (const double score : {all.standard(), all.low_fp(), all.low_fn()}) EXPECT_DOUBLE_EQ(score, 100);
  EXPECT_EQ(all.hit, 2U);
}

TEST_F(nab_of_a_hundred, only_the_earliest_detection_of_a_window_counts_and_a_late_one_is_worth_less) {
  EXPECT_DOUBLE_EQ(with({44, 45, 49}).standard(), with({44}).standard());
  EXPECT_LT(with({49}).standard(), with({44}).standard());
  const auto sigmoid = [](double y) { return 2 / (1 + std::exp(5 * y)) - 1; };
  EXPECT_NEAR(with({44}).hit_worth, sigmoid(-0.6) / sigmoid(-1), 1e-12);
}

TEST_F(nab_of_a_hundred, a_false_row_costs_the_whole_before_all_windows_and_little_just_behind_one) {
  const auto sigmoid = [](double y) { return 2 / (1 + std::exp(5 * y)) - 1; };
  EXPECT_DOUBLE_EQ(with({20}).false_worth, -1);
  EXPECT_NEAR(with({52}).false_worth, sigmoid(3 / 9.0), 1e-12);
  EXPECT_DOUBLE_EQ(with({69}).false_worth, sigmoid(20 / 9.0));
  EXPECT_NEAR(with({82}).false_worth, with({52}).false_worth, 1e-12);  // by the window before, not by the first one
  EXPECT_EQ(with({20, 52, 69}).false_rows, 3U);
  EXPECT_NEAR(with({40, 70, 20}).standard(), 100 - 100 * 0.11 / 4, 1e-9);
  EXPECT_NEAR(with({40, 70, 20}).low_fp(), 100 - 100 * 0.22 / 4, 1e-9);
}

TEST_F(nab_of_a_hundred, a_missed_window_costs_twice_where_false_ones_are_cheap) {
  EXPECT_NEAR(with({40}).standard(), 50, 1e-9);
  EXPECT_NEAR(with({40}).low_fn(), 50, 1e-9);
  EXPECT_NEAR(with({40, 20}).low_fn(), 50 - 100 * 0.11 / 6, 1e-9);
}

TEST_F(nab_of_a_hundred, rows_for_learning_do_not_count_and_weeks_begin_behind_them) {
  EXPECT_EQ(with({0, 14}).false_rows, 0U);
  EXPECT_EQ(with({15}).false_rows, 1U);
  EXPECT_NEAR(with({15}).weeks, 84 / 10'080.0, 1e-12);
  EXPECT_NEAR(with({15}).false_a_week(), 120, 1e-9);
}

TEST(nab_windows, a_long_file_learns_from_750_rows_and_one_without_windows_only_counts) {
  std::vector<std::int64_t> times(10'000);
  std::iota(times.begin(), times.end(), 0);
  const nab_windows windows(times, {});
  EXPECT_EQ(windows.first_scored(), 750U);
  const auto score = windows.score(std::vector<double>(10'000, 2));
  EXPECT_EQ(score.false_rows, 9'250U);
  EXPECT_EQ(score.standard(), 0);
}

}  // namespace
}  // namespace factory::test
