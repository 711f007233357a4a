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

/// For this room only: checks that RocksDB's log still has everything that was fsynced.
///
/// RocksDB replays its log up to the first record that it cannot read, and treats the rest as a tail that a power cut tore. So after each
/// fsync, before any caller is told, a mark goes into the log: all writes up to this sequence number are on disk. The mark itself is not
/// fsynced. A log that has a mark but not all writes that the mark covers is damaged.
namespace factory {

/// The last sequence number that RocksDB gave to an entry of `written`. REQUIRES: the batch was written.
std::uint64_t last_sequence(const rocksdb::WriteBatch& written);

/// A mark carries its database's identity, so that no bytes from a client can look like one.
std::string synced_mark(std::uint64_t synced, std::string_view database_id);

/// Lets RocksDB read its logs up to the first gap in the sequence numbers, and records where that gap is.
class unbroken_log : public rocksdb::WalFilter {
 public:
  enum class use : std::uint8_t { recover, look };  ///< look: nothing reaches the database
  explicit unbroken_log(use what) : use_(what) {}

  const char* Name() const override { return "unbroken_log"; }
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& logs,
                                const std::map<std::string, std::uint32_t>& ids) override;
  WalProcessingOption LogRecordFound(unsigned long long log, const std::string& file, const rocksdb::WriteBatch& batch,
                                     rocksdb::WriteBatch* changed, bool* is_changed) override;

  struct extent {
    std::uint64_t newest_flushed = 0;          ///< table files of some column family contain all logs before this one
    std::uint64_t oldest_needed = UINT64_MAX;  ///< number of the oldest log that is not in table files yet; none without logs
    std::uint64_t first_log = UINT64_MAX, last_log = 0;  ///< logs of which a record was read
    std::uint64_t last = 0;                              ///< last sequence read
  };
  const extent& read() const { return read_; }

 private:
  use use_;
  extent read_;
  bool broken_ = false;
};

struct log_damage {
  std::filesystem::path log;  ///< the damaged log, or the one after it
  std::uint64_t readable;     ///< the last sequence before the damage
  std::uint64_t synced;       ///< the last sequence that a mark covers
  bool flushed_beyond;        ///< table files of one column family contain writes from behind the damage, those of others do not
};
/// Reads the logs in `db` as a start would, without changing anything.
expected<std::optional<log_damage>> find_log_damage(const std::filesystem::path& db);

}  // namespace factory
