// LD_PRELOAD: stands between a daemon and the files of its data directory. Records every change, so that a test can work out what a
// power cut would have left (support/power_cut.hpp), and makes calls fail on order. Other files and sockets pass untouched.
// Not seen: stores through mmap (SQLite's -shm alone, which it makes anew) and what is done by other system calls than these.
#include "integration/disk_shim/disk_shim.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace factory::test::shim;

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

class shim {
 public:
  static shim& get() {
    static shim& it = *new shim;
    return it;
  }

  std::mutex mutex;  ///< one change at a time, so that the record has them in their order

  bool covers(const char* path) const {
    return !directory_.empty() && std::string_view(path).starts_with(directory_) &&
           (path[directory_.size()] == '/' || path[directory_.size()] == 0);
  }
  bool tracked(int fd) const {
    return fd >= 0 && static_cast<std::size_t>(fd) < paths_.size() && !paths_[static_cast<std::size_t>(fd)].empty();
  }
  const std::string& path(int fd) const { return paths_[static_cast<std::size_t>(fd)]; }
  void track(int fd, const char* path) {
    if (static_cast<std::size_t>(fd) < paths_.size()) paths_[static_cast<std::size_t>(fd)] = path;
  }
  void forget(int fd) { paths_[static_cast<std::size_t>(fd)].clear(); }

  bool recording() const { return record_ >= 0; }
  void append(record_head head, std::string_view name = {}, const void* data = nullptr) const {
    if (!recording()) return;
    head.name_bytes = static_cast<std::uint32_t>(name.size());
    const iovec parts[] = {
        {&head, sizeof head}, {const_cast<char*>(name.data()), name.size()}, {const_cast<void*>(data), head.data_bytes}};
    if (::writev(record_, parts, 3) < 0) std::abort();
  }

  /// True, and errno set, when this kind of fault is ordered for the file.
  bool fails(fault how, int code, std::string_view path) const {
    if (order_ == nullptr || order_->how.load() != how || path.find(order_->files) == std::string_view::npos) return false;
    order_->hits.fetch_add(1);
    errno = code;
    return true;
  }
  /// statvfs shows a full disk only after a write has failed; until then it reports room.
  bool known_to_be_full() const {
    return order_ != nullptr && order_->how.load() == fault::no_space && order_->files[0] == 0 && order_->hits.load() > 0;
  }
  bool refuses_change(std::string_view path) const {
    return fails(fault::read_only, EROFS, path) || fails(fault::no_space, ENOSPC, path) || fails(fault::over_quota, EDQUOT, path);
  }
  bool refuses_write(std::string_view path) const { return refuses_change(path) || fails(fault::failing_write, EIO, path); }

