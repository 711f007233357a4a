#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/limit_state.hpp"
#include "pipelines/detect/detector_set.hpp"
#include "pipelines/model/recent_rows.hpp"
#include "pipelines/stream/interpolated_join.hpp"
#include "pipelines/stream/sliding_values.hpp"
#include "pipelines/stream/stream_plan.hpp"
#include "pipelines/stream/stream_result.hpp"
#include "pipelines/stream/window_values.hpp"

namespace factory {

/// Where a reading of one of `count` sources stands among those of all: by time, then by source. So that many sources are one column of rows.
struct source_place {
  static std::int64_t of(std::int64_t time_us, std::size_t source, std::size_t count) {
    return time_us * static_cast<std::int64_t>(count) + static_cast<std::int64_t>(source);
  }
  static source_place at(std::int64_t place, std::size_t count);
  /// Beyond it there are no places.
  static constexpr std::int64_t most_us = INT64_MAX / 32;

  std::int64_t time_us;
  std::size_t source;
};

/// The steps of a pipeline as a judge (pipelines/judge/revisable.hpp) over rows whose times are places of sources: results are a function
/// of the rows in order. A window gives its result when a row passes its end, whether or not a filter lets that row through.
class stream_judge {
 public:
  using finding = stream_result;
  struct command {};
  static constexpr std::size_t looks_back = 0;

  explicit stream_judge(std::shared_ptr<const stream_plan> plan);

  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
               std::vector<finding>& out);
  void apply(const command&, std::int64_t, std::vector<finding>&) {}
  static bool order(const finding& a, const finding& b) { return finding::order(a, b); }
  static bool same(const finding& a, const finding& b) { return finding::same(a, b); }

  /// What would be found if there were no further row before `until_us`: the judge has then seen all of them. For copies.
  void finish(std::int64_t until_us, std::vector<finding>& out);
  /// Whether finish(until_us) would do anything.
  bool would_finish(std::int64_t until_us) const;
  /// The earliest instant after `after_us` at which finish() ends a window or a row that still waits.
  std::optional<std::int64_t> next_end_us(std::int64_t after_us) const;

  // What of the past it still needs (stream_memory.cpp).

  /// Whether nothing that it keeps comes of a row before `time_us`, if all that its steps got since then did not. It has seen all rows before
  /// `bound_us`. So when this holds, and then holds memory_depth() - 1 times more, each time for the `bound_us` of the time before, all that it will give is
  /// what it gave if it had seen no row before the first `time_us`, or others. Of steps that never forget (stream_plan::forgets) it never holds.
  bool remembers_since(std::int64_t time_us, std::int64_t bound_us) const;
  std::size_t memory_depth() const;
  /// If no row before `bound_us` comes any more, no result with an earlier time than this does.
  std::int64_t results_from_us(std::int64_t bound_us) const;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);
  static void put_command(std::string&, const command&) {}
  static bool get_command(std::string_view&, command&) { return true; }

 private:
  struct source_state {
    std::int64_t time_us = INT64_MIN;  ///< INT64_MIN: none yet
    double value = 0;
  };
  struct window_state {
    std::vector<window_values> open = {};      ///< by begin
    window_values::row newest = {};            ///< before which nothing is known; of a sliding window, the one before its rows
    std::int64_t closed_begin_us = INT64_MIN;  ///< of a session, count or state window: the last that has ended
    std::int64_t closed_until_us = INT64_MIN;  ///< which rows of the sources have decided it
  };
  struct total_state {
    window_values::row before;  ///< its value holds since then
    double sum = 0;
  };
  struct chain_row {
    std::int64_t time_us, until_us;
    double value;
    double single = 0;  ///< of the only source
  };
  using results = std::vector<finding>;

  void take(std::int64_t time_us, std::size_t source, double value, results& out);
  void end_joined(results& out);
  void take_joined(std::vector<interpolated_join::row>& decided, results& out);
  void advance(std::size_t step, std::int64_t bound_us, results& out);
  void push(std::size_t step, chain_row row, results& out);
  double evaluate(const stream_plan::arithmetic& what, const chain_row& row) const;
  static double judge(const stream_plan::limit& step, limit_state& state, const chain_row& row);
  static double judge(const stream_plan::detection& step, detector_set& state, const chain_row& row);
  bool accumulate(const stream_plan::accumulation& step, total_state& state, chain_row& row) const;
  static bool remember(const stream_plan::memory& step, window_values::row& before, chain_row& row);

  // stream_windows.cpp
  void put(std::size_t step, const stream_plan::window& window, const chain_row& row, results& out);
  void slide(std::size_t step, const stream_plan::window& window, const chain_row& row, results& out);
  void close_ended(std::size_t step, const stream_plan::window& window, std::int64_t bound_us, results& out);
  void close(std::size_t step, const stream_plan::window& window, std::int64_t end_us, std::int64_t until_us, results& out);
  std::int64_t bound_behind(const stream_plan::window& window, std::int64_t bound_us) const;
  std::int64_t needed_bound_us(std::size_t step, std::int64_t bound_us) const;
  std::optional<std::int64_t> end_of_open(const stream_plan::window& window, const window_values& values) const;
  bool remembers_since(const stream_plan::window& window, std::int64_t time_us, std::int64_t bound_us) const;
  void encode_window(const stream_plan::window& window, std::string& out) const;
  bool decode_window(const stream_plan::window& window, std::string_view& in);

  std::shared_ptr<const stream_plan> plan_;
  std::vector<source_state> sources_;         ///< of several sources, the newest readings
  std::vector<double> joined_;                ///< of several sources, the row at work
  std::vector<window_values::row> memories_;  ///< by number, the row before
  std::vector<window_state> windows_;
  std::vector<sliding_values> sliding_;
  std::vector<total_state> totals_;
  std::vector<limit_state> limits_;
  std::vector<detector_set> detectors_;
  std::int64_t joined_us_ = INT64_MIN;  ///< rows of several sources at this time are not yet all there; INT64_MIN: none waits
  std::optional<interpolated_join> join_;
  std::int64_t joined_until_us_ = INT64_MIN;  ///< of an interpolated join: what has decided the rows so far
};

}  // namespace factory
