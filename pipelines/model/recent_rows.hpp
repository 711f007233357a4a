#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "pipelines/model/near_end.hpp"

namespace factory {

/// The newest readings of one sensor as two columns in event-time order, times unique. The owner drops what it needs no longer.
/// Nothing is allocated before the first row; what is dropped leaves its room to what comes.
///
/// One block of memory: `room_` times, then as many values. Rows are the places [begin_, end_) of both; what is before is dropped.
class recent_rows {
 public:
  recent_rows() = default;
  recent_rows(const recent_rows& other) { insert(0, other.times_us(), other.values()); }
  recent_rows(recent_rows&& other) noexcept { swap(other); }
  recent_rows& operator=(recent_rows other) noexcept {
    swap(other);
    return *this;
  }
  ~recent_rows() = default;

  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return size() == 0; }
  std::span<const std::int64_t> times_us() const { return {times() + begin_, size()}; }
  std::span<const double> values() const { return {column() + begin_, size()}; }
  std::int64_t newest_us() const { return times()[end_ - 1]; }  ///< REQUIRES !empty()
  double newest_value() const { return column()[end_ - 1]; }    ///< likewise

  /// The first row that is not older than `time_us`; size() when there is none.
  std::size_t lower_bound(std::int64_t time_us) const {
    const auto* const first = times() + begin_;
    return lower_bound_near_end(size(), time_us, [first](std::size_t row) { return first[row]; });
  }
  /// The first row that is newer than `time_us`.
  std::size_t upper_bound(std::int64_t time_us) const { return time_us == INT64_MAX ? size() : lower_bound(time_us + 1); }
  std::optional<double> at(std::int64_t time_us) const {
    const auto row = lower_bound(time_us);
    if (row == size() || times_us()[row] != time_us) return std::nullopt;
    return values()[row];
  }

  /// Rows in time order, all newer than the newest (REQUIRED).
  void append(std::span<const std::int64_t> times_us, std::span<const double> values) { insert(size(), times_us, values); }
  /// Rows in time order, all between the rows before and at `row` (REQUIRED).
  void insert(std::size_t row, std::span<const std::int64_t> times_us, std::span<const double> values) {
    make_room(values.size());
    const auto at = begin_ + row;
    put_between(times(), at, times_us);
    put_between(column(), at, values);
    end_ += static_cast<std::uint32_t>(values.size());
  }
  void replace(std::size_t row, double value) { column()[begin_ + row] = value; }
  void erase(std::size_t row) {
    const auto at = begin_ + row;
    std::copy(times() + at + 1, times() + end_, times() + at);
    std::copy(column() + at + 1, column() + end_, column() + at);
    --end_;
  }
  void drop_front(std::size_t count) { begin_ += static_cast<std::uint32_t>(count); }
  void clear() { begin_ = end_ = 0; }

  /// Asks the processor for where the next rows come, and for the value of the row `back` rows before. Inlined always: see reading_batch.
  [[gnu::always_inline]] void fetch_ahead(std::size_t back) const {
    __builtin_prefetch(times() + end_, 1);
    __builtin_prefetch(column() + end_, 1);
    if (back <= size()) __builtin_prefetch(column() + end_ - back);
  }
  [[gnu::always_inline]] void fetch_time_ahead(std::size_t back) const {
    if (back <= size()) __builtin_prefetch(times() + end_ - back);
  }

  bool operator==(const recent_rows& other) const {
    return std::ranges::equal(times_us(), other.times_us()) && std::ranges::equal(values(), other.values());
  }

 private:
  struct give_back {
    void operator()(void* memory) const { ::operator delete(memory); }
  };
  using block = std::unique_ptr<void, give_back>;

  std::int64_t* times() const { return static_cast<std::int64_t*>(memory_.get()); }
  double* column() const { return reinterpret_cast<double*>(times() + room_); }

  template <class T>
  void put_between(T* column, std::size_t at, std::span<const T> what) {
    if (at < end_) std::copy_backward(column + at, column + end_, column + end_ + what.size());
    std::copy(what.begin(), what.end(), column + at);
  }

  /// Dropped rows are overwritten before more memory is asked for, unless there are too few of them for that to pay.
  void make_room(std::size_t count) {
    if (end_ + count <= room_) return;
    const std::size_t dropped = begin_, wanted = end_ + count;
    if (dropped >= count + wanted / 8)
      move_to(times(), column());
    else
      grow(std::max(size() + count, room_ + room_ / growth));
  }
  void grow(std::size_t room) {
    static_assert(sizeof(std::int64_t) == sizeof(double) && alignof(std::int64_t) >= alignof(double));
    block memory(::operator new(room * 2 * sizeof(double)));
    auto* const to = static_cast<std::int64_t*>(memory.get());
    move_to(to, reinterpret_cast<double*>(to + room));
    memory_ = std::move(memory);
    room_ = static_cast<std::uint32_t>(room);
  }
  void move_to(std::int64_t* to_times, double* to_column) {
    std::copy(times() + begin_, times() + end_, to_times);
    std::copy(column() + begin_, column() + end_, to_column);
    end_ -= begin_;
    begin_ = 0;
  }
  void swap(recent_rows& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(room_, other.room_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

  static constexpr std::size_t growth = 4;  ///< by a quarter: a busy sensor always has as many rows as it may keep

  block memory_;
  std::uint32_t room_ = 0;
  std::uint32_t begin_ = 0, end_ = 0;
};

/// Appended; get_rows reads them from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_rows(std::string& out, const recent_rows& rows);
bool get_rows(std::string_view& in, recent_rows& rows);
bool get_rows(std::string_view& in, std::uint64_t count, recent_rows& rows);  ///< likewise, of a record without its count

}  // namespace factory
