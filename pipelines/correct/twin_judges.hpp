#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/judge/sensor_judge.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {

/// All that judges one sensor, over rows in order: the detectors, the z-score and the limits and rules, as they are today. Copyable.
class history_judges {
 public:
  history_judges(sensor_id sensor, const stream_rules& rules, sensor_config config);

  /// Rows in time order, all newer than those before; `poor` are those that are not of good quality, also the bad ones, which are among no others.
  void observe(std::span<const std::int64_t> times_us, std::span<const double> values, std::span<const alarm_row> poor = {});
  bool needs_quality() const { return needs_quality_; }
  /// No reading came up to `until_us`: delays of alarms end. That a sensor is silent at its end is left to the live side, which knows when its
  /// readings came.
  void pass_time(std::int64_t until_us);
  /// What decides about all that comes: two that are equal find the same from here on.
  std::string state() const;
  const std::vector<event>& found() const { return found_; }

 private:
  void judge_alarms(std::size_t first_row, std::size_t first_event, std::span<const alarm_row> poor);

  recent_rows rows_;
  sensor_judge detectors_;
  std::optional<alarm_judge> alarms_;  ///< where there is something to watch
  alarm_notes notes_;                  ///< for the alarms
  bool needs_quality_ = false;
  std::vector<event> found_;
};

/// A finding that two histories of a sensor do not agree on: its events in each, empty where it is not found.
struct finding_difference {
  event_key finding;  ///< without kind and revision
  std::vector<event> before, after;
};

/// The same judges over two histories of one sensor, such as its readings without and with a correction. As long as these are the same, so are the
/// judges; behind the last row that differs they are one again as soon as their states meet.
class twin_judges {
 public:
  twin_judges(sensor_id sensor, const stream_rules& rules, sensor_config config) : before_(sensor, rules, std::move(config)) {}

  /// The next rows of both histories: of the same span of time, in order; rows that are left out are not judged.
  void observe(const reading_run& before, const reading_run& after);
  void pass_time(std::int64_t until_us);
  /// Whether what comes is judged alike, so long as it is the same.
  bool have_met() const { return !after_ || before_.state() == after_->state(); }
  /// By finding. Of anomalies and alerts that began before the first row, nothing.
  std::vector<finding_difference> differences() const;
  /// The events of one finding in the second history.
  std::vector<event> after(const event_key& finding) const;

 private:
  history_judges before_;
  std::optional<history_judges> after_;  ///< since the histories differ
};

}  // namespace factory
