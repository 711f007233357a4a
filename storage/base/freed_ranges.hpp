#pragma once

#include "storage/base/rocks.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace factory {

/// For this room only: ranges of keys that were deleted, whose bytes are still in RocksDB's files. RocksDB would free them when a compaction
/// comes by, which on a quiet database is never. Thread-safe.
class freed_ranges {
 public:
  using clock = std::chrono::steady_clock;

  /// `never_again`: no key of the range is ever written again, so files that lie in it can go unread.
  enum class use : std::uint8_t { maybe_again, never_again };
  /// REQUIRES: a write has deleted all of [begin, end).
  void note(column where, std::string begin, std::string end, use later);
  /// Something was noted `limits::room_delay` ago: by then what is deleted at once was noted together.
  bool due(clock::time_point now) const;
  /// Deletes the files that lie in ranges never used again, and compacts those that hold noted ranges where these are a fair part of
  /// them: elsewhere writing all the rest anew would cost more than it brings. Ends early when `stop` turns true.
  expected<void> give_back(database::impl& rocks, std::atomic<bool>& stop);

 private:
  struct key_range {
    std::string begin, end;
    use later = use::maybe_again;
  };
  using ranges = std::vector<key_range>;

  static expected<void> give_back(database::impl& rocks, rocksdb::ColumnFamilyHandle* of, ranges noted, std::atomic<bool>& stop);
  static ranges worth_compacting(database::impl& rocks, rocksdb::ColumnFamilyHandle* of, const ranges& noted);

  mutable std::mutex guard_;
  std::map<column, ranges> noted_;
  std::size_t count_ = 0;
  std::optional<clock::time_point> since_;
};

}  // namespace factory
