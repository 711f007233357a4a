#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/stats/statistics.hpp"

namespace factory {

/// The newest readings of one sensor by event time, bounded by count, by span, or both.
/// Holds exact readings, so a correction or a reading out of order revises it; keeps running sums, so statistics cost O(1).
/// Deterministic: content and statistics are a function of the sequence of calls, and survive encode/decode bit for bit.
///
/// Invariants: times in the ring strictly increase; size() <= max_count; with a span, every time > newest - span.
/// `sum` and `sum_sq` are those of (value - shift). They are summed anew, around the mean, after max_count readings have left,
/// and when readings that left were so large that rounding would show in the spread.
class rolling_window {
 public:
  /// At most `max_count` readings; when span_us > 0 only those with time > newest - span_us. REQUIRES: max_count > 0.
  rolling_window(std::size_t max_count, std::int64_t span_us);

  /// A reading newer than all in the window (REQUIRED). Amortized O(1). Nothing is allocated before the first.
  void push(std::int64_t time_us, double value) { push_run({&time_us, 1}, {&value, 1}); }
  /// The same for rows in time order.
  void push_run(std::span<const std::int64_t> times_us, std::span<const double> values);
  enum class revision : std::uint8_t { outside, inserted, replaced, identical };
  /// A reading not newer than the newest: inserted at its place, or its value replaced, or outside the window.
  /// O(log n + readings newer than it).
  /// It is outside when it is older than the span allows, or older than all readings of a full window.
  revision revise(std::int64_t time_us, double value);
  /// The same for rows in time order between two neighbours of the window. REQUIRES: the window has no reading at or between their times,
  /// and at least one newer than all of them. Moves the newer readings once.
  void revise_run(std::span<const std::int64_t> times_us, std::span<const double> values);
  std::optional<double> at(std::int64_t time_us) const;
  /// The oldest time in the window that is not before `time_us`; INT64_MAX when there is none.
  std::int64_t next_time_us(std::int64_t time_us) const;

  std::size_t size() const { return size_; }
  /// Mean and sample deviation of the window; {0,0} when empty. Exactly no spread when all values are equal.
  mean_std_dev stats() const;
  /// False only when |z_score(value, stats())| is certainly not above `z`. Needs no division and no root, and is all that nearly every
  /// reading needs. REQUIRES z > 0.
  bool may_exceed(double value, double z) const;
  double min() const;                                                ///< O(n); REQUIRES size() > 0
  double max() const;                                                ///< likewise
  std::int64_t oldest_us() const { return nth(0).time_us; }          ///< REQUIRES size() > 0
  std::int64_t newest_us() const { return nth(size_ - 1).time_us; }  ///< REQUIRES size() > 0
  /// How far back from the newest it is sure to hold all readings: its span, or less where it was too full for that.
  std::int64_t covers_us() const;  ///< REQUIRES size() > 0
  std::size_t memory_bytes() const { return sizeof *this + ring_.capacity() * sizeof(row); }

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote from the front of `in` and advances it; false, and the window as it was, when damaged.
  /// The bounds of this window stay: readings encoded under other bounds are pushed anew.
  bool decode(std::string_view& in);
  bool operator==(const rolling_window&) const;  ///< same readings and same sums, bit for bit

 private:
  struct row {
    std::int64_t time_us;
    double value;
  };

  struct running_sums {
    double shift = 0, sum = 0, sum_sq = 0;
    double largest_sum_sq = 0;  ///< since the sums were made anew: rounding errors are relative to it
    void add(double value);
    void take_away(double value);
    bool worn(std::uint32_t count) const;
  };

  const row& nth(std::size_t i) const { return ring_[place(static_cast<std::uint32_t>(i))]; }
  std::uint32_t place(std::uint32_t i) const {
    const std::uint32_t at = head_ + i;
    return at < ring_.size() ? at : at - static_cast<std::uint32_t>(ring_.size());
  }
  std::uint32_t lower_bound(std::int64_t time_us) const;
  void append(std::int64_t time_us, double value, running_sums& sums);
  void drop_oldest(running_sums& sums);
  std::uint32_t revise_some(std::span<const std::int64_t> times_us, std::span<const double> values);
  void make_room(std::uint32_t at, std::uint32_t count);
  void grow();
  void remove(double value, running_sums& sums);
  void keep_exact(running_sums& sums);
  running_sums summed_anew() const;
  void count_equal();
  bool decode_rows(std::string_view& in, std::uint32_t count);

  std::vector<row> ring_;  ///< doubles from nothing up to max_count_ rows
  std::uint32_t head_ = 0, size_ = 0;
  std::uint32_t max_count_;
  std::uint32_t left_count_ = 0;   ///< readings that left since the sums were made anew
  std::uint32_t equal_count_ = 0;  ///< newest readings in a row with one value, counted up to max_count_
  std::int64_t span_us_;
  running_sums sums_;
};

}  // namespace factory
