#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pipelines/model/result.hpp"

namespace factory::replay {

/// A file or standard input as plain text in UTF-8, read from front to end. gzip, zstd and UTF-16 are told by their first bytes.
class byte_source {
 public:
  /// "-": standard input. The errors say which file and why.
  static expected<std::unique_ptr<byte_source>> open(const std::string& path);
  ~byte_source();

  /// Up to `room` bytes; 0 = the end. malformed when compressed data is damaged or ends too early.
  expected<std::size_t> read(char* out, std::size_t room);
  std::uint64_t file_bytes() const;       ///< as stored; 0 when not known
  std::uint64_t file_bytes_read() const;  ///< of those, for the progress bar

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  explicit byte_source(std::unique_ptr<impl> opened);
};

}  // namespace factory::replay
