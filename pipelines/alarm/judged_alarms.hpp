#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/alarm/alarm_row.hpp"
#include "pipelines/alarm/poor_readings.hpp"
#include "pipelines/command/hand_over.hpp"
#include "pipelines/judge/event_judge.hpp"
#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/model/shared_value.hpp"

namespace factory {

/// What changes alarms beside readings: new limits and rules, an operator's order, or that time has come to an instant at which something
/// is due.
struct alarm_command {
  std::optional<sensor_config> config = {};
  std::optional<limit_order> order = {};
  std::int64_t at_us = 0;     ///< of a config: its place; with neither: the instant
  std::int64_t since_us = 0;  ///< of a config: when it was received
};

/// What alarms see beside the values of readings.
struct alarm_notes {
  anomaly_notes anomalies;
  poor_readings poor;
  bool empty() const { return anomalies.empty() && poor.empty(); }
};

/// An alarm board as a judge (revisable.hpp). Its rows are readings, and times at which something is noted: those without a reading that is
/// judged have the value `no_value`. Notes are looked up; a change of them makes their row another one.
class alarm_judge : public event_judge {
 public:
  using command = alarm_command;
  static constexpr std::size_t looks_back = 0;

  /// Where notes are looked up from now on, which must outlive this and its copies, or their next look_up(). null: there are none.
  explicit alarm_judge(const alarm_notes* notes = nullptr) { look_up(notes); }
  void look_up(const alarm_notes* notes) {
    notes_ = notes;
    board_.look_up(notes != nullptr ? &notes->anomalies : nullptr);
  }
  const alarm_board& board() const { return board_; }
  void observe(const recent_rows& rows, std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& out);
  /// A reading came that counts for nothing else than that (alarm_board::instant::heard).
  void hear(std::int64_t time_us, std::vector<event>& out) {
    alarm_board::instant at{time_us};
    at.heard = true;
    board_.observe(at, 0, out);
  }
  void apply(const alarm_command& what, std::int64_t received_at_us, std::vector<event>& out) {
    if (what.config)
      board_.configure(*what.config, what.at_us, what.since_us, received_at_us, out);
    else if (what.order)
      board_.obey(*what.order, received_at_us, out);
    else
      board_.advance(what.at_us, received_at_us, out);
  }
  /// Also when it names another anomaly.
  static bool same(const event& a, const event& b) { return event_judge::same(a, b) && a.explanation == b.explanation; }
  void begin_anew() { board_.begin_anew(); }

  void encode(std::string& out) const { board_.encode(out); }
  bool decode(std::string_view& in) { return board_.decode(in); }
  static void put_command(std::string& out, const alarm_command& what);
  static bool get_command(std::string_view& in, alarm_command& what);

 private:
  alarm_board board_;
  const alarm_notes* notes_ = nullptr;
};

/// The limits and rules that a sensor had, and the orders of operators, each at its place among the readings, by place: what alarms of the past are judged by.
struct alarm_past {
  /// The first is a config; where it is not the sensor's first, older readings are judged by it, too.
  std::vector<alarm_command> commands;
  static constexpr std::size_t most = 64;  ///< the oldest go
};

/// Alarms where a sensor's readings are settled, as hand_over::alarms has them.
void put_alarms(std::string& out, const alarm_judge& alarms, const anomaly_notes& notes);

/// The alarms of one sensor, whose readings come in any order. Given all readings that can matter, or all readings, and all limits, it
/// tells the alerts that an alarm_board tells of them in order; what a late or corrected reading changes it revises or withdraws.
class judged_alarms {
 public:
  const sensor_config& config() const { return judged_.now().board().config(); }
  /// What it is to be told: what its rules need, and of anomalies and quality also what they ever needed.
  alarm_needs needs() const;
  std::size_t active_count() const { return judged_.now().board().active_count(); }

