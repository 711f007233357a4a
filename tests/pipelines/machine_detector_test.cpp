#include "pipelines/machine/machine_detector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <string_view>
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

/// The detector over one such machine, with shifts of its sensors 2 and 5, up and down.
struct watched_machine {
  explicit watched_machine(unsigned seed) : plant(seed) {}
  void run(int count, double by) {
    for (int i = 0; i < count; ++i) detector.observe(time_us += second_us, plant.row(by, -by), changes);
  }
  machine plant;
  machine_detector detector{sensors};
  std::vector<episode_change> changes;
  std::int64_t time_us = 0;
};

TEST(machine_detector, a_state_that_lasts_is_one_episode_and_its_culprits_are_named) {
  int false_episodes = 0;
  double culprits = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    watched_machine it(seed);
    it.run(700, 0);
    false_episodes += it.changes.empty() ? 0 : 1;
    it.changes.clear();
    it.run(300, 9);
    ASSERT_FALSE(it.changes.empty()) << seed;
    EXPECT_EQ(it.changes.front().what, episode_change::kind::opened);
    EXPECT_GE(it.detector.newest_score(), 1) << seed;
    const auto share = it.detector.contributions();
    culprits += share[2] + share[5];
    it.run(100, 0);
    EXPECT_LT(it.detector.newest_score(), 1) << seed;
    EXPECT_EQ(it.changes.back().what, episode_change::kind::closed);
    EXPECT_NEAR(static_cast<double>(it.changes.back().now.begin_us), 700e6, 40e6) << seed;
  }
  EXPECT_LE(false_episodes, 1);
  EXPECT_GT(culprits / 20, 0.6);  // 0.25 by chance
}

/// A sensor that wanders, as the temperature of a room does, beside one that stays where it is, with noise.
class wanderer {
 public:
  explicit wanderer(unsigned seed) : random_(seed) {}
  std::vector<double> row(double shift_of_noisy) {
    speed_ = 0.98 * speed_ + 0.02 * noise_(random_);
    place_ += speed_;
    return {place_, 50 + noise_(random_) + shift_of_noisy};
  }
  double place() const { return place_; }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> noise_{0, 1};
  double speed_ = 0, place_ = 0;
};

TEST(machine_detector, a_sensor_that_wanders_hides_no_shift_of_one_that_does_not_and_is_seldom_faulty_itself) {
  int rows_false = 0, rows_missed = 0;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    wanderer plant(seed);
    machine_detector detector(2);
    std::vector<episode_change> changes;
    std::int64_t time_us = 0;
    const auto flagged = [&](int count, double shift) {
      int out = 0;
      for (int i = 0; i < count; ++i) {
        detector.observe(time_us += second_us, plant.row(shift), changes);
        out += detector.newest_score() >= 1;
      }
      return out;
    };
    flagged(400, 0);
    rows_false += flagged(1'000, 0);
    flagged(20, 4);
    rows_missed += 300 - flagged(300, 4);
  }
  // Of 20,000 and 6,000 rows. Limits of smoothed rows with scales of raw ones: 3,455 and 900.
  EXPECT_LT(rows_false, 1'000);
  EXPECT_LT(rows_missed, 100);
}

TEST(machine_detector, a_state_is_over_when_most_of_it_is_gone_and_what_is_left_is_normal) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    watched_machine it(seed);
    it.run(500, 0);
    it.run(200, 60);
    ASSERT_EQ(it.detector.episodes().open_count(), 1U) << seed;
    it.run(100, 12);  // a state by itself, had the machine been calm before
    EXPECT_EQ(it.detector.episodes().open_count(), 0U) << seed;
    it.changes.clear();
    it.run(200, 12);
    EXPECT_TRUE(it.changes.empty()) << seed;
    it.run(100, 60);
    EXPECT_EQ(it.detector.episodes().open_count(), 1U) << seed;
  }
}

