#pragma once

#include "storage/base/database.hpp"
#include "storage/base/rocks_log.hpp"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

/// For this room only: RocksDB itself.
namespace factory {

class freed_ranges;

/// Column families. Their names on disk are the names here; none has a prefix extractor, so iterators see total order.
enum class column : std::size_t { journal, blocks, rollups, catalog, events, state, jobs };
inline constexpr std::size_t column_count = 7;

/// Turns a status of RocksDB into an error: no space is storage_full, damage is corrupt, anything else storage_failed.
/// `doing` completes "while ...".
error to_error(const rocksdb::Status& status, std::string_view doing);

inline rocksdb::Slice to_slice(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view to_view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

struct database::impl {
  std::filesystem::path directory;
  unbroken_log log{unbroken_log::use::recover};  ///< RocksDB keeps a pointer to it
  std::unique_ptr<rocksdb::DB> db;
  std::string id;  ///< unique to this database
  std::uint64_t given_up = 0;
  std::array<rocksdb::ColumnFamilyHandle*, column_count> columns{};
  std::atomic<std::uint64_t> fsyncs{0}, fsync_nanoseconds{0};
  std::atomic<bool> writes_fail{false};  ///< for tests: as if the disk refused all
  std::atomic<const char*> failing{nullptr};  ///< for tests: as if the disk refused writes that do this
  std::atomic<bool> marks_fail{false};   ///< for tests: as if the disk refused the mark behind a write that it took
  int lock_fd = -1;                      ///< of the directory, under flock
  std::unique_ptr<freed_ranges> freed;

  impl();
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl();

  rocksdb::ColumnFamilyHandle* at(column c) const { return columns[static_cast<std::size_t>(c)]; }

  /// Writes all of the batch or nothing. With `fsync` the batch is on disk and marked (storage/base/rocks_log.hpp) before this returns.
  /// Without, only a crash of the machine or a power cut loses it, and then a prefix of all writes survives. Refuses with storage_full below
  /// limits::disk_reserve_bytes, so RocksDB itself seldom meets a full disk. When it does, RocksDB stops until 64 MiB are free and looks
  /// every 5 s; each write then first asks it to resume, at most once a second. Thread-safe.
  expected<void> write(rocksdb::WriteBatch& batch, bool fsync, std::string_view doing);
  bool refuses_writes() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  expected<void> check_room(std::string_view doing) const;
  rocksdb::Status write_and_sync(rocksdb::WriteBatch& batch, rocksdb::WriteOptions options);
  void try_resume();
  std::atomic<bool> stopped_{false};
  std::mutex resume_mutex_;
  std::chrono::steady_clock::time_point last_resume_;
};

/// Options of each column family, in the order of `column`; then RocksDB's own "default", which stays empty.
std::vector<rocksdb::ColumnFamilyDescriptor> column_descriptors();
rocksdb::DBOptions database_options(bool create);

}  // namespace factory
