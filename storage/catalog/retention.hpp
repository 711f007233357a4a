#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "pipelines/stats/downsample.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// What retention means for one sensor at one instant: how long its readings are kept, and from which midnight (UTC) on. Whole days, so
/// that a day's roll-ups go with all of its readings or with none.
struct retention {
  std::int64_t kept_us = 0;  ///< 0: for ever
  std::int64_t from_us = std::numeric_limits<std::int64_t>::min();

  /// `days` as the catalog says; where it says nothing, `configured_us`.
  static retention at(std::int64_t now_us, const retention_days& days, std::int64_t configured_us) {
    const std::int64_t kept_us = days ? *days * day_us : configured_us;
    if (kept_us == 0) return {};
    return {kept_us, bucket_start(now_us - kept_us, day_us)};
  }
  bool for_ever() const { return kept_us == 0; }
  /// What of a range a query may see.
  time_range visible(time_range asked) const { return {std::max(asked.begin_us, from_us), asked.end_us}; }
  /// Blocks are not joined across these, so that what is to go is not held by what stays: at most an eighth of what is kept, or a day.
  joining_borders borders() const {
    if (for_ever()) return {};
    constexpr std::int64_t parts = 8;
    return {std::max((kept_us / parts + day_us - 1) / day_us, std::int64_t{1}) * day_us, from_us};
  }

 private:
  static constexpr std::int64_t day_us = 86'400'000'000;
};

}  // namespace factory
