#include "pipelines/stats/rolling_window.hpp"
#include "pipelines/detect/z_score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <random>

namespace factory {
namespace {

using enum rolling_window::revision;

/// The rules of the window, naively: a sorted map and two passes.
class reference_window {
 public:
  reference_window(std::size_t max_count, std::int64_t span_us) : max_count_(max_count), span_us_(span_us) {}

  void push(std::int64_t time_us, double value) {
    rows_[time_us] = value;
    if (rows_.size() > max_count_) rows_.erase(rows_.begin());
    while (span_us_ > 0 && rows_.begin()->first <= time_us - span_us_) rows_.erase(rows_.begin());
  }
  rolling_window::revision revise(std::int64_t time_us, double value) {
    if (span_us_ > 0 && time_us <= rows_.rbegin()->first - span_us_) return outside;
    if (const auto old = rows_.find(time_us); old != rows_.end()) {
      if (old->second == value) return identical;
      old->second = value;
      return replaced;
    }
    if (rows_.size() == max_count_) {
      if (time_us < rows_.begin()->first) return outside;
      rows_.erase(rows_.begin());
    }
    rows_[time_us] = value;
    return inserted;
  }
  std::vector<double> values() const {
    std::vector<double> out;
    for (const auto& [time, value] : rows_) out.push_back(value);
    return out;
  }
  const std::map<std::int64_t, double>& rows() const { return rows_; }

