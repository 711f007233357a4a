#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/model/near_end.hpp"

namespace factory {

/// The newest readings of one sensor as two columns in event-time order, times unique. The owner drops what it needs no longer.
/// Nothing is allocated before the first row; what is dropped leaves its room to what comes.
class recent_rows {
 public:
  std::size_t size() const { return times_us_.size() - begin_; }
  bool empty() const { return size() == 0; }
  std::span<const std::int64_t> times_us() const { return std::span(times_us_).subspan(begin_); }
  std::span<const double> values() const { return std::span(values_).subspan(begin_); }
  std::int64_t newest_us() const { return times_us_.back(); }  ///< REQUIRES !empty()
  double newest_value() const { return values_.back(); }       ///< likewise

  /// The first row that is not older than `time_us`; size() when there is none.
  std::size_t lower_bound(std::int64_t time_us) const {
    const auto* const times = times_us_.data() + begin_;
    return lower_bound_near_end(size(), time_us, [times](std::size_t row) { return times[row]; });
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
    const auto at = static_cast<std::ptrdiff_t>(begin_ + row);
    times_us_.insert(times_us_.begin() + at, times_us.begin(), times_us.end());
    values_.insert(values_.begin() + at, values.begin(), values.end());
  }
  void replace(std::size_t row, double value) { values_[begin_ + row] = value; }
  void erase(std::size_t row) {
    const auto at = static_cast<std::ptrdiff_t>(begin_ + row);
    times_us_.erase(times_us_.begin() + at);
    values_.erase(values_.begin() + at);
  }
  void drop_front(std::size_t count) { begin_ += static_cast<std::uint32_t>(count); }
  void clear() {
    times_us_.clear();
    values_.clear();
    begin_ = 0;
  }

  bool operator==(const recent_rows& other) const {
    return std::ranges::equal(times_us(), other.times_us()) && std::ranges::equal(values(), other.values());
  }

 private:
  /// Dropped rows are overwritten before more memory is asked for, unless there are too few of them for that to pay.
  void make_room(std::size_t count) {
    const std::size_t wanted = times_us_.size() + count;
    if (wanted <= times_us_.capacity() && wanted <= values_.capacity()) return;
    const auto dropped = static_cast<std::ptrdiff_t>(std::exchange(begin_, 0));
    times_us_.erase(times_us_.begin(), times_us_.begin() + dropped);
    values_.erase(values_.begin(), values_.begin() + dropped);
    if (static_cast<std::size_t>(dropped) >= count + wanted / 8) return;
    const std::size_t room = std::max(times_us_.size() + count, times_us_.capacity() + times_us_.capacity() / 2);
    times_us_.reserve(room);
    values_.reserve(room);
  }

  std::vector<std::int64_t> times_us_;
  std::vector<double> values_;
  std::uint32_t begin_ = 0;  ///< rows before it are dropped
};

/// Appended; get_rows reads them from the front of `in` and advances it, and returns false, leaving both anywhere, when damaged.
void put_rows(std::string& out, const recent_rows& rows);
bool get_rows(std::string_view& in, recent_rows& rows);
bool get_rows(std::string_view& in, std::uint64_t count, recent_rows& rows);  ///< likewise, of a record without its count

}  // namespace factory
