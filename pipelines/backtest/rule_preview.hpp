#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/backtest/firing.hpp"

namespace factory {

/// Other limits for a rule, and what they would have come to.
struct limit_proposal {
  std::optional<double> low, high;  ///< those that its condition uses
  double deadband = 0;
  firing_figures fired;
};

/// What a rule would have done on one sensor.
struct rule_preview {
  std::uint64_t readings = 0;
  firing_figures fired;
  std::vector<firing> first;  ///< the first of them, limits::preview_firings at most
  /// Where the middle usual_share of all readings lie; nothing without readings.
  struct band {
    double low = 0, high = 0, min = 0, max = 0;
  };
  std::optional<band> usual;
  std::vector<limit_proposal> proposals;  ///< from the narrowest on; only for conditions that compare the reading with a limit
  std::string text;  ///< "99.9 % of readings lie in 61 to 74; with 78 and a deadband of 1 it would have fired 4 times"
};
inline constexpr double usual_share = 0.999;

namespace limits {
inline constexpr std::size_t preview_firings = 100;
}

/// Judges all rows of a sensor, in time order, as live readings are judged: by an alarm board. Time goes on to `until_us` behind them.
rule_preview preview_rule(const alert_rule& rule, sensor_id sensor, const reading_run& rows, std::int64_t until_us);

}  // namespace factory
