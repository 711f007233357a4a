#include "storage/database.hpp"

#include "storage/rocks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <system_error>

namespace factory {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view format_prefix = "factory-monitor data ";
constexpr std::uint32_t format_version = 1;

tl::unexpected<error> refuse(errc code, const fs::path& directory, std::string_view what_and_what_to_do) {
  return fail(code, fmt::format("Data directory {}: {}", directory.string(), what_and_what_to_do));
}

/// Things that may lie in a directory whose creation was cut short before FORMAT was written.
bool is_fresh(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name != "db" && name != "lost+found" && name != "FORMAT.new") return false;
  }
  return true;
}

/// With those above it that are missing. A name is there after a power cut only when the directory that holds it was synced.
std::error_code make_directory(const fs::path& directory) {
  std::error_code failed;
  if (directory.empty() || fs::exists(directory, failed) || failed) return failed;
  const fs::path parent = directory.parent_path();
  if (failed = make_directory(parent); failed) return failed;
  if (fs::create_directory(directory, failed); failed) return failed;
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) failed.assign(errno, std::generic_category());
  if (fd >= 0) ::close(fd);
  return failed;
}

expected<void> prepare_directory(const fs::path& directory, const database::options& how) {
  std::error_code failed;
  if (!fs::exists(directory, failed)) {
    if (!how.create || how.read_only) return refuse(errc::not_found, directory, "there is no such directory; check the path.");
    failed = make_directory(directory);
    if (failed) return refuse(errc::storage_failed, directory, fmt::format("cannot be created: {}.", failed.message()));
  }
  if (!fs::is_directory(directory, failed))
    return refuse(errc::invalid, directory, "is a file, not a directory; give another path.");
  if (::faccessat(AT_FDCWD, directory.c_str(), how.read_only ? R_OK | X_OK : R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return refuse(errc::storage_failed, directory,
                  fmt::format("no permission to {} here ({}); change its owner or run as another user.",
                              how.read_only ? "read" : "write", std::strerror(errno)));
  }
  return {};
}

expected<int> lock_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return refuse(errc::storage_failed, directory, fmt::format("cannot be opened: {}.", std::strerror(errno)));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int reason = errno;
  ::close(fd);
  if (reason == EWOULDBLOCK) {
    return refuse(errc::conflict, directory,
                  "another process is using it, most likely a running factoryd; stop that first or give another directory.");
  }
  return refuse(errc::storage_failed, directory, fmt::format("cannot be locked: {}.", std::strerror(reason)));
}

/// True when the directory was made before; false when it is to be made now.
expected<bool> check_format(const fs::path& directory, const database::options& how) {
  std::ifstream file(directory / "FORMAT");
  if (!file) {
    if (!is_fresh(directory)) {
      return refuse(errc::invalid, directory,
                    "it holds other files and no FORMAT, so it is not a data directory; give an empty or a new one.");
    }
    if (!how.create || how.read_only)
      return refuse(errc::not_found, directory, "it is empty, there is no data in it; check the path.");
    return false;
  }
  std::string line;
  std::getline(file, line);
  std::uint32_t version = 0;
  const char* digits = line.data() + std::min(line.size(), format_prefix.size());
  const auto [end, problem] = std::from_chars(digits, line.data() + line.size(), version);
  if (!line.starts_with(format_prefix) || problem != std::errc() || end != line.data() + line.size() || version == 0) {
    return refuse(errc::corrupt, directory,
                  fmt::format("its file FORMAT is damaged; it should read `{}{}`.", format_prefix, format_version));
  }
  if (version > format_version) {
    return refuse(errc::invalid, directory,
                  fmt::format("it was written by a newer Factory Monitor (format {}, this one knows {}); run the newer one.",
                              version, format_version));
  }
  return true;
}

expected<void> write_format(const fs::path& directory, int directory_fd) {
  const std::string text = fmt::format("{}{}\n", format_prefix, format_version);
  const fs::path fresh = directory / "FORMAT.new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int reason = errno;
  if (fd >= 0) ::close(fd);
  if (!written || ::rename(fresh.c_str(), (directory / "FORMAT").c_str()) != 0 || ::fsync(directory_fd) != 0) {
    return refuse(reason == ENOSPC ? errc::storage_full : errc::storage_failed, directory,
                  fmt::format("FORMAT cannot be written: {}.", std::strerror(written ? errno : reason)));
  }
  return {};
}

expected<void> open_rocks(database::impl& it, bool exists, bool read_only) {
  const std::string path = it.directory / "db";
  if (exists && !fs::exists(fs::path(path) / "CURRENT")) {
    return refuse(errc::corrupt, it.directory, "its database is gone (no db/CURRENT); restore the newest snapshot.");
  }
  const rocksdb::DBOptions options = database_options(!exists);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = read_only ? rocksdb::DB::OpenForReadOnly(options, path, column_descriptors(), &handles, &opened)
                                           : rocksdb::DB::Open(options, path, column_descriptors(), &handles, &opened);
  if (!status.ok()) {
    const error reason = to_error(status, "opening its database");
    return refuse(reason.code, it.directory, reason.message);
  }
  it.db.reset(opened);
  for (std::size_t i = 0; i < column_count; ++i) it.columns[i] = handles[i];
  (void)it.db->DestroyColumnFamilyHandle(handles[column_count]);  // the default one: nothing is in it
  return {};
}

}  // namespace

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
  if (auto opened = open_rocks(*it, *exists, how.read_only); !opened) return tl::unexpected(opened.error());
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

std::string database::id() const {
  std::string text;
  (void)impl_->db->GetDbIdentity(text);
  return text;
}

std::uint64_t database::bytes_on_disk() const {
  std::uint64_t total = 0;
  std::error_code ignored;  // files come and go while we look
  for (fs::recursive_directory_iterator at(impl_->directory, ignored), end; at != end; at.increment(ignored)) {
    if (ignored) break;
    std::error_code gone;
    const auto size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) total += size;
  }
  return total;
}

std::uint64_t database::fsync_count() const { return impl_->fsyncs.load(std::memory_order_relaxed); }

double database::fsync_seconds() const {
  return static_cast<double>(impl_->fsync_nanoseconds.load(std::memory_order_relaxed)) / 1e9;
}

}  // namespace factory
