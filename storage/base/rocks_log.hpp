#pragma once

#include <rocksdb/options.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"

/// For this room only: RocksDB's log, and whether it still has all that was fsynced.
///
/// RocksDB goes by its log up to the first record that it cannot read, and takes what follows for the tail that a power cut tore. So
/// each fsync is followed, before anybody is told of it, by a mark in the log: all writes up to this sequence number are on disk. The
/// mark itself is not fsynced. A log with a mark, but without all that it speaks of, is damaged.
namespace factory {

/// Of all that RocksDB numbers in `written`, the last. REQUIRES: it was written.
std::uint64_t last_sequence(const rocksdb::WriteBatch& written);

/// Marks are known by their database, so that nothing which a client sends can be taken for one.
std::string synced_mark(std::uint64_t synced, std::string_view database_id);

/// Lets RocksDB read its logs up to the first gap in its sequence numbers, and remembers how far that was.
class unbroken_log : public rocksdb::WalFilter {
 public:
  enum class use : std::uint8_t { recover, look };  ///< look: nothing of it reaches the database
  explicit unbroken_log(use what) : use_(what) {}

  const char* Name() const override { return "unbroken_log"; }
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& logs,
                                const std::map<std::string, std::uint32_t>& ids) override;
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* changed, bool* is_changed) override;

  struct extent {
    std::uint64_t newest_flushed = 0;          ///< some column family's table files have all of the logs before this one
    std::uint64_t oldest_needed = UINT64_MAX;  ///< number of the oldest log that is not in table files yet; without logs none
    std::uint64_t first_log = UINT64_MAX, last_log = 0;  ///< of those that a record was read of
    std::uint64_t last = 0;                              ///< sequence
  };
  const extent& read() const { return read_; }

 private:
  use use_;
  extent read_;
  bool broken_ = false;
};

struct log_damage {
  std::filesystem::path log;  ///< it, or the next one
  std::uint64_t readable;     ///< the last sequence before the damage
  std::uint64_t synced;       ///< what should be there
  bool flushed_beyond;        ///< table files of a column family have what stood behind the damage, those of others do not
};
/// Reads the logs in `db` as a start would, and changes nothing.
expected<std::optional<log_damage>> find_log_damage(const std::filesystem::path& db);

}  // namespace factory
