#include "storage/admin/snapshot.hpp"

#include "storage/base/data_format.hpp"
#include "storage/base/rocks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/utilities/checkpoint.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace factory {

namespace fs = std::filesystem;

namespace {

/// Holds the lock of a folder under construction. Removes the folder unless keep() was called.
class unfinished_folder {
 public:
  unfinished_folder(fs::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  ~unfinished_folder() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
    ::close(lock_);
  }
  unfinished_folder(const unfinished_folder&) = delete;
  unfinished_folder& operator=(const unfinished_folder&) = delete;
  const fs::path& path() const { return path_; }
  int lock() const { return lock_; }
  void keep() { kept_ = true; }

 private:
  fs::path path_;
  int lock_;
  bool kept_ = false;
};

/// True for the remains of an interrupted snapshot, and for nothing else.
bool is_leftover(const fs::path& partial) {
  for (const auto& entry : fs::directory_iterator(partial)) {
    const std::string name = entry.path().filename();
    if (name != "db" && name != "db.tmp" && name != "FORMAT" && name != "FORMAT.new") return false;
  }
  return true;
}

tl::unexpected<error> exists_already(const fs::path& target) {
  return fail(errc::conflict, fmt::format("Snapshot {}: there is something of that name; give another one.", target.string()));
}

tl::unexpected<error> from_file_system(const fs::filesystem_error& failed) {
  const bool full = failed.code() == std::errc::no_space_on_device;
  return fail(full ? errc::storage_full : errc::storage_failed,
              fmt::format("{}: {}; check the path, its permissions and the room on its disk.", failed.path1().string(),
                          failed.code().message()));
}

/// An empty folder, locked.
expected<std::unique_ptr<unfinished_folder>> begin_partial(const fs::path& partial) {
  if (const auto failed = make_directory(partial)) return from_file_system({"", partial, failed});
  const auto lock = lock_directory(partial);
  if (!lock && lock.error().code == errc::conflict)
    return fail(errc::conflict, fmt::format("Snapshot {}: it is being made just now.", partial.string()));
  if (!lock) return tl::unexpected(lock.error());
  auto folder = std::make_unique<unfinished_folder>(partial, *lock);
  if (is_leftover(partial)) {
    for (const auto& entry : fs::directory_iterator(partial)) fs::remove_all(entry.path());
    return folder;
  }
  folder->keep();
  return fail(errc::conflict, fmt::format("Snapshot {}: there are other files in it; move them away.", partial.string()));
}

expected<void> sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = fd >= 0 && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (!done) return refuse(errc::storage_failed, folder, fmt::format("cannot be synced: {}.", std::strerror(reason)));
  return {};
}

expected<void> give_name(const fs::path& partial, const fs::path& target) {
  if (::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0) {
    return sync_folder(target.parent_path());
  }
  if (errno == EEXIST) return exists_already(target);
  return refuse(errc::storage_failed, target, fmt::format("cannot be made: {}.", std::strerror(errno)));
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) total += entry.is_regular_file() ? entry.file_size() : 0;
  return total;
}

}  // namespace

expected<snapshot_info> take_snapshot(const database& db, const fs::path& wanted) try {
  const fs::path target = fs::absolute(wanted).lexically_normal();
  if (fs::exists(fs::symlink_status(target))) return exists_already(target);
  auto partial = begin_partial(target.string() + ".partial");
  if (!partial) return tl::unexpected(partial.error());
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db.raw().db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint((*partial)->path() / "db");  // flushes, so the log is short
  if (!status.ok()) return tl::unexpected(to_error(status, "taking a snapshot"));
  if (auto written = write_format((*partial)->path(), (*partial)->lock()); !written) return tl::unexpected(written.error());
  const std::uint64_t bytes = bytes_in((*partial)->path());
  if (auto named = give_name((*partial)->path(), target); !named) return tl::unexpected(named.error());
  (*partial)->keep();
  return snapshot_info{target, bytes};
} catch (const fs::filesystem_error& failed) {
  return from_file_system(failed);
}

// --- restoring ------------------------------------------------------------------------------------------------------

namespace {

/// While this folder exists and FORMAT does not, nothing but a restore accepts the directory.
constexpr const char* staging_folder = "restoring";

/// True when it is empty or holds only the remains of an interrupted restore.
bool may_be_restored_into(const fs::path& data_dir) {
  bool staged = false, others = false;
  for (const auto& entry : fs::directory_iterator(data_dir)) {
    const std::string name = entry.path().filename();
    staged = staged || name == staging_folder;
    others = others || (name != staging_folder && name != "db" && name != "lost+found");
  }
  return !others && (staged || !fs::exists(data_dir / "db"));
}

expected<void> copy_and_sync(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to);
  const int fd = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
  const bool done = fd >= 0 && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (!done) return fail(errc::storage_failed, fmt::format("{} cannot be synced: {}.", to.string(), std::strerror(reason)));
  return {};
}

/// Copies the database without its identity. The restored database gets its own, so it never takes the old one's mirror for its own.
expected<void> copy_database(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || name == "IDENTITY" || name == "LOCK" || name.starts_with("LOG")) continue;
    if (auto copied = copy_and_sync(entry.path(), to / name); !copied) return copied;
  }
  return sync_folder(to);
}

void clear(const fs::path& data_dir) {
  fs::remove_all(data_dir / "db");  // before the folder that marks a restore
  fs::remove_all(data_dir / staging_folder);
}

}  // namespace

expected<fs::path> stage_restore(const fs::path& snapshot, const fs::path& data_dir) try {
  if (auto there = prepare_directory(snapshot, {.read_only = true}); !there) return tl::unexpected(there.error());
  const auto source = lock_directory(snapshot);
  if (!source) return tl::unexpected(source.error());
  const std::shared_ptr<void> unlock(nullptr, [fd = *source](void*) { ::close(fd); });
  if (const auto format = check_format(snapshot, {.read_only = true}); !format) return tl::unexpected(format.error());
  if (auto made = prepare_directory(data_dir, {}); !made) return tl::unexpected(made.error());
  if (!may_be_restored_into(data_dir))
    return refuse(errc::conflict, data_dir, "it is not empty, and a restore overwrites nothing; give an empty or a new one.");
  clear(data_dir);
  const fs::path staging = data_dir / staging_folder;
  fs::create_directories(staging);
  if (auto synced = sync_folder(data_dir); !synced) return tl::unexpected(synced.error());
  if (auto copied = copy_database(snapshot / "db", staging / "db"); !copied) return tl::unexpected(copied.error());
  if (auto copied = copy_and_sync(snapshot / "FORMAT", staging / "FORMAT"); !copied) return tl::unexpected(copied.error());
  if (auto synced = sync_folder(staging); !synced) return tl::unexpected(synced.error());
  return staging;
} catch (const fs::filesystem_error& failed) {
  return from_file_system(failed);
}

expected<void> finish_restore(const fs::path& data_dir) try {
  const fs::path staging = data_dir / staging_folder;
  fs::rename(staging / "db", data_dir / "db");
  if (auto synced = sync_folder(data_dir); !synced) return synced;
  fs::rename(staging / "FORMAT", data_dir / "FORMAT");  // FORMAT last, as when a directory is made
  if (auto synced = sync_folder(data_dir); !synced) return synced;
  fs::remove_all(staging);
  return sync_folder(data_dir);
} catch (const fs::filesystem_error& failed) {
  return from_file_system(failed);
}

void abandon_restore(const fs::path& data_dir) {
  std::error_code ignored;
  fs::remove_all(data_dir / staging_folder, ignored);
}

}  // namespace factory
