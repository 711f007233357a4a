#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "pipelines/stats/exact_sum.hpp"
#include "pipelines/stream/window_values.hpp"

namespace factory {

/// The rows of a sliding window, which join at one end and leave at the other. Its aggregate costs the same however many there are, and is a function of these rows alone, to the last bit, not of those that were there before: sums are exact, extremes and
/// quantiles come from what is kept of each row.
class sliding_values {
 public:
  using row = window_values::row;

  const std::deque<row>& rows() const { return rows_; }
  /// What is kept beside the rows depends on the aggregate: always the same one (REQUIRED).
  void join(aggregate_kind kind, const row& newest);
  void leave(aggregate_kind kind);
  /// Of (begin, end], where the end is the newest row; `before` is the row before the oldest. REQUIRES a row.
  double aggregate(aggregate_kind kind, double quantile, std::int64_t begin_us, const row& before) const;

 private:
  void count_row(aggregate_kind kind, const row& it, bool joins);
  void count_step(aggregate_kind kind, const row& from, const row& to, bool joins);
  double std_dev() const;
  double slope() const;
  double from_all_rows(aggregate_kind kind, double quantile, std::int64_t begin_us, const row& before) const;

  std::deque<row> rows_;
  std::deque<row> extremes_;  ///< of min and max: the rows that are one, or will be when those before have left
  std::vector<exact_sum>
      sums_;  ///< of values, or of what is held from each row to the next; then of squares, or of times (us) x values
  __extension__ typedef unsigned __int128 wide_integer;  // NOLINT(modernize-use-using): __extension__ takes no using
  wide_integer times_ = 0, squared_times_ = 0;           ///< sums (us), of a slope; they may go round
  quantile_sketch quantiles_;
  std::size_t changes_ = 0;  ///< from one of the rows to the next
  std::size_t beyond_ =
      0;  ///< rows, or what is held from one to the next, that are in no sum: too large or too small to be squared
};

}  // namespace factory
