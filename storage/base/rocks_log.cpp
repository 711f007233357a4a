#include "storage/base/rocks_log.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/rocks.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>

namespace factory {

namespace fs = std::filesystem;

namespace {

// RocksDB's log consists of blocks. Each begins with the head of a record, or of a part of one.
constexpr std::size_t log_block_bytes = 32UL << 10U, record_head_bytes = 7;
constexpr std::string_view mark_begins = "fsynced\x01";  // with the version
constexpr std::size_t mark_bytes = mark_begins.size() + 16;

std::uint64_t first_sequence(const rocksdb::WriteBatch& batch) {
  std::string_view in = batch.Data();
  std::uint64_t sequence = 0;
  (void)get_fixed64(in, sequence);
  return sequence;
}

/// 0: no mark at the start of the text.
std::uint64_t read_mark(std::string_view text, std::string_view database_id) {
  std::string_view in = text.substr(mark_begins.size());
  std::uint64_t synced = 0;
  if (!get_fixed64(in, synced)) return 0;
  return text.substr(0, mark_bytes) == synced_mark(synced, database_id) ? synced : 0;
}

/// Finds marks by their bytes, even beside damage. Joins a mark that is split over two blocks.
std::uint64_t highest_mark(const fs::path& log, std::string_view database_id) {
  std::ifstream file(log, std::ios::binary);
  std::string block(log_block_bytes, 0), text;
  std::uint64_t highest = 0;
  while (file) {
    const auto size = static_cast<std::size_t>(file.read(block.data(), log_block_bytes).gcount());
    if (size <= record_head_bytes) break;
    text.append(block, record_head_bytes, size - record_head_bytes);
    for (auto at = text.find(mark_begins); at != std::string::npos; at = text.find(mark_begins, at + 1))
      highest = std::max(highest, read_mark(std::string_view(text).substr(at), database_id));
    text.erase(0, text.size() - std::min(text.size(), mark_bytes - 1));
  }
  return highest;
}

fs::path log_path(const fs::path& db, std::uint64_t number) { return db / fmt::format("{:06}.log", number); }

struct marked_log {
  std::uint64_t number, synced;
};
std::vector<marked_log> marked_logs(const fs::path& db, std::uint64_t oldest, std::string_view database_id) {
  std::vector<marked_log> found;
  for (const auto& entry : fs::directory_iterator(db)) {
    if (entry.path().extension() != ".log") continue;
    const std::uint64_t number = std::strtoull(entry.path().stem().c_str(), nullptr, 10);
    const std::uint64_t synced = number < oldest ? 0 : highest_mark(entry.path(), database_id);
    if (synced != 0) found.push_back({number, synced});
  }
  return found;
}

}  // namespace

std::uint64_t last_sequence(const rocksdb::WriteBatch& written) { return first_sequence(written) + written.Count() - 1; }

std::string synced_mark(std::uint64_t synced, std::string_view database_id) {
  std::string mark(mark_begins);
  put_fixed64(mark, synced);
  put_fixed64(mark, XXH3_64bits_withSeed(mark.data(), mark.size(), XXH3_64bits(database_id.data(), database_id.size())));
  return mark;
}

void unbroken_log::ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& logs,
                                            const std::map<std::string, std::uint32_t>& /*ids*/) {
  for (const auto& [column, log] : logs) {
    read_.oldest_needed = std::min(read_.oldest_needed, log);
    read_.newest_flushed = std::max(read_.newest_flushed, log);
  }
}

rocksdb::WalFilter::WalProcessingOption unbroken_log::LogRecordFound(unsigned long long log, const std::string& /*file*/,
                                                                     const rocksdb::WriteBatch& batch,
                                                                     rocksdb::WriteBatch* /*changed*/, bool* /*is_changed*/) {
  const bool first = read_.first_log == UINT64_MAX;
  broken_ = broken_ || (!first && first_sequence(batch) > read_.last + 1);
  if (broken_) return WalProcessingOption::kStopReplay;
  if (first) read_.first_log = log;
  read_.last_log = log;
  read_.last = last_sequence(batch);
  return use_ == use::look ? WalProcessingOption::kIgnoreCurrentRecord : WalProcessingOption::kContinueProcessing;
}

expected<std::optional<log_damage>> find_log_damage(const fs::path& db) {
  unbroken_log log(unbroken_log::use::look);
  rocksdb::DBOptions options = database_options(false);
  options.wal_filter = &log;
  options.info_log->SetInfoLogLevel(rocksdb::InfoLogLevel::HEADER_LEVEL);  // the start itself logs it again
  options.max_open_files = 16;                                             // otherwise RocksDB opens all table files
  options.skip_stats_update_on_db_open = true;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(options, db, column_descriptors(), &handles, &opened);
  if (!status.ok()) return tl::unexpected(to_error(status, "reading its log"));
  const std::unique_ptr<rocksdb::DB> looked(opened);
  for (auto* handle : handles) (void)looked->DestroyColumnFamilyHandle(handle);
  std::string id;
  std::uint64_t kept = 0;
  (void)looked->GetDbIdentity(id);
  (void)looked->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &kept);
  const unbroken_log::extent& read = log.read();
  if (read.oldest_needed == UINT64_MAX) return std::nullopt;
  for (const marked_log& each : marked_logs(db, std::max(read.oldest_needed, kept), id)) {
    if (each.number < read.first_log)
      return log_damage{log_path(db, each.number), 0, each.synced, read.newest_flushed > each.number};
    if (each.synced > read.last)
      return log_damage{log_path(db, read.last_log), read.last, each.synced, read.newest_flushed > read.last_log};
  }
  return std::nullopt;
}

}  // namespace factory
