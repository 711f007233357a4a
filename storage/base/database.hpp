#pragma once

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
    bool read_only = false;  ///< factory-inspect; may be opened beside a stopped directory only
    bool create = true;
    bool give_up_damaged_log = false;  ///< of the log, what stands behind damage; else that is an error
  };
  static expected<std::unique_ptr<database>> open(const std::filesystem::path& directory, const options& how);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  const std::filesystem::path& directory() const;
  std::string id() const;               ///< of this database alone; a restored snapshot gets another one
  std::uint64_t given_up() const;       ///< writes that were fsynced and cannot be read, given up by opening it so
  std::uint64_t bytes_on_disk() const;  ///< all files of the directory
  std::uint64_t fsync_count() const;    ///< syncs of the write-ahead log asked for since open
  double fsync_seconds() const;         ///< time of the writes that waited for them

  struct memory {
    std::uint64_t memtable_bytes = 0;                                 ///< written and not yet in a table file
    std::uint64_t table_reader_bytes = 0;                             ///< indexes and filters of open table files
    std::uint64_t block_cache_bytes = 0, block_cache_used_bytes = 0;  ///< held, and of that in use by somebody now
  };
  memory memory_held() const;

  bool refuses_writes() const;  ///< the last write failed, and RocksDB has not been got going again

  struct impl;  ///< RocksDB behind it; storage/base/rocks.hpp, for this room only
  impl& raw() const { return *impl_; }

 private:
  explicit database(std::unique_ptr<impl> opened);
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