 private:
  std::map<std::int64_t, double> rows_;
  std::size_t max_count_;
  std::int64_t span_us_;
};

void expect_same(const rolling_window& window, const reference_window& reference, double tolerance) {
  ASSERT_EQ(window.size(), reference.rows().size());
  ASSERT_EQ(window.oldest_us(), reference.rows().begin()->first);
  ASSERT_EQ(window.newest_us(), reference.rows().rbegin()->first);
  const auto values = reference.values();
  const auto exact = describe(values);
  const auto found = window.stats();
  ASSERT_NEAR(found.mean, exact.mean, 1e-15 * std::abs(exact.mean) + tolerance * exact.std_dev);
  ASSERT_NEAR(found.std_dev, exact.std_dev, tolerance * exact.std_dev);
  ASSERT_EQ(window.min(), *std::min_element(values.begin(), values.end()));
  ASSERT_EQ(window.max(), *std::max_element(values.begin(), values.end()));
}

struct stream {
  const char* name;
  std::function<double(std::mt19937_64&, int)> value;
};
double noise(std::mt19937_64& random) { return std::normal_distribution<double>(0, 1)(random); }

const std::vector<stream>& streams() {
  static const std::vector<stream> all = {
      {"noise", [](auto& random, int) { return noise(random); }},
      {"tiny spread at a large offset", [](auto& random, int) { return 1e9 + 1e-3 * noise(random); }},
      {"quantized", [](auto& random, int) { return std::round(20 + noise(random)) / 10; }},
      {"steep ramp", [](auto& random, int i) { return 1e3 * i + noise(random); }},
      {"a spike now and then", [](auto& random, int i) { return i % 37 == 0 ? 1e9 : 1e-3 * noise(random); }},
      {"level shifts", [](auto& random, int i) { return (i / 50 % 2) * 1e6 + 1e-2 * noise(random); }},
      {"constant for a while", [](auto& random, int i) { return i / 30 % 2 == 0 ? 0.1 : 1e5 * noise(random); }},
  };
  return all;
}

TEST(rolling_window, agrees_with_a_naive_window_on_any_stream) {
  for (const auto& stream : streams()) {
    for (const auto& [max_count, span_us] :
         std::vector<std::pair<std::size_t, std::int64_t>>{{1, 0}, {2, 0}, {7, 0}, {100, 0}, {1'024, 900}, {16, 300}, {5, 10}}) {
      SCOPED_TRACE(std::string(stream.name) + " in " + std::to_string(max_count) + ", " + std::to_string(span_us));
      std::mt19937_64 random(max_count);
      rolling_window window(max_count, span_us);
      reference_window reference(max_count, span_us);
      std::int64_t newest = 0;
      for (int i = 0; i < 1'500; ++i) {
        const double value = stream.value(random, i);
        if (i == 0 || random() % 5 != 0) {
          newest += 1 + static_cast<std::int64_t>(random() % 20) + (random() % 300 == 0 ? 1'000 : 0);
          window.push(newest, value);
          reference.push(newest, value);
        } else {
          const std::int64_t time = newest - static_cast<std::int64_t>(random() % 200);
          ASSERT_EQ(window.revise(time, value), reference.revise(time, value));
          const auto row = reference.rows().find(time);
          ASSERT_EQ(window.at(time), row == reference.rows().end() ? std::nullopt : std::optional(row->second));
        }
        ASSERT_NO_FATAL_FAILURE(expect_same(window, reference, 1e-9)) << "after reading " << i;
      }
    }
  }
}

TEST(rolling_window, takes_a_run_between_two_neighbours_as_it_takes_its_rows_one_by_one_bit_for_bit) {
  for (const auto& stream : streams()) {
    for (const auto& [max_count, span_us] : std::vector<std::pair<std::size_t, std::int64_t>>{
             {1, 0}, {2, 0}, {7, 0}, {100, 0}, {1'024, 90'000}, {16, 30'000}, {5, 1'000}}) {
      SCOPED_TRACE(std::string(stream.name) + " in " + std::to_string(max_count) + ", " + std::to_string(span_us));
      std::mt19937_64 random(max_count);
      rolling_window runs(max_count, span_us), singles(max_count, span_us);
      std::int64_t newest = 0;
      int inserted = 0;
      for (int i = 0; i < 1'500; ++i) {
        newest += 1 + static_cast<std::int64_t>(random() % 1'000);
        const double value = stream.value(random, i);
        runs.push(newest, value);
        singles.push(newest, value);
        if (random() % 4 != 0) continue;
        std::vector<std::int64_t> times;
        std::vector<double> values;
        std::int64_t time = newest - static_cast<std::int64_t>(random() % 20'000);
        const std::int64_t until = std::min(runs.next_time_us(time), newest);
        for (const auto most = 1 + random() % 30; time < until && times.size() < most;
             time += 1 + static_cast<std::int64_t>(random() % 90)) {
          times.push_back(time);
          values.push_back(stream.value(random, i));
        }
        runs.revise_run(times, values);
        for (std::size_t row = 0; row < times.size(); ++row)
          inserted += singles.revise(times[row], values[row]) == rolling_window::revision::inserted ? 1 : 0;
        ASSERT_EQ(runs, singles) << "after reading " << i;
      }
      EXPECT_TRUE(inserted > 50 || max_count < 3) << inserted;
    }
  }
}

TEST(rolling_window, has_exactly_no_spread_while_all_values_are_equal) {
  rolling_window window(100, 0);
  std::mt19937_64 random(1);
  std::int64_t time = 0;
  for (int i = 0; i < 250; ++i) window.push(++time, 1e7 * noise(random));
  for (int i = 0; i < 100; ++i) window.push(++time, 0.1);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(window.stats().mean, 0.1);
    ASSERT_EQ(window.stats().std_dev, 0.0);
    window.push(++time, 0.1);
  }
  window.push(++time, 0.2);
  EXPECT_GT(window.stats().std_dev, 0.0);
}

TEST(rolling_window, forgets_a_huge_spike_when_it_leaves) {
  rolling_window window(100, 0);
  std::int64_t time = 0;
  window.push(++time, 1e12);
  for (int i = 0; i < 100; ++i) window.push(++time, i % 2 == 0 ? 1.0 : 1.001);
  EXPECT_NEAR(window.stats().std_dev, 0.0005 * std::sqrt(100.0 / 99.0), 1e-12);
}

TEST(rolling_window, is_empty_at_first_and_allocates_nothing) {
  const rolling_window window(100, 0);
  EXPECT_EQ(window.size(), 0U);
  EXPECT_EQ(window.stats().mean, 0);
  EXPECT_EQ(window.stats().std_dev, 0);
  EXPECT_FALSE(window.at(5));
  EXPECT_LE(window.memory_bytes(), 104U);
}

TEST(rolling_window, grows_with_its_readings_up_to_its_bound) {
  rolling_window window(100, 0);
  window.push(1, 1);
  EXPECT_EQ(window.memory_bytes(), sizeof window + 16) << "an idle sensor has two such windows";
  for (int i = 2; i < 1'000; ++i) window.push(i, i);
  EXPECT_EQ(window.memory_bytes(), sizeof window + 100 * 16);
}

TEST(rolling_window, a_correction_revises_the_mean) {
  rolling_window window(3, 0);
  for (int i = 1; i <= 4; ++i) window.push(i * 10, i);
  EXPECT_DOUBLE_EQ(window.stats().mean, 3);
  EXPECT_EQ(window.revise(30, 6), replaced);
  EXPECT_DOUBLE_EQ(window.stats().mean, 4);
  EXPECT_EQ(window.revise(30, 6), identical);
  EXPECT_EQ(window.revise(40, 7), replaced) << "the newest too";
  EXPECT_EQ(window.revise(10, 9), outside) << "it left before";
}

TEST(rolling_window, an_out_of_order_reading_pushes_the_oldest_out_of_a_full_window) {
  rolling_window window(3, 0);
  for (const int time : {10, 20, 40}) window.push(time, time);
  EXPECT_EQ(window.revise(30, 30), inserted);
  EXPECT_FALSE(window.at(10));
  EXPECT_DOUBLE_EQ(window.stats().mean, 30);
  EXPECT_EQ(window.revise(15, 15), outside) << "older than all of a full window";
}

TEST(rolling_window, takes_a_reading_older_than_all_while_it_has_room) {
  rolling_window window(3, 0);
  window.push(20, 2);
  EXPECT_EQ(window.revise(10, 1), inserted);
  EXPECT_EQ(window.oldest_us(), 10);
  rolling_window empty(3, 0);
  EXPECT_EQ(empty.revise(10, 1), inserted);
  EXPECT_EQ(empty.size(), 1U);
}

TEST(rolling_window, a_span_is_half_open) {
  rolling_window window(100, 60);
  window.push(0, 1);
  window.push(59, 2);
  EXPECT_EQ(window.size(), 2U);
  window.push(60, 3);
  EXPECT_EQ(window.oldest_us(), 59) << "0 is not newer than 60 - 60";
  EXPECT_EQ(window.revise(0, 1), outside);
  EXPECT_EQ(window.revise(1, 1), inserted);
  window.push(1'000, 4);
  EXPECT_EQ(window.size(), 1U);
}

TEST(rolling_window, continues_bit_for_bit_after_encoding) {
  for (const auto& stream : streams()) {
    for (const std::int64_t span_us : {std::int64_t{0}, std::int64_t{400}}) {
      std::mt19937_64 random(7);
      rolling_window one(64, span_us);
      rolling_window other(64, span_us);
      std::int64_t newest = -5'000;
      for (int i = 0; i < 1'000; ++i) {
        const double value = stream.value(random, i);
        const bool in_order = i == 0 || random() % 6 != 0;
        newest += in_order ? 1 + static_cast<std::int64_t>(random() % 15) : 0;
        const std::int64_t time = in_order ? newest : newest - static_cast<std::int64_t>(random() % 100);
        for (auto* const window : {&one, &other}) {
          if (in_order)
            window->push(time, value);
          else
            window->revise(time, value);
        }
        if (i % 13 == 0) {
          std::string bytes;
          other.encode(bytes);
          bytes += "rest";
          rolling_window back(64, span_us);
          std::string_view in = bytes;
          ASSERT_TRUE(back.decode(in));
          ASSERT_EQ(in, "rest");
          other = back;
        }
        ASSERT_TRUE(one == other) << stream.name << " after reading " << i;
        ASSERT_EQ(one.stats().mean, other.stats().mean);
        ASSERT_EQ(one.stats().std_dev, other.stats().std_dev);
      }
    }
  }
}

TEST(rolling_window, decoded_under_other_bounds_keeps_what_fits_them) {
  rolling_window window(10, 0);
  for (int i = 1; i <= 10; ++i) window.push(i * 10, i);
  std::string bytes;
  window.encode(bytes);
  rolling_window smaller(4, 0);
  std::string_view in = bytes;
  ASSERT_TRUE(smaller.decode(in));
  EXPECT_EQ(smaller.size(), 4U);
  EXPECT_EQ(smaller.oldest_us(), 70);
  smaller.push(110, 11);
  EXPECT_EQ(smaller.size(), 4U);
}

TEST(rolling_window, refuses_damaged_bytes_and_stays_as_it_was) {
  rolling_window window(10, 0);
  for (int i = 1; i <= 10; ++i) window.push(i * 10, i);
  std::string bytes;
  window.encode(bytes);
  rolling_window target(10, 0);
  target.push(1, 1);
  const rolling_window before = target;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    ASSERT_FALSE(target.decode(in)) << size << " bytes of " << bytes.size();
    ASSERT_TRUE(target == before);
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {  // must not crash, whatever it says
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % damaged.size()] = static_cast<char>(random());
    std::string_view in = damaged;
    rolling_window any(10, 0);
    if (!any.decode(in)) continue;
    any.push(any.size() > 0 ? std::max<std::int64_t>(any.newest_us(), 0) / 2 + (std::int64_t{1} << 62) : 1, 1);
    EXPECT_LE(any.size(), 10U);
  }
}

TEST(rolling_window, stays_finite_at_the_ends_of_the_range_of_double) {
  const double largest = std::numeric_limits<double>::max();
  rolling_window window(3, 0);
  std::int64_t time = 0;
  for (const double value : {largest, -largest, largest, 1e-300, 2e-300, 1e-300, 5.0, 6.0, 7.0, 8.0}) {
    window.push(++time, value);
    EXPECT_TRUE(std::isfinite(window.stats().mean)) << value;
    EXPECT_TRUE(std::isfinite(window.stats().std_dev)) << value;
  }
  EXPECT_NEAR(window.stats().mean, 7, 1e-12);
  EXPECT_NEAR(window.stats().std_dev, 1, 1e-12);
}

TEST(rolling_window, may_exceed_never_misses_a_value_past_the_threshold) {
  std::mt19937_64 random(17);
  std::size_t past = 0;
  for (int round = 0; round < 4'000; ++round) {
    // Offsets and spreads from the smallest doubles to the largest, now and then a spike that the sums have to forget.
    const double offset = std::ldexp(static_cast<double>(random() % 1'000), static_cast<int>(random() % 600) - 300);
    const double spread = std::ldexp(1.0, static_cast<int>(random() % 2'000) - 1'000);
    rolling_window window(20, 0);
    for (std::int64_t t = 1; t <= 60; ++t) {
      const double noise = static_cast<double>(random() % 1'000) / 1'000 - 0.5;
      const double value = random() % 50 == 0 ? offset + 1e6 * spread : offset + spread * noise * (random() % 10 == 0 ? 8 : 1);
      if (!std::isfinite(value)) break;
      const double z = 0.5 + static_cast<double>(random() % 40) / 10;
      const auto score = window.size() > 1 ? z_score(value, window.stats()) : std::nullopt;
      const bool is_past = std::abs(score.value_or(0)) > z;
      const bool may = window.size() > 1 && window.may_exceed(value, z);
      ASSERT_TRUE(may || !is_past) << "round " << round << " reading " << t;
      past += is_past ? 1 : 0;
      window.push(t, value);
    }
  }
  EXPECT_GT(past, 10'000U);
}

TEST(rolling_window, may_exceed_names_nothing_else_where_numbers_are_of_this_world) {
  std::mt19937_64 random(18);
  std::normal_distribution<double> noise(50, 3);
  rolling_window window(100, 0);
  std::size_t past = 0;
  for (std::int64_t t = 1; t <= 50'000; ++t) {
    const double value = noise(random);
    if (window.size() > 1) {
      const bool is_past = std::abs(z_score(value, window.stats()).value_or(0)) > 2.5;
      ASSERT_EQ(window.may_exceed(value, 2.5), is_past) << t;
      past += is_past ? 1 : 0;
    }
    window.push(t, value);
  }
  EXPECT_GT(past, 500U);
}

}  // namespace
}  // namespace factory
