#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/correct/correction_overlay.hpp"
#include "pipelines/model/time_range.hpp"
#include "pipelines/stats/downsample.hpp"
#include "storage/base/database.hpp"
#include "storage/block/block.hpp"

namespace factory {

/// A sensor at one instant, as its actor gives it to a query: the rows not yet on disk, and the bound of the blocks that count as older.
/// Order of writes, oldest first: blocks on disk with number < next_block, `sealing` in order, `head`.
/// Blocks on disk with number >= next_block were sealed after the cut and are left out; a block that is both in `sealing`
/// and on disk counts once.
struct sensor_cut {
  sensor_id sensor = 0;
  std::uint32_t next_block = 1;
  std::vector<std::shared_ptr<const block>> sealing;  ///< sealed, on their way to disk
  reading_run head;
  std::int64_t on_disk_until_us = INT64_MAX;  ///< no block that is on disk and not in `sealing` ends later
  /// What the readings count as; null: as they are stored. The only place where corrections come to reads: whoever reads through a cut with
  /// them sees effective readings, in rows, sums and roll-ups alike.
  std::shared_ptr<const correction_overlay> corrections = {};
  std::uint8_t without = left_out_flags;  ///< aggregates and newest() take no row with one of these flags
};

/// Blocks are not joined across midnight of every `every_us`, nor across `from_us`.
struct joining_borders {
  std::int64_t every_us = 0;  ///< 0: none
  std::int64_t from_us = INT64_MIN;
  bool parts(std::int64_t a_us, std::int64_t b_us) const {
    if (every_us == 0) return false;
    return bucket_start(a_us, every_us) != bucket_start(b_us, every_us) || (a_us < from_us) != (b_us < from_us);
  }
};

class block_cache;

/// The purpose of a read. Rows that a query reads are cached for the next one. Background work visits every sensor once: it uses cached
/// rows, but neither adds to the cache nor evicts from it.
enum class asker : std::uint8_t { query, background };

/// Reads of stored readings. Thread-safe; runs on the caller's thread; each call sees one consistent state of the disk.
class time_series {
 public:
  explicit time_series(database& db);
  ~time_series();

  /// At most `limit` rows of the range, oldest first (or newest first when `descending`), duplicates resolved.
  /// Reads only the blocks that it needs.
  expected<reading_run> read(const sensor_cut& cut, const time_range& range, std::size_t limit, bool descending,
                             asker who = asker::query) const;
  /// The first rows of the range in that order: at least `about`, at most twice as many, fewer when the range has no more. Stops between
  /// blocks where it can, so that a continuation after the last row decodes no block again.
  expected<reading_run> read_on(const sensor_cut& cut, const time_range& range, std::size_t about, bool descending) const;
  /// The newest `limit` rows of the range in time order, without those flagged `future` and those the cut leaves out: what is newest wherever a sensor's newest readings are judged.
  expected<reading_run> newest(const sensor_cut& cut, const time_range& range, std::size_t limit, asker who = asker::query) const;
  /// Every row of the range in ascending runs, in bounded memory; stops early when `visit` returns false.
  expected<void> scan(const sensor_cut& cut, const time_range& range, const std::function<bool(const reading_run&)>& visit) const;
  /// Count, extremes, sums of the range, without what the cut leaves out. Whole blocks that nothing overlaps answer from their headers, unless
  /// rows of them may be left out.
  expected<summary> summarize(const sensor_cut& cut, const time_range& range, asker who = asker::query) const;
  /// Down-sampled, empty buckets left out. REQUIRES the number of buckets to be bounded by the caller.
  expected<std::vector<bucket>> aggregate(const sensor_cut& cut, const time_range& range, std::int64_t step_us,
                                          asker who = asker::query) const;

  /// Joins small and overlapping blocks of a sensor into blocks of up to limits::block_readings; returns how many were rewritten.
  /// Only blocks with number < below. Atomic per sensor; readers are not disturbed.
  /// `all`: also blocks that gain only the thorough packing, which blocks sealed while readings arrive do not get.
  enum class rewriting : std::uint8_t { worthwhile, all };
  expected<std::uint64_t> rewrite(sensor_id sensor, std::uint32_t below, const joining_borders& borders = {},
                                  rewriting which = rewriting::worthwhile);
  /// Drops, by key ranges, the blocks that end before `before_us`; a block that reaches past it stays whole. Returns readings dropped.
  expected<std::uint64_t> drop_before(sensor_id sensor, std::int64_t before_us);
  /// Deletes the sensor's blocks and its stored state.
  expected<void> remove_sensor(sensor_id sensor);

  struct totals {
    std::uint64_t sensors = 0, blocks = 0, readings = 0, bytes = 0;
  };
  totals count() const;
  std::size_t decoded_bytes() const;  ///< rows cached for the next query
  struct sensor_totals {
    std::uint64_t blocks = 0, readings = 0, bytes = 0;
    std::int64_t first_us = 0, last_us = 0;
  };
  sensor_totals count(sensor_id sensor) const;
  /// Decodes every block; calls `bad` for each that does not match its checksums. Returns blocks read.
  std::uint64_t verify(const std::function<void(sensor_id, std::uint32_t number, const error&)>& bad) const;
  /// RocksDB's own compaction of all column families.
  expected<void> compact();

 private:
  database& db_;
  std::unique_ptr<block_cache> decoded_;  ///< has locks of its own
  std::mutex changing_;                   ///< one rewrite, drop or removal at a time
};

}  // namespace factory
