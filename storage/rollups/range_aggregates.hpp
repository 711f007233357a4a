#pragma once

#include "storage/base/limits.hpp"
#include "storage/rollups/rollups.hpp"
#include "storage/series/time_series.hpp"

#include <vector>

namespace factory {

/// Aggregates of a range: from roll-ups where these are up to date and stand for many readings, from blocks and head elsewhere. The
/// results equal those of time_series bit for bit, except sums, means and deviations, which may differ by the rounding of another order of
/// addition. Thread-safe; runs on the caller's thread. REQUIRES: the cut has the head's rows of the range.
class range_aggregates {
 public:
  /// A bucket is read when it stands for at least this many readings: of whole blocks, which answer from their headers, or of rows to decode.
  struct worthwhile {
    std::uint64_t in_place_of_headers = 2 * limits::block_readings;
    std::uint64_t in_place_of_rows = 64;
  };
  range_aggregates(database& db, const time_series& series) : range_aggregates(db, series, worthwhile{}) {}
  range_aggregates(database& db, const time_series& series, const worthwhile& least) : db_(db), series_(series), least_(least) {}

  expected<summary> summarize(const sensor_cut& cut, const time_range& range) const;
  /// Like time_series::aggregate. Uses roll-ups when the step is made of them: whole minutes, hours or days.
  expected<std::vector<bucket>> aggregate(const sensor_cut& cut, const time_range& range, std::int64_t step_us) const;

 private:
  database& db_;
  const time_series& series_;
  worthwhile least_;
};

}  // namespace factory
