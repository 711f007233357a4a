#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace factory::test {

/// A disk of 300 MB of its own; needs the right to mount.
class small_disk {
 public:
  explicit small_disk(const std::filesystem::path& where) : where_(where) {
    std::filesystem::create_directories(where);
    mounted_ = ::mount("tmpfs", where.c_str(), "tmpfs", 0, "size=300m") == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(where_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  bool mounted() const { return mounted_; }

  /// Leaves less than limits::disk_reserve_bytes.
  void fill() const {
    const int file = ::open(ballast().c_str(), O_CREAT | O_WRONLY, 0600);
    if (file < 0 || ::posix_fallocate(file, 0, 200L << 20U) != 0)
      throw std::filesystem::filesystem_error("ballast", ballast(), {});
    ::close(file);
  }
  void clear() const { std::filesystem::remove(ballast()); }

 private:
  std::filesystem::path ballast() const { return where_ / "ballast"; }
  std::filesystem::path where_;
  bool mounted_ = false;
};

}  // namespace factory::test
