#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace factory {

/// A value that copies share until one of them is changed: a sensor's state is copied often (revisable.hpp), and what is large in it changes
/// rarely. Nothing is allocated before the first change. REQUIRES: the copies belong to one thread at a time: they are counted without atomics,
/// which would be the dearest part of a copy.
template <class T>
class shared_value {
 public:
  shared_value() = default;
  shared_value(const shared_value& other) : held_(other.held_) {
    if (held_) ++held_->owners;
  }
  shared_value(shared_value&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  shared_value& operator=(const shared_value& other) {
    if (held_ != other.held_) shared_value(other).swap(*this);
    return *this;
  }
  shared_value& operator=(shared_value&& other) noexcept {
    shared_value(std::move(other)).swap(*this);
    return *this;
  }
  ~shared_value() {
    if (held_ && --held_->owners == 0) delete held_;
  }

  const T& read() const {
    static const T fresh{};
    return held_ ? held_->value : fresh;
  }
  T& change() {
    if (!held_)
      held_ = new counted{};
    else if (held_->owners > 1)
      shared_value(new counted{1, held_->value}).swap(*this);
    return held_->value;
  }
  /// Asks the processor for all of it. Inlined always: see reading_batch.
  [[gnu::always_inline]] void fetch_ahead() const {
    for (std::size_t at = 0; held_ && at < sizeof(counted); at += 64)
      __builtin_prefetch(reinterpret_cast<const char*>(held_) + at);
  }
  bool is_fresh() const { return held_ == nullptr; }  ///< never changed

  bool operator==(const shared_value& other) const { return held_ == other.held_ || read() == other.read(); }
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    bool is_there = !self.is_fresh();
    visit(is_there);
    if constexpr (std::is_const_v<Self>) {
      if (is_there) visit(self.read());
    } else {
      self = {};
      if (is_there) visit(self.change());
    }
  }

 private:
  struct counted {
    std::size_t owners = 1;
    T value{};
  };
  explicit shared_value(counted* held) : held_(held) {}
  void swap(shared_value& other) noexcept { std::swap(held_, other.held_); }

  counted* held_ = nullptr;
};

/// Visits what a shared value holds as it were there by itself. Read back, it is held when `is_there` says so of it.
template <class T, class Visit, class IsThere>
void visit_plainly(const shared_value<T>& value, Visit& visit, IsThere) {
  visit(value.read());
}
template <class T, class Visit, class IsThere>
void visit_plainly(shared_value<T>& value, Visit& visit, IsThere is_there) {
  T read;
  visit(read);
  value = {};
  if (is_there(read)) value.change() = std::move(read);
}

}  // namespace factory
