#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace factory::test {

/// The changes that a daemon under disk_shim made to its data directory, and the directory that a power cut at any of them leaves.
///
/// Certain after a cut: the bytes of a file as of its last fsync, and the names of a directory as of the directory's last fsync. A name that
/// was not synced is lost even if its file was synced. The rest may or may not survive; see `survival`.
class disk_record {
 public:
  /// `before` is a copy of the directory as the daemon found it, all of it on disk; need not exist.
  disk_record(const std::filesystem::path& record, std::filesystem::path directory, const std::filesystem::path& before);

  enum class survival {
    nothing,  ///< nothing that was not synced
    prefix,   ///< of each file and each directory the first so many changes, the last of them torn
    any,      ///< of a file any of its writes, zeros between them; of a directory the first so many changes
  };
  std::uint64_t size() const { return record_.size(); }  ///< bytes
  /// Writes the directory as a cut behind byte `at` leaves it to `where`, which must not exist.
  void after_cut(std::uint64_t at, survival what, std::mt19937_64& random, const std::filesystem::path& where) const;

 private:
  struct state;
  std::string record_;
  std::string directory_;
  std::map<std::string, std::string> before_;  // by path in the directory
};

}  // namespace factory::test
