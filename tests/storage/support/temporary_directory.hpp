#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include <unistd.h>

namespace factory::test {

/// A path of its own under the temporary directory, not yet made; all in it goes with the object.
class temporary_directory {
 public:
  temporary_directory()
      : path_(std::filesystem::temp_directory_path() /
              ("factory_test_" + std::to_string(::getpid()) + "_" + std::to_string(counter_++))) {
    std::filesystem::remove_all(path_);
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  static inline std::atomic<int> counter_{0};
  std::filesystem::path path_;
};

}  // namespace factory::test
