#pragma once

#include <cstdint>
#include <vector>

#include "pipelines/stats/downsample.hpp"
#include "storage/base/database.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

enum class rollup_level : std::uint8_t { minute, hour, day };
std::int64_t step_us(rollup_level level);

/// Summaries of each sensor by minute, hour and day (buckets aligned to the epoch, UTC), brought up to date in the background. Readings
/// that left_out_flags leave out are not in them.
///
/// No search finds the work: each block is written together with a note of the time that it covers (rollup_notes.hpp), and refresh()
/// deletes the notes in the write that brings the buckets. So late blocks, corrections and a crash at any instant come out right: after
/// a refresh, every bucket equals the readings in the blocks below the cut. It includes readings of the head that arrived in order; the
/// note of their block covers the rest.
///
/// Minutes are taken from the readings, hours from the minutes, days from the hours. Refreshing one sensor on two threads at
/// once is not allowed; everything else is thread-safe. Which buckets a query may use: settled_rollups.hpp.
class rollup_store {
 public:
  explicit rollup_store(database& db);

  /// Brings the sensor's roll-ups up to date with the cut, of readings as they are stored, without its corrections; returns how many minutes
  /// were computed anew.
  expected<std::uint64_t> refresh(const time_series& series, const sensor_cut& cut);
  /// Buckets that start in the range, ascending, empty ones left out.
  expected<std::vector<bucket>> read(sensor_id sensor, rollup_level level, const time_range& range,
                                     asker who = asker::query) const;
  expected<void> remove_sensor(sensor_id sensor);
  /// Drops the buckets of all days that end at or before `before_us`, for good. REQUIRES: the caller drops the blocks of that time afterwards.
  expected<void> drop_before(sensor_id sensor, std::int64_t before_us);

 private:
  database& db_;
};

}  // namespace factory