  /// Readings, and times at which none is any more, in time order, none before `floor_us` of the call before. No older reading than `floor_us` comes
  /// later. `changes` is what detectors say of them.
  void observe(std::span<const alarm_row> rows, std::int64_t floor_us, std::int64_t received_at_us, std::vector<event>& out,
               std::span<const anomaly_change> changes = {});
  /// Limits and rules take force behind the readings up to `at_us`.
  void configure(sensor_config config, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us,
                 std::vector<event>& out);
  /// An operator's order; it takes force behind the readings up to `at_us` likewise. An acknowledgement is told by its event alone.
  void obey(limit_order order, std::int64_t at_us, std::int64_t floor_us, std::int64_t received_at_us, std::vector<event>& out);
  /// A tick: time has come to `time_us`. What delays decide by then is said; readings of earlier times that come later revise it.
  void advance(std::int64_t time_us, std::int64_t received_at_us, std::vector<event>& out);
  limit_state::phase phase_of(event_source source, rule_id rule) const { return judged_.now().board().phase_of(source, rule); }
  /// Limits of which nobody is told by the will of an operator.
  const std::vector<shelf>& shelves() const { return judged_.now().board().shelves(); }
  /// Whether anybody is told of this limit's alerts now.
  alarm_detail detail_of(event_source source, rule_id rule) const { return judged_.now().board().detail_of(source, rule); }
  /// When time alone next changes something; INT64_MAX while it does not.
  std::int64_t due_us() const { return judged_.now().board().due_us(); }
  /// Event time begins anew: what comes stands in no order to what came. Alerts stay as they are.
  void begin_anew() {
    past_ = {};
    config_at_us_ = config_since_us_ = INT64_MIN;
    *notes_ = {};
    judged_.restart([](alarm_judge& alarms) { alarms.begin_anew(); });
  }

  /// What is judged again stays that from `edge_us` on, which is settled, until a hand_over.
  void hold(std::int64_t edge_us) {
    settle(edge_us + 1);
    judged_.hold(edge_us);
  }
  void let_go() { judged_.let_go(); }
  /// The past has been judged again (hand_over.hpp). `rows` are all readings behind the edge, as they count now. With `is_due`, that of the sensor: nothing is
  /// taken over where the sensor does not.
  void take_over(const hand_over& past, bool is_due, std::span<const alarm_row> rows, std::span<const anomaly_change> changes,
                 std::int64_t floor_us, std::int64_t received_at_us, std::vector<event>& out);
  alarm_past past() const;

  void encode(std::string& out) const;  ///< appended
  /// Reads what encode wrote, or a board alone as it was stored before, from the front of `in` and advances it; false, and anything in
  /// it, when damaged.
  bool decode(std::string_view& in);

 private:
  struct instants {
    std::vector<alarm_row> rows;         ///< `no_value` where there is no reading
    std::vector<std::int64_t> looks_us;  ///< ascending: where another thing is noted than was
  };
  void tell(const revisable<alarm_judge>::differences& differences, std::string_view reason, std::int64_t received_at_us,
            std::vector<event>& out) {
    if (!differences.empty()) book_.change().tell(differences, reason, received_at_us, out);
  }
  void put_in_place(alarm_command what, std::int64_t at_us, std::string_view reason, std::int64_t floor_us,
                    std::int64_t received_at_us, std::vector<event>& out);
  instants with_changes(std::span<const alarm_row> rows, std::span<const anomaly_change> changes);
  void note_anomalies(std::span<const anomaly_change> changes, instants& all);
  void note_quality(std::span<const alarm_row> rows, instants& all);
  bool is_noted(std::int64_t time_us) const;
  std::int64_t reach_us() const;
  void forget_oldest_poor(std::int64_t received_at_us, std::vector<event>& out);
  bool put(const alarm_row& row, bool looks);
  void settle(std::int64_t floor_us);
  void remember(const alarm_command& what);
  bool decode_past(std::string_view& in);

  std::unique_ptr<alarm_notes> notes_ = std::make_unique<alarm_notes>();
  revisable<alarm_judge> judged_{alarm_judge(notes_.get())};
  shared_value<revision_book> book_;  ///< fresh while nothing was told otherwise
  std::uint32_t orders_ = 0;          ///< so far
  bool is_told_anomalies_ = false, is_told_quality_ = false;
  std::int64_t config_at_us_ = INT64_MIN, config_since_us_ = INT64_MIN;  ///< of config(); INT64_MIN: in force since ever
  shared_value<std::vector<alarm_command>> past_;  ///< alarm_past::commands; fresh while config() is the only one
};

}  // namespace factory
