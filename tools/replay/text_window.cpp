#include "replay/text_window.hpp"

#include <algorithm>
#include <cstring>

namespace factory::replay {

expected<void> text_window::need(std::size_t bytes) {
  if (end_ - begin_ >= bytes || last_) return {};
  if (begin_ != 0) std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < bytes) buffer_.resize(bytes);
  while (end_ < bytes) {
    const auto got = source_.read(buffer_.data() + end_, buffer_.size() - end_);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) {
      last_ = true;
      break;
    }
    end_ += *got;
  }
  return {};
}

void text_window::take(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

expected<void> text_window::skip_to(std::uint64_t offset) {
  while (offset_ < offset) {
    if (auto read = need(std::min<std::uint64_t>(offset - offset_, 1U << 20)); !read) return read;
    if (view().empty()) return fail(errc::malformed, "the file is shorter than what was sent of it");
    take(std::min<std::uint64_t>(view().size(), offset - offset_));
  }
  return {};
}

}  // namespace factory::replay
