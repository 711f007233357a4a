#include "replay/resume_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

namespace factory::replay {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view first_line = "factory-replay 1";

fs::path state_home() {
  if (const char* set = std::getenv("XDG_STATE_HOME"); set != nullptr && *set == '/') return fs::path(set) / "factory-replay";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr && *home == '/' ? home : "/tmp") / ".local/state/factory-replay";
}

fs::path path_for(const fs::path& file) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(file, ignored).lexically_normal();
  if (::access(whole.parent_path().c_str(), W_OK) == 0) return whole.string() + ".replay";
  std::string flat = whole.string();
  for (char& c : flat) c = c == '/' ? '%' : c;
  return state_home() / (flat + ".replay");
}

tl::unexpected<error> not_written(const fs::path& path) {
  return fail(errc::storage_failed,
              fmt::format("cannot write {}: {}; --resume will not know how far this went", path.string(), std::strerror(errno)));
}

}  // namespace

resume_file::resume_file(const fs::path& file, std::string digest)
    : file_(file), path_(path_for(file)), digest_(std::move(digest)) {}

expected<resume_file::stamp> resume_file::stamp_of(const fs::path& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0)
    return fail(errc::not_found, fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
  return stamp{static_cast<std::uint64_t>(about.st_size), about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec};
}

expected<std::optional<place>> resume_file::load() const {
  std::ifstream in(path_);
  if (!in) return std::nullopt;
  std::string head, digest;
  stamp then;
  place from;
  std::getline(in, head);
  in >> then.bytes >> then.changed_ns >> from.bytes >> from.row >> from.line >> std::ws;
  std::getline(in, digest);
  if (head != first_line || !in) {
    return fail(errc::corrupt,
                fmt::format("{} is not what this program wrote; delete it and replay the whole file", path_.string()));
  }
  const auto now = stamp_of(file_);
  if (!now) return tl::unexpected(now.error());
  if (then != *now) {
    return fail(errc::conflict,
                fmt::format("{} has changed since it was interrupted; delete {} and replay the whole file (readings that are "
                            "stored already are recognised)",
                            file_.string(), path_.string()));
  }
  if (digest != digest_) {
    return fail(
        errc::conflict,
        fmt::format("the options are not those of the run that was interrupted; give the same, or delete {}", path_.string()));
  }
  return from;
}

expected<void> resume_file::save(const place& acknowledged) const {
  const auto now = stamp_of(file_);
  if (!now) return tl::unexpected(now.error());
  std::error_code ignored;
  fs::create_directories(path_.parent_path(), ignored);
  const std::string text = fmt::format("{}\n{} {} {} {} {}\n{}\n", first_line, now->bytes, now->changed_ns, acknowledged.bytes,
                                       acknowledged.row, acknowledged.line, digest_);
  const std::string next = path_.string() + ".new";
  const int out = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) return not_written(path_);
  const bool written = ::write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(out) == 0;
  ::close(out);
  if (!written || ::rename(next.c_str(), path_.c_str()) != 0) return not_written(path_);
  return {};
}

void resume_file::remove() const {
  std::error_code ignored;
  fs::remove(path_, ignored);
}

}  // namespace factory::replay
