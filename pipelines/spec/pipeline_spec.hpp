#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pipelines/alarm/alarm_options.hpp"
#include "pipelines/detect/detector.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/severity.hpp"
#include "pipelines/select/selector.hpp"

namespace factory {

/// What a pipeline computes from: a sensor, or those that a selector finds, one on each machine.
struct source_spec {
  std::string name;  ///< the variable in expressions
  sensor_id sensor = 0;
  selector which = {};  ///< where `sensor` is 0
  bool operator==(const source_spec&) const = default;
};

/// Joins the sources in event time: at each time at which one of them has a reading, each has its newest value that is not older than the
/// tolerance. A time at which one has none gives no row.
struct align_step {
  std::int64_t tolerance_us = 0;
  bool interpolates = false;  ///< takes the line between two readings that are not further apart than the tolerance
  bool operator==(const align_step&) const = default;
};
/// A new value from those of the sources, or from the value before.
struct compute_step {
  std::string expression;
  bool operator==(const compute_step&) const = default;
};
/// Rows for which the expression is 0 go no further.
struct filter_step {
  std::string expression;
  bool operator==(const filter_step&) const = default;
};

/// On disk in states of instances: append only.
enum class aggregate_kind : std::uint8_t {
  count,
  sum,
  mean,
  std,
  min,
  max,
  first,
  last,
  median,  ///< this and the next three: within quantile_sketch::relative_error
  p90,
  p95,
  p99,
  integral,       ///< value times seconds; a value holds until the next row, and over the begin of a window
  slope,          ///< least squares, per second
  rate,           ///< last - first, per second
  changes,        ///< rows with another value than the row before
  quantile,       ///< of window_step::quantile, within the same error
  time_in_state,  ///< seconds in which the value is not 0; it holds as for `integral`
  duration        ///< seconds from the begin of the window to its end
};
inline constexpr auto last_aggregate_kind = aggregate_kind::duration;
std::string_view to_text(aggregate_kind kind);

/// The change since the row before, per second. The first row gives none.
struct derivative_step {
  bool operator==(const derivative_step&) const = default;
};
/// Exponentially weighted moving average: what is `time constant` old weighs 1/e.
struct ewma_step {
  std::int64_t time_constant_us = 0;
  bool operator==(const ewma_step&) const = default;
};

/// Which rows belong together.
enum class window_kind : std::uint8_t {
  hopping,  ///< [k * every, k * every + length) since the epoch, shifted; tumbling where `every` is the length
  sliding,  ///< for each row, those of the length up to it
  session,  ///< rows with less than `gap` between one and the next
  count,    ///< so many rows, then so many again
  state     ///< rows for which a condition holds, up to the first for which it does not
};

/// One value for each window. The row has the time at which the window begins; of a sliding window, that of the row.
struct window_step {
  window_kind kind = window_kind::hopping;
  std::int64_t length_us = 0;   ///< of hopping and sliding windows
  std::int64_t every_us = 0;    ///< of hopping ones
  std::int64_t shift_us = 0;    ///< likewise
  std::int64_t gap_us = 0;      ///< of a session
  std::uint64_t rows = 0;       ///< of a count window
  std::string condition = {};   ///< of a state window
  std::int64_t minimum_us = 0;  ///< a shorter state gives no row
  aggregate_kind aggregate = aggregate_kind::mean;
  double quantile = 0;
  bool operator==(const window_step&) const = default;
};
/// Value times seconds, from the first row on, or from the last for which `reset` is not 0.
struct accumulate_step {
  std::string reset = {};  ///< empty: never
  bool operator==(const accumulate_step&) const = default;
};
/// 1 while the value is beyond a limit, in the sense of an alarm rule (limit_state), else 0.
struct limit_step {
  double below = -std::numeric_limits<double>::infinity(), above = std::numeric_limits<double>::infinity();
  alarm_options options = {};  ///< deadband, delays, count and of
  bool operator==(const limit_step&) const = default;
};
/// The score that a detector gives the value: 1 and more while it finds something.
struct detector_step {
  detector which{};
  detector_setting how = {};
  bool operator==(const detector_step&) const = default;
};
using pipeline_step = std::variant<align_step, compute_step, filter_step, window_step, derivative_step, ewma_step, limit_step,
                                   detector_step, accumulate_step>;

/// Results become readings of a sensor that the pipeline makes: on the instance's machine, or on `machine`.
struct sensor_sink {
  std::string name, unit;
  machine_id machine = 0;  ///< 0: the machine of the instance
  bool operator==(const sensor_sink&) const = default;
};
/// The first result for which the expression is not 0 raises a finding, the next one for which it is 0 clears it.
struct event_sink {
  severity level = severity::rule_warning;
  std::string when, message;
  bool operator==(const event_sink&) const = default;
};
/// A channel hears of the events of the pipeline, as it does of alerts.
struct channel_sink {
  std::uint32_t channel = 0;
  bool operator==(const channel_sink&) const = default;
};
using pipeline_sink = std::variant<sensor_sink, event_sink, channel_sink>;

/// A pipeline as data. Invariants once parsed: names, bounds and the order of steps are checked, and every expression is one of the names that
/// it may use at its place.
struct pipeline_spec {
  std::string name;
  bool enabled = true;
  bool per_machine = false;  ///< an instance for each machine that has all sources; else one instance
  std::vector<source_spec> sources;
  std::vector<pipeline_step> steps;
  std::vector<pipeline_sink> sinks;
  bool operator==(const pipeline_spec&) const = default;
};

/// The source that stands for an instance in its events: no other instance of the pipeline has the same sensor there.
std::size_t subject_source(const pipeline_spec& spec);

/// Strict: an unknown, missing or repeated member, a wrong type and what cannot work are `invalid`, and `field` is the member's path, such as
/// steps[1].window.tumbling_ms. `malformed` for what is no JSON object.
expected<pipeline_spec> parse_pipeline(std::string_view json);
/// The members of `changes` take the place of those of `json`; both are JSON objects. Not checked further than that.
expected<std::string> merge_pipeline(std::string_view json, std::string_view changes);

}  // namespace factory