TEST(machine_detector, a_state_does_not_hold_the_level_of_a_sensor_that_is_no_part_of_it) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise{0, 1};
  machine_detector detector(3);
  std::vector<episode_change> changes;
  double wandered = 0;
  for (int i = 1; i <= 900; ++i) {
    wandered += 0.02 * noise(random) + (i > 500 ? 0.02 : 0);
    detector.observe(i * second_us, std::vector<double>{noise(random) + (i > 500 ? 12 : 0), noise(random), wandered}, changes);
  }
  EXPECT_EQ(detector.episodes().open_count(), 1U);
  EXPECT_NEAR(detector.expected_of(0), 0, 0.5);
  EXPECT_NEAR(detector.expected_of(2), wandered, 3);  // 8 away from where it was when the state began
}

/// Bytes from their hexadecimal text.
std::string bytes_of(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

/// Stored by a program whose scales and limits were those of readings (38a164b), over the rows of old_row().
constexpr std::string_view old_state_in_an_episode =
    "0202000102efb86ac02d59e93ff24ee1b7d55ef73f02000104eb82eaaaa3a0e63fcbba122299a0e63fcbba122299a0e6bfeb82eaaaa3a0e63f02d8f3"
    "35ecc4cdfd3fb2b8e0f0eee4c03ffa7e6abc7493683f0102ac2aa5ef330124404b68214d6e013440023b665d4d35dc1b405d65f4e95899d43f0a0485"
    "e5cdc4df3f000000000000000000000000000000000a0485e5cdc4ef3fe09ba74b973fbe3f00000000000000000000000000000000e09ba74b973fce"
    "3f010a0a0002809de5dd0380c1cde10339f56899b4e033400580c1cde10339f56899b4e0334000000000000000000000000000000000000000000000"
    "f03f00000000000000000439f56899b4e033400500ffffffffffffffffff0139f56899b4e03340f90380897a8090bcfd02809de5dd03010000000005"
    "0101";
constexpr std::string_view old_state_that_learns =
    "0202010104923631416629ae416acb284147d4b141000200000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000f03f000000000000000000000000000000000000000000000000000000000000f03f00ffffffffffffffffff010000000000"
    "0000000280897a00000100020000000000";
std::vector<double> old_row(int i) {
  return {10 + std::sin(0.7 * i) + 0.5 * std::sin(2.1 * i), 20 + 2 * std::sin(0.7 * i) + 0.5 * std::sin(1.3 * i)};
}

TEST(machine_detector, goes_on_from_what_an_older_program_learned) {
  const auto bytes = bytes_of(old_state_in_an_episode);
  std::string_view in = bytes;
  machine_detector detector(0);
  ASSERT_TRUE(detector.decode(in));
  EXPECT_TRUE(in.empty());
  std::vector<episode_change> changes;
  const auto next = [&](int i, double by) {
    auto row = old_row(i);
    row[0] += by;
    detector.observe(i * second_us, row, changes);
    return detector.newest_score();
  };
  // What that program said of these rows; the sensor that is no part of it is followed now.
  EXPECT_NEAR(next(506, 8), 22.3473, 0.02);
  EXPECT_NEAR(next(507, 8), 24.1488, 0.02);
  EXPECT_NEAR(next(508, 8), 24.9051, 0.02);
  EXPECT_EQ(detector.episodes().open_count(), 1U);
  for (int i = 509; i < 560; ++i) next(i, 0);
  EXPECT_LT(detector.newest_score(), 0.5);
  EXPECT_EQ(changes.back().what, episode_change::kind::closed);
}

TEST(machine_detector, begins_to_learn_again_where_an_older_program_was_learning) {
  const auto bytes = bytes_of(old_state_that_learns);
  std::string_view in = bytes;
  machine_detector detector(0), fresh(2);
  ASSERT_TRUE(detector.decode(in));
  std::vector<episode_change> changes;
  for (int i = 3; i < 600; ++i) {
    detector.observe(i * second_us, old_row(i), changes);
    fresh.observe(i * second_us, old_row(i), changes);
    ASSERT_EQ(detector.newest_score(), fresh.newest_score());
  }
  EXPECT_TRUE(detector.warm());
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
