#pragma once

#include "storage/series/block_finder.hpp"

#include <functional>
#include <map>
#include <utility>

namespace factory {

/// For this room only: the rows of a sensor as a cut sees them, window by window. A window ends where blocks begin, so that reading
/// on decodes each block once where blocks do not overlap. A block that reaches into the next window stays open.
class window_reader {
 public:
  window_reader(const sensor_cut& cut, const database::impl& rocks, asker who);

  block_finder& blocks() { return blocks_; }
  /// True when a block on disk is also in the cut's `sealing`; then the one in `sealing` counts.
  bool is_sealing(const block_key& key) const;

  /// Calls `visit` with non-empty runs that follow each other in time (or precede, with rows still ascending, in
  /// `descending` order) until it returns false.
  using visitor = std::function<bool(reading_run)>;
  expected<void> ascending(const time_range& range, const visitor& visit);
  /// `about` is how many rows the caller needs, if it passes over none: windows are as large as that takes.
  expected<void> descending(const time_range& range, std::size_t about, const visitor& visit);

 private:
  expected<reading_run> window(const time_range& range);
  expected<reading_run> rows_of(const block_key& key, const summary& header, std::string_view bytes, const time_range& range);

  const sensor_cut& cut_;
  block_finder blocks_;
  struct open_rows {
    reading_run rows;
    bool used = true;  ///< by the current window
  };
  std::map<std::pair<std::uint32_t, std::int64_t>, open_rows> open_;  // by number and first time
};

}  // namespace factory
