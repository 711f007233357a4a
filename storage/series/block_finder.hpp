#pragma once

#include "storage/base/rocks.hpp"
#include "storage/block/block_key.hpp"
#include "storage/series/time_series.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace factory {

/// For this room only: finds the blocks of one sensor with number < below that end at `until_us` or earlier, as they were on disk at
/// the first query of the finder. Queries for later times only do not read the disk.
class block_finder {
 public:
  block_finder(const database::impl& rocks, sensor_id sensor, std::uint32_t below, asker who, std::int64_t until_us = INT64_MAX);
  block_finder(const block_finder&) = delete;
  block_finder& operator=(const block_finder&) = delete;

  /// `bytes` are valid during the call only.
  using visitor = std::function<expected<void>(const block_key&, const summary&, std::string_view bytes)>;
  /// Every block whose first and last time overlap the range, in no particular order.
  expected<void> visit(const time_range& range, const visitor& each);

  /// First time of the nth block that begins after (before) `time_us`, or `otherwise` when there are fewer. Takes nth steps.
  expected<std::int64_t> start_after(std::int64_t time_us, std::size_t nth, std::int64_t otherwise);
  expected<std::int64_t> start_before(std::int64_t time_us, std::size_t nth, std::int64_t otherwise);

 private:
  rocksdb::Iterator& blocks();    ///< opened on first use
  bool at(block_key& key) const;  ///< false when the iterator has left the sensor
  expected<void> status() const;

  const database::impl& rocks_;
  sensor_id sensor_;
  std::uint32_t below_;
  asker who_;
  std::int64_t until_us_;
  std::string begin_, end_;  // bounds of the iterator, which points to them
  rocksdb::Slice begin_slice_, end_slice_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace factory
