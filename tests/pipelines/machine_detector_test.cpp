#include "pipelines/detect/machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "pipelines/stats/symmetric_eigen.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::size_t sensors = 8;

/// Eight sensors that follow two loads, with noise of their own.
class machine {
 public:
  explicit machine(unsigned seed) : random_(seed) {}
  std::vector<double> row(double shift_of_2, double shift_of_5) {
    for (double& load : loads_) load = 0.95 * load + 0.3 * noise_(random_);
    std::vector<double> out(sensors);
    for (std::size_t s = 0; s < sensors; ++s)
      out[s] = 10.0 * static_cast<double>(s) + loads_[s % 2] * static_cast<double>(1 + s) + noise_(random_);
    out[2] += shift_of_2;
    out[5] += shift_of_5;
    return out;
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> noise_{0, 1};
  double loads_[2] = {0, 0};
};

TEST(machine_detector, a_state_that_lasts_is_one_episode_and_its_culprits_are_named) {
  int false_episodes = 0;
  double culprits = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    machine plant(seed);
    machine_detector detector(sensors);
    std::vector<episode_change> changes;
    std::int64_t time_us = 0;
    const auto run = [&](int count, double by) {
      for (int i = 0; i < count; ++i) detector.observe(time_us += second_us, plant.row(by, -by), changes);
    };
    run(700, 0);
    false_episodes += changes.empty() ? 0 : 1;
    changes.clear();
    run(300, 9);
    ASSERT_FALSE(changes.empty()) << seed;
    EXPECT_EQ(changes.front().what, episode_change::kind::opened);
    EXPECT_GE(detector.newest_score(), 1) << seed;
    const auto share = detector.contributions();
    culprits += share[2] + share[5];
    run(100, 0);
    EXPECT_LT(detector.newest_score(), 1) << seed;
    EXPECT_EQ(changes.back().what, episode_change::kind::closed);
    EXPECT_NEAR(static_cast<double>(changes.back().now.begin_us), 700e6, 40e6) << seed;
  }
  EXPECT_LE(false_episodes, 1);
  EXPECT_GT(culprits / 20, 0.6);  // 0.25 by chance
}

TEST(machine_detector, goes_on_bit_for_bit_when_stored_and_read_back) {
  machine plant(3);
  machine_detector whole(sensors), pieces(sensors);
  std::vector<episode_change> of_whole, of_pieces;
  for (std::int64_t i = 1; i <= 1'200; ++i) {
    const auto row = plant.row(i > 800 ? 12 : 0, 0);
    whole.observe(i * second_us, row, of_whole);
    pieces.observe(i * second_us, row, of_pieces);
    if (i % 97 != 0) continue;
    std::string bytes;
    pieces.encode(bytes);
    std::string_view in = bytes;
    machine_detector read(0);
    ASSERT_TRUE(read.decode(in));
    ASSERT_TRUE(in.empty());
    pieces = read;
    std::string_view cut(bytes.data(), bytes.size() - 1);
    EXPECT_FALSE(read.decode(cut));
  }
  EXPECT_EQ(whole, pieces);
  EXPECT_EQ(of_whole.size(), of_pieces.size());
}

TEST(symmetric_eigen, vectors_and_values_make_the_matrix_again) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> even(-1, 1);
  for (std::size_t n : {1U, 2U, 5U, 20U}) {
    std::vector<double> matrix(n * n), values, vectors;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t k = 0; k <= std::min(i, j); ++k) matrix[i * n + j] += 1.0 / static_cast<double>(1 + i + j + k);
    decompose_symmetric(matrix, n, values, vectors);
    EXPECT_TRUE(std::is_sorted(values.rbegin(), values.rend()));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t c = 0; c < n; ++c) sum += values[c] * vectors[c * n + i] * vectors[c * n + j];
        EXPECT_NEAR(sum, matrix[i * n + j], 1e-9);
      }
  }
}

}  // namespace
}  // namespace factory
