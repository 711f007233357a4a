#include "storage/base/data_format.hpp"

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

/// Entries that a directory may contain when a crash came before FORMAT was written.
bool is_fresh(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name != "db" && name != "lost+found" && name != "FORMAT.new") return false;
  }
  return true;
}

}  // namespace

tl::unexpected<error> refuse(errc code, const fs::path& directory, std::string_view what_and_what_to_do) {
  return fail(code, fmt::format("Data directory {}: {}", directory.string(), what_and_what_to_do));
}

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
    if (failed)
      return refuse(errc::storage_failed, directory,
                    fmt::format("cannot be created: {}; check the permissions of the folders above it.", failed.message()));
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

}  // namespace factory
