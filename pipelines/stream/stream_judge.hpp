#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/recent_rows.hpp"
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

/// The steps of a pipeline as a judge (pipelines/detect/revisable.hpp) over rows whose times are places of sources: results are a function
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
    bool is_open = false;
    window_values values = {};  ///< when it is not open, only its newest row counts
  };
  struct chain_row {
    std::int64_t time_us, until_us;
    double value;
    double single = 0;  ///< of the only source
  };

  void take(std::int64_t time_us, std::size_t source, double value, std::vector<finding>& out);
  void end_joined(std::vector<finding>& out);
  void advance(std::size_t step, std::int64_t bound_us, std::vector<finding>& out);
  void push(std::size_t step, chain_row row, std::vector<finding>& out);
  static bool remember(const stream_plan::memory& step, window_values::row& before, chain_row& row);
  void close(std::size_t step, const stream_plan::window& window, std::vector<finding>& out);
  std::int64_t needed_bound_us(std::size_t step, std::int64_t bound_us) const;

  std::shared_ptr<const stream_plan> plan_;
  std::vector<source_state> sources_;         ///< of several sources, the newest readings
  std::vector<window_values::row> memories_;  ///< by number, the row before
  std::vector<window_state> windows_;
  std::int64_t joined_us_ = INT64_MIN;  ///< rows of several sources at this time are not yet all there; INT64_MIN: none waits
};

}  // namespace factory