 private:
  shim() : paths_(1U << 16U) {
    auto* const open_next = next<int(const char*, int, ...)>("open");
    if (const char* directory = std::getenv("FACTORY_SHIM_DIR")) directory_ = directory;
    if (const char* record = std::getenv("FACTORY_SHIM_RECORD"))
      record_ = open_next(record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (const char* file = std::getenv("FACTORY_SHIM_FAULT")) {
      const int fd = open_next(file, O_RDWR | O_CLOEXEC);
      order_ = static_cast<fault_order*>(::mmap(nullptr, sizeof(fault_order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    }
  }

  std::string directory_;
  std::vector<std::string> paths_;  // by descriptor; empty = none of ours
  int record_ = -1;
  fault_order* order_ = nullptr;
};

int open_file(const char* path, int flags, mode_t mode) {
  static auto* const real = next<int(const char*, int, ...)>("open");
  shim& it = shim::get();
  if (!it.covers(path)) return real(path, flags, mode);
  const std::lock_guard lock(it.mutex);
  const bool there = ::access(path, F_OK) == 0;
  const bool changes = (flags & O_TRUNC) != 0 || (!there && (flags & O_CREAT) != 0);
  if (changes && it.refuses_change(path)) return -1;
  if ((flags & O_ACCMODE) != O_RDONLY && it.fails(fault::read_only, EROFS, path)) return -1;
  const int fd = real(path, flags, mode);
  if (fd < 0) return fd;
  it.track(fd, path);
  it.append({there ? op::open : op::create, fd}, path);
  if (there && (flags & O_TRUNC) != 0) it.append({op::truncate, fd});
  return fd;
}

/// `real` writes at most the given bytes; `place` is where, -1 for the descriptor's own.
template <class Real>
ssize_t write_file(int fd, const void* data, std::size_t size, off_t place, Real real) {
  shim& it = shim::get();
  if (!it.tracked(fd)) return real(size);
  const std::lock_guard lock(it.mutex);
  if (it.refuses_write(it.path(fd))) return -1;
  if (size > 1 && it.fails(fault::short_write, 0, it.path(fd))) size /= 2;
  const ssize_t written = real(size);
  if (written <= 0) return written;
  const off_t offset = place >= 0 ? place : ::lseek(fd, 0, SEEK_CUR) - written;
  it.append({op::write, fd, 0, static_cast<std::uint32_t>(written), static_cast<std::uint64_t>(offset)}, {}, data);
  return written;
}

template <class Real>
int truncate_file(int fd, off_t size, Real real) {
  shim& it = shim::get();
  if (!it.tracked(fd)) return real();
  const std::lock_guard lock(it.mutex);
  if (it.refuses_write(it.path(fd))) return -1;
  const int done = real();
  if (done == 0) it.append({op::truncate, fd, 0, 0, static_cast<std::uint64_t>(size)});
  return done;
}

/// While recording, nothing needs to reach the real disk, because the record has it.
template <class Real>
int sync_file(int fd, Real real) {
  shim& it = shim::get();
  if (!it.tracked(fd)) return real();
  const std::lock_guard lock(it.mutex);
  if (it.fails(fault::failing_sync, EIO, it.path(fd))) return -1;
  const int done = it.recording() ? 0 : real();
  if (done == 0) it.append({op::sync, fd});
  return done;
}

/// A change of names.
template <class Real>
int change_names(op what, const char* path, const char* other, Real real) {
  shim& it = shim::get();
  if (!it.covers(path)) return real();
  const std::lock_guard lock(it.mutex);
  if (what == op::remove ? it.fails(fault::read_only, EROFS, path) : it.refuses_change(path)) return -1;
  const int done = real();
  std::string name = path;
  if (other != nullptr) name.append(1, 0).append(other);
  if (done == 0) it.append({what}, name);
  return done;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_file(path, flags, mode);
}
int close(int fd) {
  static auto* const real = next<int(int)>("close");
  shim& it = shim::get();
  if (!it.tracked(fd)) return real(fd);
  const std::lock_guard lock(it.mutex);
  it.forget(fd);
  return real(fd);
}
ssize_t write(int fd, const void* data, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  return write_file(fd, data, size, -1, [&](std::size_t n) { return real(fd, data, n); });
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t place) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
  return write_file(fd, data, size, place, [&](std::size_t n) { return real(fd, data, n, place); });
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off_t place) { return pwrite(fd, data, size, place); }
int ftruncate(int fd, off_t size) noexcept {
  static auto* const real = next<int(int, off_t)>("ftruncate");
  return truncate_file(fd, size, [&] { return real(fd, size); });
}
int ftruncate64(int fd, off_t size) noexcept { return ftruncate(fd, size); }
int fsync(int fd) {
  static auto* const real = next<int(int)>("fsync");
  return sync_file(fd, [&] { return real(fd); });
}
int fdatasync(int fd) {
  static auto* const real = next<int(int)>("fdatasync");
  return sync_file(fd, [&] { return real(fd); });
}
int statvfs(const char* path, struct statvfs* out) noexcept {
  static auto* const real = next<int(const char*, struct statvfs*)>("statvfs");
  const int done = real(path, out);
  if (shim::get().covers(path) && shim::get().known_to_be_full()) out->f_bavail = out->f_bfree = 0;
  return done;
}
int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  return change_names(op::rename, from, to, [&] { return real(from, to); });
}
int link(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("link");
  return change_names(op::link, from, to, [&] { return real(from, to); });
}
int unlink(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("unlink");
  return change_names(op::remove, path, nullptr, [&] { return real(path); });
}
int remove(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("remove");
  return change_names(op::remove, path, nullptr, [&] { return real(path); });
}
int rmdir(const char* path) noexcept {
  static auto* const real = next<int(const char*)>("rmdir");
  return change_names(op::remove, path, nullptr, [&] { return real(path); });
}
int mkdir(const char* path, mode_t mode) noexcept {
  static auto* const real = next<int(const char*, mode_t)>("mkdir");
  return change_names(op::make_directory, path, nullptr, [&] { return real(path, mode); });
}
}
