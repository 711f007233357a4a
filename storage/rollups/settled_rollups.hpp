#pragma once

#include "pipelines/model/intervals.hpp"
#include "storage/base/rocks.hpp"
#include "storage/rollups/rollups.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace factory {

/// For this room only: the settled time of a sensor, where its roll-ups contain exactly what a cut sees. All time is settled except buckets
///   - that overlap a block whose note still exists, or a block in the cut's `sealing`,
///   - that contain a row of the cut's head,
///   - that overlap one of the cut's corrections,
///   - that begin before the end of what retention has dropped,
///   - that have no sums, as buckets of very large or small values of an older version.
/// In settled time a missing bucket means no readings. The disk is read at one instant after the cut, so a bucket may include readings
/// that came after the cut, as joined blocks may too (time_series::rewrite).
class settled_rollups {
 public:
  /// REQUIRES: the cut lives at least as long, and has its head's rows for every range asked for.
  settled_rollups(const database::impl& rocks, const sensor_cut& cut) : rocks_(rocks), cut_(cut) {}

  struct piece {
    time_range time;
    std::optional<summary> values;  ///< of the bucket; none: this piece is not settled
  };
  /// The range in ascending pieces, without settled time that has no readings. When the first bucket has fewer than `least` readings, the
  /// whole range is one unsettled piece, because blocks are then faster; likewise for a cut that leaves out other rows than buckets do. Reads the disk only for ranges of several buckets.
  expected<std::vector<piece>> read(rollup_level level, const time_range& range, std::uint64_t least);

 private:
  expected<void> open();
  bool seek(const std::string& key);  ///< false when it does not exist
  interval_set unsettled(const time_range& aligned, std::int64_t step) const;
  expected<bool> is_worth(rollup_level level, const time_range& aligned, std::uint64_t least);
  expected<void> take(std::vector<piece>& out, rollup_level level, const time_range& settled);

  const database::impl& rocks_;
  const sensor_cut& cut_;
  std::string end_;  // bound of the iterator, which points to it
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;  // null until the disk is first read
  interval_set touched_;                   // by blocks
  std::int64_t kept_from_us_ = INT64_MIN;
};

}  // namespace factory
