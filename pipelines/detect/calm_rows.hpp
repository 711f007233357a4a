#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pipelines/detect/baseline.hpp"
#include "pipelines/detect/detector.hpp"
#include "pipelines/detect/drift.hpp"
#include "pipelines/detect/jump.hpp"
#include "pipelines/detect/pattern.hpp"
#include "pipelines/detect/silence.hpp"
#include "pipelines/detect/spread.hpp"
#include "pipelines/detect/stuck.hpp"

namespace factory {

/// What detectors see of a value: differences and squares of larger ones leave the range of double.
inline double as_judged(double value) {
  constexpr double largest = 1e150;
  return std::clamp(value, -largest, largest);
}

/// Nearly all readings are calm. A detector that runs over several of them by itself keeps its state in registers, where a reading that goes
/// through all detectors loads and stores each state; so rows are tried on copies, one detector after the other.
///
/// Each function takes rows from the front as long as its detectors are certain to say nothing, and returns how many: the copies are of use only
/// when these are all that it was given. It may end before a row that nothing is said of either. Everything is inlined, always: a copy whose
/// address is taken would live in memory.
class calm_rows {
 public:
  static constexpr std::size_t most = 32;

  /// REQUIRES: at most `most` rows.
  calm_rows(std::span<const std::int64_t> times_us, std::span<const double> values, const detect_settings& settings)
      : times_us_(times_us), settings_(settings) {
    for (std::size_t row = 0; row < values.size(); ++row) values_[row] = as_judged(values[row]);
  }

  /// No pause; and what pattern takes together. A group that is over ends the rows: its reading is the last one of them.
  [[gnu::always_inline]] std::size_t pass(silence_detector& silence, pattern_detector::group& group, bool& is_over,
                                          std::size_t rows) const {
    const double sensitivity = settings_.of(detector::silent).sensitivity;
    is_over = false;
    std::size_t row = 0;
    for (; row < rows && !is_over && silence.lets_come(times_us_[row], settings_.least_pause_us, sensitivity); ++row) {
      silence.observe(times_us_[row], INT64_MAX);
      is_over = group.join(values_[row], silence.usual_us());
    }
    return row;
  }

  /// Within physical bounds, not stuck.
  [[gnu::always_inline]] std::size_t pass(stuck_detector& stuck, std::size_t rows) {
    const double low = settings_.physical_min.value_or(-INFINITY), high = settings_.physical_max.value_or(INFINITY);
    std::size_t row = 0;
    for (; row < rows; ++row) {
      if (values_[row] < low || values_[row] > high) break;
      if (stuck.observe(times_us_[row], values_[row]).score > 0) break;
      runs_[row] = stuck.run();
    }
    return row;
  }

  /// REQUIRES: the jump is not away.
  [[gnu::always_inline]] std::size_t pass(jump_detector& jump, std::size_t rows) {
    const double sensitivity = settings_.of(detector::spike).sensitivity;
    double limit = jump.limit(sensitivity);
    std::size_t row = 0;
    for (; row < rows; ++row) {
      const auto found = jump.observe_here(values_[row], limit);
      if (jump.is_limit_moved()) limit = jump.limit(sensitivity);
      if (found.now != jump_detector::state::calm) break;
      steps_[row] = found.step;
    }
    return row;
  }

  /// REQUIRES: stuck and jump have let these rows pass.
  [[gnu::always_inline]] std::size_t pass(spread_detector& spread, std::size_t rows) const {
    const double more = settings_.of(detector::spread).sensitivity, less = settings_.of(detector::noise_lost).sensitivity;
    double limit = spread.limit();
    std::size_t row = 0;
    for (; row < rows; ++row) {
      const auto found = spread.observe(steps_[row], limit);
      if (spread.is_limit_moved()) limit = spread.limit();
      if (found.more * more >= 1 || (found.less * less >= 1 && runs_[row] < stuck_detector::rests_after)) break;
    }
    return row;
  }

  /// REQUIRES: all rows are of one half hour, for which `usual` holds.
  [[gnu::always_inline]] std::size_t pass(drift_detector& drift, baseline::course& course, const baseline::band& usual,
                                          std::size_t rows) const {
    const double sensitivity = settings_.of(detector::drift).sensitivity;
    std::size_t row = 0;
    for (; row < rows; ++row) {
      if (drift.observe(times_us_[row], values_[row], usual, course.scatter).score * sensitivity >= 1) break;
      course.learn(values_[row], usual);
    }
    return row;
  }

 private:
  std::span<const std::int64_t> times_us_;
  const detect_settings& settings_;
  std::array<double, most> values_, steps_;
  std::array<std::uint32_t, most> runs_;  ///< readings of one value, up to the row
};

}  // namespace factory
