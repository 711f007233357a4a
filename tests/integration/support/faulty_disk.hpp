#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "integration/disk_shim/disk_shim.hpp"

namespace factory::test {

/// Tells the shim of a daemon how its disk fails.
class faulty_disk {
 public:
  /// Keeps its order in a file in this directory.
  explicit faulty_disk(const std::filesystem::path& directory);
  ~faulty_disk();
  faulty_disk(const faulty_disk&) = delete;
  faulty_disk& operator=(const faulty_disk&) = delete;

  /// Of a daemon with this data directory.
  std::vector<std::string> environment(const std::filesystem::path& data) const;
  /// From now on, for files with `files` in their path.
  void fail(shim::fault how, std::string_view files);
  void heal() { order_->how = shim::fault::none; }
  std::uint32_t hits() const { return order_->hits; }

 private:
  std::filesystem::path file_;
  shim::fault_order* order_;
};

}  // namespace factory::test
