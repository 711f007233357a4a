#pragma once

#include "storage/base/rocks.hpp"
#include "storage/rollups/rollups.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace factory {

/// For this room only: the time of a sensor for which its roll-ups hold just what a cut sees. That is all time but the buckets which
///   - have something in common with a block of which the note still stands, or with one in the cut's `sealing`,
///   - hold a row of the cut's head,
///   - begin before what retention has left.
/// In settled time no bucket means no reading. All is seen as it was on disk at one instant after the cut, so a bucket may know of
/// readings that came after it, as blocks joined since then may (time_series::rewrite).
class settled_rollups {
 public:
  /// REQUIRES: the cut lives as long, and has the rows of its head for every range asked for.
  settled_rollups(const database::impl& rocks, const sensor_cut& cut) : rocks_(rocks), cut_(cut) {}

  struct piece {
    time_range time;
    std::optional<summary> values;  ///< of the bucket; none: this time is not settled
  };
  /// The range in pieces, ascending, settled time without readings left out. All of it is one unsettled piece when its first bucket
  /// holds fewer than `least` readings: then blocks are faster. Looks at the disk only for ranges of several buckets.
  expected<std::vector<piece>> read(rollup_level level, const time_range& range, std::uint64_t least);

 private:
  /// First time of each, by its last one; apart.
  using closed_ranges = std::map<std::int64_t, std::int64_t>;

  static void add(closed_ranges& to, std::int64_t first_us, std::int64_t last_us);
  expected<void> open();
  bool seek(const std::string& key);  ///< false when it is not there
  closed_ranges unsettled(const time_range& aligned, std::int64_t step) const;
  expected<bool> is_worth(rollup_level level, const time_range& aligned, std::uint64_t least);
  expected<void> take(std::vector<piece>& out, rollup_level level, const time_range& settled);

  const database::impl& rocks_;
  const sensor_cut& cut_;
  std::string end_;  // bound of the iterator, which points to it
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;  // null until the disk is first looked at
  closed_ranges touched_;                  // by blocks
  std::int64_t kept_from_us_ = INT64_MIN;
};

}  // namespace factory
