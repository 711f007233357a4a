#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/judge/sensor_judge.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/recent_rows.hpp"
#include "pipelines/model/time_range.hpp"

namespace factory {

/// Beside flag_excluded, of a row that is given to twin_judges: it came, and is left out by a correction. So it is no silence.
inline constexpr std::uint8_t flag_heard = 0x80;

/// What of a sensor's rows is judged, as the live side judges them.
struct judged_columns {
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<std::int64_t> heard_us;  ///< of rows that count for nothing else than that they came
  std::vector<alarm_row> poor;         ///< not of good quality, where rules are about that; bad ones are among no others
  bool operator==(const judged_columns&) const = default;

  judged_columns(const reading_run& rows, bool with_quality);
};

/// All that judges one sensor, over rows in order: the detectors and the z-score as they are set today, limits and rules as they were in force, and what operators
/// made of alarms. Copyable.
class history_judges {
 public:
  history_judges(sensor_id sensor, const stream_rules& rules, std::shared_ptr<const alarm_past> past);

  /// Rows in time order, all newer than those before.
  void observe(const judged_columns& rows);
  bool needs_quality() const { return needs_quality_; }
  /// Where detectors neither judge nor learn (sensor_judge::rest).
  void rest(std::vector<time_range> ranges) { detectors_.rest(std::move(ranges)); }
  /// Limits, rules and orders that took force up to this time.
  void come_to(std::int64_t time_us);
  /// Detectors go on as they are from here on, and find nothing.
  void leave_detectors() { with_detectors_ = false; }
  /// No reading came up to `until_us`: delays of alarms end. That a sensor is silent at its end is left to the live side, which knows when its
  /// readings came.
  void pass_time(std::int64_t until_us);
  /// What decides about all that comes: two that are equal find the same from here on.
  std::string state() const;
  std::string state_of_alarms() const;
  const std::vector<event>& found() const { return found_; }
  /// As hand_over has them, when all rows up to the edge were observed.
  std::string detectors_at_edge() const;
  std::string alarms_at_edge(std::int64_t edge_us) const;

 private:
  void observe(std::span<const std::int64_t> times_us, std::span<const double> values, std::span<const alarm_row> poor);
  void hear(std::int64_t time_us);
  void judge_alarms(std::size_t first_row, std::size_t first_event, std::span<const alarm_row> poor);

  recent_rows rows_;
  sensor_judge detectors_;
  bool with_detectors_ = true;
  std::shared_ptr<const alarm_past> past_;
  std::size_t next_command_ = 0;       ///< of past_
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
  twin_judges(sensor_id sensor, const stream_rules& rules, std::shared_ptr<const alarm_past> past)
      : before_(sensor, rules, std::move(past)) {}
  /// Of each history. Before the first rows.
  void rest(std::vector<time_range> before, std::vector<time_range> after) {
    if (before != after) after_ = before_;
    if (after_) after_->rest(std::move(after));
    before_.rest(std::move(before));
  }

  /// The next rows of both histories: of the same span of time, in order; rows that are left out are not judged.
  void observe(const reading_run& before, const reading_run& after);
  void pass_time(std::int64_t until_us);
  /// Whether what comes is judged alike, so long as it is the same.
  bool have_met() const { return !after_ || before_.state() == after_->state(); }
  /// Whether any row was not the same.
  bool differ() const { return after_.has_value(); }
  /// Likewise of alarms alone, as long as no detector finds anything.
  bool alarms_have_met() const { return !after_ || before_.state_of_alarms() == after_->state_of_alarms(); }
  void leave_detectors();
  /// The second history.
  history_judges& second() { return after_ ? *after_ : before_; }
  void come_to(std::int64_t time_us);
  /// By finding. Of anomalies and alerts that began before the first row, nothing.
  std::vector<finding_difference> differences() const;
  /// The events of one finding in the second history.
  std::vector<event> after(const event_key& finding) const;

 private:
  history_judges before_;
  std::optional<history_judges> after_;  ///< since the histories differ
};

}  // namespace factory
