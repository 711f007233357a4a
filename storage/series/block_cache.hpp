#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "storage/block/block_key.hpp"
#include "storage/series/time_series.hpp"

namespace factory {

/// For this room only: the rows of blocks that recent ranges cut through, so that a dashboard's next query decodes nothing.
/// Bounded by limits::decoded_block_bytes; evicts the least recently used. The key is sensor, number and the checksum of the columns:
/// a block is written once, so its decoded rows stay valid, and no query asks for a deleted block.
/// Thread-safe; a few locks, so that readers of different sensors seldom meet.
class block_cache {
 public:
  using rows = std::shared_ptr<const reading_run>;

  explicit block_cache(std::size_t bytes) : bytes_per_shard_(bytes / shard_count) {}

  /// The rows of the stored block `bytes`. Decodes them when they are not cached; a query's rows are then cached.
  expected<rows> open(const block_key& key, std::string_view bytes, asker who);
  /// The rows of a block of this checksum, or null.
  rows find(const block_key& key, std::uint64_t checksum);

  std::size_t bytes() const;

 private:
  struct identity {
    sensor_id sensor;
    std::uint32_t number;
    std::uint64_t checksum;
    bool operator==(const identity&) const = default;
  };
  struct hash {
    std::size_t operator()(const identity& of) const { return of.checksum ^ (std::uint64_t{of.sensor} << 32U | of.number); }
  };
  struct entry {
    identity of;
    rows content;
  };
  struct shard {
    mutable std::mutex mutex;
    std::list<entry> newest_first;
    std::unordered_map<identity, std::list<entry>::iterator, hash> places;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t shard_count = 8;

  shard& shard_of(sensor_id sensor) { return shards_[sensor % shard_count]; }
  void keep(const identity& of, const rows& content);

  std::size_t bytes_per_shard_;
  std::array<shard, shard_count> shards_;
};

}  // namespace factory
