#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/alarm/alarm_row.hpp"
#include "pipelines/detect/event_judge.hpp"
#include "pipelines/detect/revisable.hpp"
#include "pipelines/detect/revision_book.hpp"

namespace factory {

/// What changes alarms beside readings: new limits and rules, or that time has come to an instant at which a delay ends.
struct alarm_command {
  std::optional<sensor_config> config;
  std::int64_t until_us = 0;  ///< where there is no config
};

/// An alarm board as a judge (revisable.hpp).
class alarm_judge : public event_judge {
 public:
  using command = alarm_command;
  static constexpr std::size_t looks_back = 0;

  const alarm_board& board() const { return board_; }
  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us,
               std::vector<event>& out) {
    for (auto row = begin; row < end; ++row) board_.observe(rows.times_us()[row], rows.values()[row], received_at_us, out);
  }
  void apply(const alarm_command& what, std::int64_t received_at_us, std::vector<event>& out) {
    what.config ? board_.configure(*what.config, received_at_us, out) : board_.advance(what.until_us, received_at_us, out);
  }
  void begin_anew() { board_.begin_anew(); }

  void encode(std::string& out) const { board_.encode(out); }
  bool decode(std::string_view& in) { return board_.decode(in); }
  static void put_command(std::string& out, const alarm_command& what);
  static bool get_command(std::string_view& in, alarm_command& what);

 private:
  alarm_board board_;
};

/// The alarms of one sensor, whose readings come in any order. Given all readings that can matter, or all readings, and all limits, it
/// tells the alerts that an alarm_board tells of them in order; what a late or corrected reading changes it revises or withdraws.
class judged_alarms {
 public:
  const sensor_config& config() const { return judged_.now().board().config(); }
  std::size_t active_count() const { return judged_.now().board().active_count(); }

  /// Readings in time order, none before `floor_us` of the call before. No older reading than `floor_us` comes later.
  void observe(std::span<const alarm_row> rows, std::int64_t floor_us, std::int64_t received_at_us, std::vector<event>& out);
  /// Limits and rules take force behind the readings up to `at_us`.
  void configure(sensor_config config, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                 std::vector<event>& out);
  /// A tick: time has come to `time_us`. What delays decide by then is said; readings of earlier times that come later revise it.
  void advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  /// When the next delay ends; INT64_MAX while none runs.
  std::int64_t due_us() const { return judged_.now().board().due_us(); }
  /// Event time begins anew: what comes stands in no order to what came. Alerts stay as they are.
  void begin_anew() {
    judged_.restart([](alarm_judge& alarms) { alarms.begin_anew(); });
  }

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote, or a board alone as it was stored before, from the front of `in` and advances it; false, and anything in
  /// it, when damaged.
  bool decode(std::string_view& in);

 private:
  revisable<alarm_judge> judged_{alarm_judge()};
  revision_book book_;
};

}  // namespace factory
