#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "pipelines/model/result.hpp"
#include "replay/reader.hpp"

namespace factory::replay {

/// How far a file was sent, kept beside it as `<file>.replay` (or in $XDG_STATE_HOME when its folder cannot be written).
/// Text, a member a line; replaced as a whole, so that it is never half there.
class resume_file {
 public:
  /// `digest`: what of the command line must be the same when it is taken up again.
  resume_file(const std::filesystem::path& file, std::string digest);

  /// Where to go on; nullopt when nothing is kept. conflict when the file or the options are not what they were.
  expected<std::optional<place>> load() const;
  expected<void> save(const place& acknowledged) const;
  void remove() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  struct stamp {
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const stamp&) const = default;
  };
  static expected<stamp> stamp_of(const std::filesystem::path& file);

  std::filesystem::path file_, path_;
  std::string digest_;
};

}  // namespace factory::replay
