#include "storage/base/rocks.hpp"
#include "storage/series/run_merge.hpp"
#include "storage/series/time_series.hpp"
#include "storage/series/window_reader.hpp"

#include "storage/base/limits.hpp"

#include <algorithm>
#include <limits>

namespace factory {

namespace {

struct placed {
  block_key key;
  summary header;
};

/// Blocks to join into one run. Every block that overlaps one of them is among them.
struct run_of_blocks {
  std::vector<block_key> keys;
  std::int64_t first_us = 0, last_us = 0;
  std::uint64_t rows = 0;
  std::uint64_t largest = 0;
  bool overlapping = false;

  void add(const placed& b) {
    if (keys.empty()) first_us = last_us = b.header.first_us;
    overlapping = overlapping || (!keys.empty() && b.header.first_us <= last_us);
    last_us = std::max(last_us, b.header.last_us);
    rows += b.header.count;
    largest = std::max(largest, b.header.count);
    keys.push_back(b.key);
  }
  /// Joining pays when it resolves an overlap, fills a block, or replaces several.
  bool worth_it() const {
    constexpr std::size_t several = 4;
    return overlapping || (keys.size() > 1 && (keys.size() >= several || rows >= limits::block_readings * 3 / 4));
  }
};

std::vector<run_of_blocks> plan(std::vector<placed> blocks, const joining_borders& borders, time_series::rewriting which) {
  std::sort(blocks.begin(), blocks.end(), [](const placed& a, const placed& b) { return a.header.first_us < b.header.first_us; });
  std::vector<run_of_blocks> runs;
  for (std::size_t begin = 0, end = 0; begin < blocks.size(); begin = end) {
    run_of_blocks cluster;
    while (end < blocks.size() && (cluster.keys.empty() || blocks[end].header.first_us <= cluster.last_us))
      cluster.add(blocks[end++]);
    if (runs.empty() || runs.back().rows + cluster.rows > limits::block_readings ||
        borders.parts(runs.back().first_us, cluster.last_us))
      runs.push_back(cluster);
    else
      for (std::size_t i = begin; i < end; ++i) runs.back().add(blocks[i]);
  }
  if (which == time_series::rewriting::worthwhile) std::erase_if(runs, [](const run_of_blocks& run) { return !run.worth_it(); });
  return runs;
}

/// Seals arriving rows into blocks of one size.
class resealer {
 public:
  resealer(sensor_id sensor, std::vector<std::uint32_t> numbers, std::size_t rows_a_block, rocksdb::WriteBatch& batch,
           rocksdb::ColumnFamilyHandle* blocks)
      : sensor_(sensor), numbers_(std::move(numbers)), rows_a_block_(rows_a_block), batch_(batch), blocks_(blocks) {}

  void add(const reading_run& rows) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      open_.push_back(rows.event_time_us[row], rows.value[row], rows.flags[row]);
      if (open_.size() == rows_a_block_) finish();
    }
  }
  void finish() {
    if (open_.empty()) return;
    const block sealed = seal(sensor_, numbers_.at(next_++), open_, effort::thorough);
    batch_.Put(blocks_, encode(key_of(sealed)), sealed.bytes);
    open_ = {};
  }

 private:
  sensor_id sensor_;
  std::vector<std::uint32_t> numbers_;
  std::size_t rows_a_block_;
  rocksdb::WriteBatch& batch_;
  rocksdb::ColumnFamilyHandle* blocks_;
  reading_run open_;
  std::size_t next_ = 0;
};

/// The new blocks take the lowest numbers of those they replace. Only blocks at or above the limit overlap the run from outside,
/// and their numbers are higher. A reader whose cut is older than some of the joined blocks finds the new ones, which
/// contain everything that it must see. There are never more new blocks than old ones, because no old block had more rows.
expected<void> replace(database::impl& rocks, const sensor_cut& all, const run_of_blocks& run) {
  rocksdb::WriteBatch batch;
  std::vector<std::uint32_t> numbers;
  for (const block_key& key : run.keys) {
    batch.Delete(rocks.at(column::blocks), encode(key));
    numbers.push_back(key.number);
  }
  std::sort(numbers.begin(), numbers.end());
  resealer fresh(all.sensor, std::move(numbers), std::max<std::size_t>(limits::block_readings, run.largest), batch,
                 rocks.at(column::blocks));
  window_reader reader(all, rocks, asker::background);
  auto read = reader.ascending({run.first_us, run.last_us + 1}, [&](const reading_run& rows) {
    fresh.add(rows);
    return true;
  });
  if (!read) return read;
  fresh.finish();
  return rocks.write(batch, false, "rewriting blocks");
}

}  // namespace

expected<std::uint64_t> time_series::rewrite(sensor_id sensor, std::uint32_t below, const joining_borders& borders,
                                             rewriting which) {
  const std::lock_guard lock(changing_);
  const sensor_cut all{sensor, below, {}, {}};
  std::vector<placed> blocks;
  block_finder finder(db_.raw(), sensor, below, asker::background);
  auto visited = finder.visit({}, [&](const block_key& key, const summary& header, std::string_view) -> expected<void> {
    blocks.push_back({key, header});
    return {};
  });
  if (!visited) return tl::unexpected(visited.error());
  std::uint64_t rewritten = 0;
  for (const run_of_blocks& run : plan(std::move(blocks), borders, which)) {
    if (auto done = replace(db_.raw(), all, run); !done) return tl::unexpected(done.error());
    rewritten += run.keys.size();
  }
  return rewritten;
}

}  // namespace factory
