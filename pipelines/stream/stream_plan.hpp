#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/spec/expression.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

namespace factory {

/// The steps of a pipeline, ready to run. One instance's own: an expression is not for two threads.
struct stream_plan {
  struct arithmetic {
    expression what;
    bool filters = false;       ///< a filter; else it makes the value
    bool with_sources = false;  ///< the names of the sources come first ...
    bool with_value = false;    ///< ... and the value of the step before last
  };
  struct window {
    window_kind kind{};
    std::int64_t length_us = 0, every_us = 0, shift_us = 0, gap_us = 0, minimum_us = 0;
    std::uint64_t rows = 0;
    std::optional<arithmetic> condition = {};  ///< of a state window
    aggregate_kind aggregate{};
    double quantile = 0;
    std::size_t number = 0;   ///< among the windows
    std::size_t sliding = 0;  ///< among the sliding ones

    /// Of hopping windows: the newest begin that is not behind `time_us`, and the first that is not before it.
    std::int64_t begin_of(std::int64_t time_us) const;
    std::int64_t begin_from(std::int64_t time_us) const;
  };
  /// What needs the row before: a derivative, or a moving average.
  struct memory {
    std::int64_t time_constant_us = 0;  ///< of the average; 0: the derivative
    std::size_t number = 0;             ///< among the steps of this kind
  };
  struct accumulation {
    std::optional<arithmetic> reset;
    std::size_t number = 0;  ///< among the accumulations
  };
  struct limit {
    limit_step is;
    std::size_t number = 0;  ///< among the limits
  };
  struct detection {
    detect_settings settings;  ///< of which one detector is on
    std::size_t number = 0;    ///< among the detectors
  };
  using step = std::variant<arithmetic, window, memory, limit, detection, accumulation>;
  /// An event sink.
  struct event_condition {
    expression when;  ///< of the value
    std::string text, message;
    severity level{};
    std::size_t sink = 0;  ///< among all sinks
  };

  std::string name;
  std::size_t source_count = 1;
  std::int64_t tolerance_us = 0;
  bool interpolates = false;
  std::vector<step> steps;
  std::size_t window_count = 0, sliding_count = 0, memory_count = 0, limit_count = 0, detector_count = 0, accumulation_count = 0;
  std::vector<event_condition> events;
  /// A result may be taken back when a reading comes late or is corrected, not only get another value: a filter may refuse it then, or a step
  /// may have no finite value.
  bool may_withdraw = false;

  /// Rows of long ago have no part in what comes. A moving average, a total, counted rows, a limit and a detector never forget.
  bool forgets = true;
  /// How far back the rows that windows and joins still need lie, roughly.
  std::int64_t span_us = 0;

  /// REQUIRES a spec of parse_pipeline.
  static std::shared_ptr<const stream_plan> of(const pipeline_spec& spec);
};

}  // namespace factory
