#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace factory {

/// The bytes of one body, in one piece. Grows with what has arrived, never with what a length promised, and always keeps
/// `padding_bytes` writable bytes behind the last one, so that simdjson can read it in place.
class body_buffer {
 public:
  static constexpr std::size_t padding_bytes = 64;

  std::string_view view() const { return {data_.get(), size_}; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  void clear() { size_ = 0; }

  void append(std::string_view bytes) {
    std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  /// Where `wanted` bytes can be written after the last one. commit() then adds the written ones to the body.
  std::span<char> room(std::size_t wanted) {
    if (capacity_ - size_ < wanted + padding_bytes || capacity_ == 0) grow(size_ + wanted + padding_bytes);
    return {data_.get() + size_, wanted};
  }
  void commit(std::size_t written) { size_ += written; }
  /// Bytes that room() can give without moving the body.
  std::size_t spare() const { return capacity_ > size_ + padding_bytes ? capacity_ - size_ - padding_bytes : 0; }

 private:
  void grow(std::size_t needed) {
    const std::size_t capacity = std::max(needed, capacity_ * 2);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

/// One thread's spare body buffer: a connection takes it when a body begins and gives it back with its answer, so that idle
/// connections hold none and busy ones do not allocate. Not thread-safe.
class buffer_pool {
 public:
  body_buffer take() { return std::exchange(spare_, {}); }
  void give(body_buffer used) {
    used.clear();
    if (used.capacity() > spare_.capacity() && used.capacity() <= kept_bytes) spare_ = std::move(used);
  }

 private:
  static constexpr std::size_t kept_bytes = 2UL << 20;
  body_buffer spare_;
};

}  // namespace factory
