#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "pipelines/model/result.hpp"

namespace factory {

/// One data directory, opened by one process:
///   FORMAT          the on-disk format's version, one line
///   db/             RocksDB; column families journal, blocks, rollups, catalog, events, state, jobs
///   mirror.sqlite   the SQLite mirror (storage/mirror/mirror.hpp)
/// Opening a directory in use, not writable, or of a newer format is an error that says so and what to do.
/// Thread-safe after open. The parts of the store (journal, time_series, ...) borrow it and must not outlive it.
class database {
 public:
  struct options {
    bool read_only = false;  ///< for factory-inspect, on a directory that no daemon has open
    bool create = true;
    bool give_up_damaged_log = false;  ///< drop what stands behind damage in the log; otherwise damage is an error
  };
  static expected<std::unique_ptr<database>> open(const std::filesystem::path& directory, const options& how);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  const std::filesystem::path& directory() const;
  std::string id() const;               ///< unique to this database; a restored snapshot gets another one
  std::uint64_t given_up() const;       ///< fsynced writes that could not be read and that this opening gave up
  std::uint64_t bytes_on_disk() const;  ///< all files of the directory
  std::uint64_t fsync_count() const;    ///< syncs of the write-ahead log asked for since open
  double fsync_seconds() const;         ///< time of the writes that waited for these syncs

  struct memory {
    std::uint64_t memtable_bytes = 0;                                 ///< written and not yet in a table file
    std::uint64_t table_reader_bytes = 0;                             ///< indexes and filters of open table files
    std::uint64_t block_cache_bytes = 0, block_cache_used_bytes = 0;  ///< held, and the part in use now
  };
  memory memory_held() const;

  bool refuses_writes() const;  ///< the last write failed, and RocksDB has not resumed since

  /// Something was deleted a while ago whose bytes are still on disk.
  bool room_is_due() const;
  /// Frees them: flushes, deletes files, compacts. Takes as long as the disk needs; ends early when `stop` turns true.
  expected<void> give_room_back(std::atomic<bool>& stop);

  struct impl;  ///< RocksDB behind it; storage/base/rocks.hpp, for this room only
  impl& raw() const { return *impl_; }

 private:
  explicit database(std::unique_ptr<impl> opened);
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
