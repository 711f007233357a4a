#pragma once

#include <cstdint>
#include <vector>

#include "pipelines/stats/downsample.hpp"
#include "storage/base/database.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

enum class rollup_level : std::uint8_t { minute, hour, day };
std::int64_t step_us(rollup_level level);

/// Summaries of each sensor by minute, hour and day (buckets aligned to the epoch, UTC), brought up to date in the background.
///
/// What must be rolled up again is known without searching: with each block goes, in the same atomic write, a note of the time
/// it covers (storage/rollup_notes.hpp), and refresh() takes the notes away in the write that brings the buckets. So a late
/// block, a correction and a crash at any instant come out right: after a refresh, every bucket equals what the blocks below
/// the cut hold. Readings still in the head are in it as far as they came in order; their block's note settles the rest.
///
/// Minutes are taken from the readings, hours from the minutes, days from the hours. Refreshing one sensor on two threads at
/// once is not allowed; everything else is thread-safe. What questions may take from here: storage/settled_rollups.hpp.
class rollup_store {
 public:
  explicit rollup_store(database& db);

  /// Brings the sensor's roll-ups up to date with the cut; returns how many minutes were taken anew.
  expected<std::uint64_t> refresh(const time_series& series, const sensor_cut& cut);
  /// Buckets that start in the range, ascending, empty ones left out.
  expected<std::vector<bucket>> read(sensor_id sensor, rollup_level level, const time_range& range,
                                     asker who = asker::query) const;
  expected<void> remove_sensor(sensor_id sensor);
  /// Drops the buckets of all days that end at or before `before_us`, for good. REQUIRES: what the blocks lose of that time goes afterwards.
  expected<void> drop_before(sensor_id sensor, std::int64_t before_us);

 private:
  database& db_;
};

}  // namespace factory
