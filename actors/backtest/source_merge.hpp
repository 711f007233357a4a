#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "actors/streams/stream_messages.hpp"

namespace factory {

/// Rows of sources that are not equally far, in the order of their times: a row waits until each source has been seen as far. Each source's rows come
/// in that order already. When more than limits::backtest_rows_merged wait, the oldest go without the sources that lag, as live.
class source_merge {
 public:
  explicit source_merge(std::vector<bool> lags) : lanes_(lags.size()) {
    for (std::size_t i = 0; i < lags.size(); ++i) lanes_[i].lags = lags[i];
  }

  void put(std::uint32_t source, std::span<const std::int64_t> times_us, std::span<const double> values,
           std::span<const std::uint8_t> flags);
  /// No older row comes of the sources that do not lag.
  void pass_time(std::int64_t until_us);
  /// Moves the rows whose turn it is, as one entry. Whether there were some.
  bool take(std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to);
  /// Likewise those up to `until_us`, whatever else may come.
  bool take_until(std::int64_t until_us, std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to);
  /// The oldest row that waits; nothing when none does.
  std::optional<std::int64_t> oldest_us() const;
  /// Likewise all that wait.
  bool take_all(std::uint64_t sequence, std::int64_t received_at_us, stream_entries& to);

 private:
  struct row {
    std::int64_t time_us;
    double value;
    std::uint8_t flags;
  };
  struct lane {
    std::deque<row> rows = {};
    std::int64_t seen_us = INT64_MIN;
    bool lags = false;
  };

  std::vector<lane> lanes_;
  std::size_t waiting_ = 0;
};

}  // namespace factory
