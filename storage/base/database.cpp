#include "storage/base/database.hpp"

#include "storage/admin/snapshot.hpp"
#include "storage/base/data_format.hpp"
#include "storage/base/freed_ranges.hpp"
#include "storage/base/rocks.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

namespace factory {

namespace fs = std::filesystem;

namespace {

/// Before RocksDB recovers, because its recovery drops what stands behind the damage.
expected<void> check_log(database::impl& it, const database::options& how) {
  const auto found = find_log_damage(it.directory / "db");
  if (!found) return refuse(found.error().code, it.directory, found.error().message);
  if (!*found) return {};
  const log_damage& damage = **found;
  if (how.give_up_damaged_log && !damage.flushed_beyond) {
    it.given_up = damage.synced - damage.readable;
    return {};
  }
  const std::string_view advice =
      damage.flushed_beyond
          ? "Later writes are partly in table files, so it cannot be cut there: check the disk and restore the newest snapshot."
          : "Check the disk and restore the newest snapshot, or give them up with factory-inspect give-up.";
  return refuse(
      errc::corrupt, it.directory,
      fmt::format("its log {} is damaged: of what was acknowledged, the writes from number {} to {} cannot be read. Nothing "
                  "was changed. {}",
                  damage.log.filename().string(), damage.readable + 1, damage.synced, advice));
}

expected<void> open_rocks(database::impl& it, bool exists, const database::options& how) {
  const std::string path = it.directory / "db";
  if (exists && !fs::exists(fs::path(path) / "CURRENT")) {
    return refuse(errc::corrupt, it.directory, "its database is gone (no db/CURRENT); restore the newest snapshot.");
  }
  if (auto whole = exists ? check_log(it, how) : expected<void>(); !whole) return whole;
  rocksdb::DBOptions options = database_options(!exists);
  options.wal_filter = &it.log;
  if (!exists) fs::create_directory(path);  // RocksDB would create it too, but first logs that it is missing
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = how.read_only
                                     ? rocksdb::DB::OpenForReadOnly(options, path, column_descriptors(), &handles, &opened)
                                     : rocksdb::DB::Open(options, path, column_descriptors(), &handles, &opened);
  if (!status.ok()) {
    const error reason = to_error(status, "opening its database");
    return refuse(reason.code, it.directory, reason.message);
  }
  it.db.reset(opened);
  (void)it.db->GetDbIdentity(it.id);
  for (std::size_t i = 0; i < column_count; ++i) it.columns[i] = handles[i];
  (void)it.db->DestroyColumnFamilyHandle(handles[column_count]);  // the default one: nothing is in it
  return {};
}

}  // namespace

database::impl::impl() : freed(std::make_unique<freed_ranges>()) {}

database::impl::~impl() {
  if (db) {
    for (auto* handle : columns) (void)db->DestroyColumnFamilyHandle(handle);
    (void)db->Close();
    db.reset();
  }
  if (lock_fd >= 0) ::close(lock_fd);
}

expected<std::unique_ptr<database>> database::open(const fs::path& directory, const options& how) try {
  if (auto ready = prepare_directory(directory, how); !ready) return tl::unexpected(ready.error());
  auto it = std::make_unique<impl>();
  it->directory = directory;
  const auto lock = lock_directory(directory);
  if (!lock) return tl::unexpected(lock.error());
  it->lock_fd = *lock;
  const auto exists = check_format(directory, how);
  if (!exists) return tl::unexpected(exists.error());
  if (auto opened = open_rocks(*it, *exists, how); !opened) return tl::unexpected(opened.error());
  if (!*exists) {
    if (auto written = write_format(directory, it->lock_fd); !written) return tl::unexpected(written.error());
  }
  return std::unique_ptr<database>(new database(std::move(it)));
} catch (const fs::filesystem_error& failed) {
  return refuse(errc::storage_failed, directory, fmt::format("cannot be read: {}.", failed.code().message()));
}

database::database(std::unique_ptr<impl> opened) : impl_(std::move(opened)) {}
database::~database() = default;

const fs::path& database::directory() const { return impl_->directory; }

std::string database::id() const { return impl_->id; }

std::uint64_t database::given_up() const { return impl_->given_up; }

std::uint64_t database::bytes_on_disk() const {
  std::uint64_t total = 0;
  std::error_code ignored;  // files come and go meanwhile
  for (fs::recursive_directory_iterator at(impl_->directory, ignored), end; at != end; at.increment(ignored)) {
    if (ignored) break;
    if (at.depth() == 0 && at->path().filename() == snapshots_folder) at.disable_recursion_pending();
    std::error_code gone;
    const auto size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) total += size;
  }
  return total;
}

database::memory database::memory_held() const {
  using properties = rocksdb::DB::Properties;
  memory held;
  impl_->db->GetAggregatedIntProperty(properties::kSizeAllMemTables, &held.memtable_bytes);
  impl_->db->GetAggregatedIntProperty(properties::kEstimateTableReadersMem, &held.table_reader_bytes);
  // All column families share one cache, so any of them reports it.
  auto* const any = impl_->at(column::blocks);
  impl_->db->GetIntProperty(any, properties::kBlockCacheUsage, &held.block_cache_bytes);
  impl_->db->GetIntProperty(any, properties::kBlockCachePinnedUsage, &held.block_cache_used_bytes);
  return held;
}

bool database::refuses_writes() const { return impl_->refuses_writes(); }

bool database::room_is_due() const { return impl_->freed->due(freed_ranges::clock::now()); }
expected<void> database::give_room_back(std::atomic<bool>& stop) { return impl_->freed->give_back(*impl_, stop); }

std::uint64_t database::fsync_count() const { return impl_->fsyncs.load(std::memory_order_relaxed); }

double database::fsync_seconds() const {
  return static_cast<double>(impl_->fsync_nanoseconds.load(std::memory_order_relaxed)) / 1e9;
}

}  // namespace factory
