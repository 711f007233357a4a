#include "storage/base/rocks.hpp"

#include "storage/base/limits.hpp"
#include "storage/base/log_reads.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace factory {

namespace {

constexpr std::size_t mebibyte = 1UL << 20U;
constexpr std::size_t wal_bytes = 512 * mebibyte;  // beyond it the column families that keep the oldest log alive are flushed
constexpr std::chrono::seconds between_resumes{1};

struct column_shape {
  const char* name;
  std::size_t memtable;
  bool compress;
};
// In the order of `column`. Journal records and blocks arrive in megabytes and are dense or short-lived; the rest is small.
constexpr std::array<column_shape, column_count> shapes{{
    {"journal", 64 * mebibyte, false},
    {"blocks", 64 * mebibyte, false},
    {"rollups", 16 * mebibyte, true},
    {"catalog", 8 * mebibyte, true},
    {"events", 16 * mebibyte, true},
    {"state", 32 * mebibyte, true},
    {"jobs", 4 * mebibyte, true},
}};

rocksdb::ColumnFamilyOptions column_options(const column_shape& shape, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions tables;
  tables.block_cache = cache;
  tables.block_size = 32UL << 10U;
  tables.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  tables.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(tables));
  options.write_buffer_size = shape.memtable;
  options.max_write_buffer_number = 3;
  options.compression = shape.compress ? rocksdb::kZSTD : rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  return options;
}

/// RocksDB's messages go to our own log. Its log file would lie on the disk whose failure it reports, and Debian's
/// RocksDB, which has its assertions on, ends the process when that file cannot be written.
class spoken_log : public rocksdb::Logger {
 public:
  spoken_log() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override { say(spdlog::level::warn, format, arguments); }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level == rocksdb::InfoLogLevel::WARN_LEVEL) say(spdlog::level::warn, format, arguments);
    if (level == rocksdb::InfoLogLevel::ERROR_LEVEL || level == rocksdb::InfoLogLevel::FATAL_LEVEL)
      say(spdlog::level::err, format, arguments);
  }

 private:
  static void say(spdlog::level::level_enum level, const char* format, va_list arguments) {
    char line[500];
    std::vsnprintf(line, sizeof line, format, arguments);
    line[std::strcspn(line, "\n")] = 0;
    spdlog::log(level, "RocksDB: {}", line);
  }
};

errc code_of(const rocksdb::Status& status) {
  if (status.IsCorruption()) return errc::corrupt;
  // RocksDB treats a used-up quota as an I/O error, not as lack of space: it then writes nothing until it is opened again.
  if (status.IsNoSpace()) return errc::storage_full;
  return errc::storage_failed;
}

}  // namespace

error to_error(const rocksdb::Status& status, std::string_view doing) {
  const errc code = code_of(status);
  const std::string_view advice = code == errc::storage_full ? "the disk of the data directory is full, make room on it"
                                  : code == errc::corrupt
                                      ? "stored bytes are damaged, check the disk and restore the newest snapshot"
                                      : "the data directory cannot be used, check its disk, its quota and its permissions, "
                                        "then start factoryd again";
  return {code, fmt::format("While {}: {} ({}).", doing, advice, status.ToString())};
}

rocksdb::DBOptions database_options(bool create) {
  rocksdb::DBOptions options;
  options.env = checked_environment();
  options.create_if_missing = create;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.db_write_buffer_size = limits::memtable_bytes;
  options.max_total_wal_size = wal_bytes;
  // A torn tail of the log contains nothing acknowledged. wal_bytes_per_sync stays off, because it can leave holes instead of a torn tail.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.bytes_per_sync = mebibyte;  // for table files only: spreads their writes over time
  // The id stands in a file alone, so that a restored copy gets one of its own (RocksDB 9 would write it into the manifest, too).
  options.write_dbid_to_manifest = false;
  options.info_log = std::make_shared<spoken_log>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> column_descriptors() {
  const auto cache = rocksdb::NewLRUCache(limits::stored_block_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> all;
  for (const column_shape& shape : shapes) all.emplace_back(shape.name, column_options(shape, cache));
  all.emplace_back(rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions());
  return all;
}

expected<void> database::impl::check_room(std::string_view doing) const {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return {};  // the write will then report the error
  const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free_bytes >= limits::disk_reserve_bytes) return {};
  return fail(
      errc::storage_full,
      fmt::format("While {}: the disk of the data directory is full ({} MiB left, {} MiB are kept free), make room on it.", doing,
                  free_bytes / mebibyte, limits::disk_reserve_bytes / mebibyte));
}

expected<void> database::impl::write(rocksdb::WriteBatch& batch, bool fsync, std::string_view doing) {
  if (auto room = check_room(doing); !room) return room;
  const char* const refused = failing;
  if (writes_fail || (refused != nullptr && doing == refused)) return fail(errc::storage_failed, "told to fail");
  if (stopped_.load(std::memory_order_relaxed)) try_resume();
  rocksdb::WriteOptions options;
  options.sync = fsync;
  options.protection_bytes_per_key = 8;
  const rocksdb::Status status = fsync ? write_and_sync(batch, options) : db->Write(options, &batch);
  if (status.ok()) return {};
  stopped_.store(true, std::memory_order_relaxed);
  return tl::unexpected(to_error(status, doing));
}

rocksdb::Status database::impl::write_and_sync(rocksdb::WriteBatch& batch, rocksdb::WriteOptions options) {
  const auto began = std::chrono::steady_clock::now();
  rocksdb::Status status = db->Write(options, &batch);
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
  fsyncs.fetch_add(1, std::memory_order_relaxed);
  fsync_nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  if (!status.ok()) return status;
  if (marks_fail) return rocksdb::Status::IOError("told to fail");
  rocksdb::WriteBatch mark;
  mark.PutLogData(synced_mark(last_sequence(batch), id));
  options.sync = false;
  return db->Write(options, &mark);
}

void database::impl::try_resume() {
  const std::lock_guard lock(resume_mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_resume_ < between_resumes) return;
  last_resume_ = now;
  if (db->Resume().ok()) stopped_.store(false, std::memory_order_relaxed);
}

}  // namespace factory
