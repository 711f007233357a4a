#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "replay/byte_source.hpp"

namespace factory::replay {

/// The stretch of a text that is in memory: filled at its end, taken at its front.
class text_window {
 public:
  explicit text_window(byte_source& source) : source_(source) {}

  /// Reads until `bytes` are in view or the text ends.
  expected<void> need(std::size_t bytes);
  std::string_view view() const { return {buffer_.data() + begin_, end_ - begin_}; }
  bool last() const { return last_; }  ///< nothing comes behind view()
  void take(std::size_t bytes);
  std::uint64_t offset() const { return offset_; }  ///< of view() in the text
  /// Goes on at `offset`, which lies ahead; malformed when the text ends before it.
  expected<void> skip_to(std::uint64_t offset);

 private:
  byte_source& source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t offset_ = 0;
  bool last_ = false;
};

}  // namespace factory::replay
