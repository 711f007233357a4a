#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/backtest/firing.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "pipelines/stats/statistics.hpp"

namespace factory {

/// Of what a pipeline says, or of what is said of the sensors that it fills.
struct line_pipeline {
  pipeline_id id = 0;  ///< the one in force, or that a draft is to replace; 0: the draft replaces none
  std::string name = {};
  std::size_t sink = 0;  ///< of an event
};

/// One thing that can fire: a rule, the limits of sensors, a detector, an event of a pipeline; as it is in force, or as a draft.
struct backtest_line {
  event_source source{};
  rule_id rule = 0;  ///< of an alert rule in force, and of the rule that a draft is to replace; 0: none
  std::string name = {};
  bool draft = false;
  std::size_t sensors = 0;  ///< that it is for
  firing_figures all = {};
  std::map<sensor_id, firing_figures> by_sensor = {};    ///< those of which it said something
  std::vector<std::uint32_t> over_time = {};             ///< firings that begin in each part of the range
  std::optional<fault_figures> faults = {};              ///< where faults are known
  std::optional<line_pipeline> pipeline = {};            ///< unset: of all sensors
  std::map<machine_id, firing_figures> by_machine = {};  ///< of the machine detector instead of by_sensor
};

/// What the draft of a pipeline computes: the readings of one sensor that it would fill.
struct drafted_series {
  std::string pipeline, sensor, unit;
  summary all;
  std::vector<summary> over_time = {};  ///< of those in each part of the range
};

/// What a backtest came to.
struct backtest_result {
  std::int64_t begin_us = 0, end_us = 0;  ///< the range; where it was open, that of the readings
  std::uint64_t readings = 0, findings = 0;
  std::size_t sensors = 0, faults = 0;
  double seconds = 0;
  std::uint64_t digest = 0;                             ///< of the findings by what is in force now
  std::vector<backtest_line> lines;                     ///< in force by source and rule, then drafts in their order
  std::vector<std::string> differences;                 ///< a sentence for each draft
  std::vector<drafted_series> drafted = {};             ///< by pipeline; those of the first sensors
  std::map<sensor_id, std::string> drafted_names = {};  ///< of sensors that exist only in the backtest
  std::map<machine_id, std::string> machine_names = {};
  std::size_t faults_left_out = 0;  ///< that are known too, and too many

  /// What is in force in place of a draft; null when that is nothing.
  const backtest_line* in_force(const backtest_line& draft) const;
};

/// Parts of the range in all that is shown over time.
inline constexpr std::size_t backtest_parts_of_range = 60;

/// "draft rule 7 (hot): 3 alarms instead of 41, 2 of 5 known faults missed".
std::string difference_text(const backtest_line& draft, const backtest_line* in_force);

/// Fills the figures of a line from its firings.
void fill(backtest_line& line, std::span<const firing> firings, std::span<const fault_window> faults,
          const backtest_result& range);

}  // namespace factory
