#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/same_bits.hpp"

namespace factory {

/// The rows of one body by time, each time once: the batch's own where they came so, else copies.
class body_rows {
 public:
  std::span<const std::int64_t> times_us;
  std::span<const double> values;
  std::span<const std::uint8_t> flags;      ///< one of each row; empty: flag_none
  std::size_t repeated = 0, corrected = 0;  ///< rows of the body that a later one took the place of

  body_rows(const reading_batch& readings, const slice& rows)
      : times_us(readings.times(rows)), values(readings.values(rows)), flags(readings.flags_of(rows)) {
    const auto not_rising = [](std::int64_t a, std::int64_t b) { return a >= b; };
    if (std::ranges::adjacent_find(times_us, not_rising) != times_us.end()) sort();
  }
  body_rows(const body_rows&) = delete;
  body_rows& operator=(const body_rows&) = delete;

  std::size_t size() const { return values.size(); }
  std::uint8_t flags_at(std::size_t row) const { return flags.empty() ? static_cast<std::uint8_t>(flag_none) : flags[row]; }
  std::span<const std::uint8_t> flags_between(std::size_t begin, std::size_t end) const {
    return flags.empty() ? flags : flags.subspan(begin, end - begin);
  }
  bool any_left_out() const { return std::ranges::any_of(flags, is_left_out); }
  /// Keeps the rows for which `stays(row)`.
  template <class Stays>
  void keep(Stays stays) {
    std::vector<std::size_t> kept;
    for (std::size_t row = 0; row < size(); ++row)
      if (stays(row)) kept.push_back(row);
    copy(kept);
  }

 private:
  void sort() {
    std::vector<std::size_t> order(size()), kept;
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [this](std::size_t row) { return times_us[row]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto row = order[i];
      if (i + 1 < order.size() && times_us[order[i + 1]] == times_us[row])
        ++(is_same(row, order[i + 1]) ? repeated : corrected);
      else
        kept.push_back(row);
    }
    copy(kept);
  }
  bool is_same(std::size_t a, std::size_t b) const { return same_bits(values[a], values[b]) && flags_at(a) == flags_at(b); }
  void copy(std::span<const std::size_t> from) {
    std::vector<std::int64_t> own_times_us;
    std::vector<double> own_values;
    std::vector<std::uint8_t> own_flags;
    for (const auto row : from) {
      own_times_us.push_back(times_us[row]);
      own_values.push_back(values[row]);
      if (!flags.empty()) own_flags.push_back(flags[row]);
    }
    times_us = own_times_us_ = std::move(own_times_us);
    values = own_values_ = std::move(own_values);
    flags = own_flags_ = std::move(own_flags);
  }
  std::vector<std::int64_t> own_times_us_;
  std::vector<double> own_values_;
  std::vector<std::uint8_t> own_flags_;
};

}  // namespace factory
