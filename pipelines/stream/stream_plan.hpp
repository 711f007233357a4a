#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/stream/expression.hpp"
#include "pipelines/stream/pipeline_spec.hpp"

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
    std::int64_t length_us = 0, shift_us = 0;
    aggregate_kind aggregate{};
    std::size_t number = 0;  ///< among the windows

    std::int64_t begin_of(std::int64_t time_us) const;
    /// The first begin of a window that is not before `time_us`.
    std::int64_t begin_from(std::int64_t time_us) const;
  };
  /// What needs the row before: a derivative, or a moving average.
  struct memory {
    std::int64_t time_constant_us = 0;  ///< of the average; 0: the derivative
    std::size_t number = 0;             ///< among the steps of this kind
  };
  using step = std::variant<arithmetic, window, memory>;
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
  std::vector<step> steps;
  std::size_t window_count = 0, memory_count = 0;
  std::vector<event_condition> events;
  /// A result may be taken back when a reading comes late or is corrected, not only get another value: a filter may refuse it then, or a step
  /// may have no finite value.
  bool may_withdraw = false;

  /// REQUIRES a spec of parse_pipeline.
  static std::shared_ptr<const stream_plan> of(const pipeline_spec& spec);
};

}  // namespace factory
