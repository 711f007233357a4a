#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/backtest/firing.hpp"

namespace factory {

/// One thing that can fire: a rule, the limits of sensors, a detector; as it is in force, or as a draft.
struct backtest_line {
  event_source source{};
  rule_id rule = 0;  ///< of an alert rule in force, and of the rule that a draft is to replace; 0: none
  std::string name = {};
  bool draft = false;
  std::size_t sensors = 0;  ///< that it is for
  firing_figures all = {};
  std::map<sensor_id, firing_figures> by_sensor = {};  ///< those of which it said something
  std::vector<std::uint32_t> over_time = {};           ///< firings that begin in each part of the range
  std::optional<fault_figures> faults = {};            ///< where faults are known
};

/// What a backtest came to.
struct backtest_result {
  std::int64_t begin_us = 0, end_us = 0;  ///< the range; where it was open, that of the readings
  std::uint64_t readings = 0, findings = 0;
  std::size_t sensors = 0, faults = 0;
  double seconds = 0;
  std::uint64_t digest = 0;              ///< of the findings by what is in force now
  std::vector<backtest_line> lines;      ///< in force by source and rule, then drafts in their order
  std::vector<std::string> differences;  ///< a sentence for each draft

  /// What is in force in place of a draft; null when that is nothing.
  const backtest_line* in_force(const backtest_line& draft) const;
};

/// "draft rule 7 (hot): 3 alarms instead of 41, 2 of 5 known faults missed".
std::string difference_text(const backtest_line& draft, const backtest_line* in_force);

/// Fills the figures of a line from its firings.
void fill(backtest_line& line, std::span<const firing> firings, std::span<const fault_window> faults,
          const backtest_result& range);

}  // namespace factory
