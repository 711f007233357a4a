#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/sensors/body_rows.hpp"
#include "actors/sensors/judging_book.hpp"
#include "actors/sensors/views.hpp"
#include "pipelines/alarm/alarm_row.hpp"
#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/command/hand_over.hpp"
#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/judge/sensor_judge.hpp"
#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/model/shared_value.hpp"
#include "storage/block/block.hpp"
#include "storage/block/head.hpp"

namespace factory {

/// All that one sensor's actor knows. No actor, no clock, no disk: the same entries in the same order give the same state; and within the
/// allowed lateness the findings are a function of the set of readings, whatever their order.
///
/// How a reading at time t is taken in, with watermark w = newest event time, but never past the received_at of its entry, and
/// floor = w - lateness, or the time of the limits::revisable_readings newest reading when that is later. A body is sorted by time first.
///   t > received_at + skew       stored, flagged future; not judged, moves nothing
///   newer than all               in order: judged, joins the windows
///   t at hand with the same bits a duplicate: nothing changes
///   t >= floor                   takes its place among the others; judged again from there, and what reads otherwise is told
///   older                        stored, flagged late; not judged
///   in a corrected range         likewise, and counts as the correction says (hand_over)
///   of bad quality, or excluded  stored with its flags; not judged, moves nothing; a reading at hand at its time is judged no more
/// "At hand" is what head and windows hold; an older repetition is stored again and resolved when read.
///
/// Late readings in a row that come as time passes (limits::contradicting_*) contradict the watermark: the sensor's clock was set back. It
/// is then set anew, which an event says, and readings are judged from there on.
class sensor_state {
 public:
  sensor_state(sensor_id sensor, const stream_rules& rules);

  /// What readings have to say to the actors behind.
  struct findings {
    std::vector<event> events;          ///< of the sensor's own detectors
    bool alarms_restart = false;        ///< event time begins anew: what alarms have seen stands in no order to what comes
    std::vector<alarm_row> alarm_rows;  ///< in time order; no others can move an alarm
    /// Event times of the first and the last reading that came too late to be judged; first > last: none did.
    std::int64_t late_first_us = INT64_MAX, late_last_us = INT64_MIN;
  };
  findings apply(std::int64_t received_at_us, const reading_batch& readings, const slice& rows);
  /// Takes rules into force behind the readings that are there, and for the times of those that come.
  void follow(const stream_rules& rules, std::int64_t received_at_us, std::vector<event>& found);
  /// Takes limits into force behind the readings that are not newer than the returned place among them.
  struct watch_place {
    std::int64_t at_us = INT64_MIN;
    std::vector<alarm_row> newer;  ///< readings behind it that are there already: all matter
  };
  watch_place watch(const alarm_needs& needs, std::int64_t received_at_us);
  /// Where among the readings something takes force that came now: behind the newest, but not behind those of the future.
  std::int64_t place_us(std::int64_t received_at_us) const;
  /// Limits that were in force when the state was stored.
  void watch_again(const alarm_needs& needs);
  /// What the detectors say, and what they would not say any more, since the last call: from the first time on that alarms need it, and then
  /// always. The first ones are all that alarms must know by then.
  std::vector<anomaly_change> take_anomaly_changes() {
    return unusual_.read().anomaly_changes.empty() ? std::vector<anomaly_change>()
                                                   : std::exchange(unusual_.change().anomaly_changes, {});
  }
  /// The instant, by the engine's clock, at which the sensor counts as silent if nothing comes; INT64_MAX while no silence can be told. A
  /// sensor whose newest reading was old when it came (a backlog, a file) is not waited for.
  std::int64_t due_us() const;
  /// A tick: nothing came up to `now_us`. Appends what that means.
  void advance(std::int64_t now_us, std::vector<event>& found);
  /// Stands still at what is settled (hold_judging). Where nothing is settled yet, all is still judged again anyway.
  void hold();
  /// What of it is taken over: false where this does not stand at its edge. `rows` gets all readings behind the edge, as they count now.
  bool take_over(const hand_over& past, std::int64_t received_at_us, std::vector<event>& found, std::vector<alarm_row>& rows);
  judging_edge edge() const;

  judging_book::totals not_judged() const { return {late_, future_, left_out_}; }
  /// No older reading will move an alarm.
  std::int64_t floor_us() const { return judged_.floor_us(); }

  bool head_is_full() const;
  std::size_t head_size() const { return head_.size(); }
  /// Seals the whole head: in-order rows as blocks that follow each other, all others apart from them, so that what is late or
  /// from the future does not make the regular blocks overlap. The blocks stay in the cut until written().
  void seal_head();
  /// Forgets the head: its readings are stored elsewhere.
  void drop_head() { head_.take(); }
  /// Sealed blocks that only this state knows: they go to the store together with the state, never without it.
  std::size_t unstored_bytes() const { return unstored_bytes_; }
  std::vector<std::shared_ptr<const block>> take_unstored();
  void written(std::uint32_t number);

  std::uint64_t late_count() const { return late_; }

  sensor_cut cut(const time_range& range) const;
  std::optional<reading> latest() const;  ///< the newest one that was not from the future
  sensor_status status() const;           ///< without restarts and applied_sequence
  detection_view detection() const;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);

 private:
  /// Late readings in a row, in time order.
  struct late_run {
    std::uint64_t count = 0;
    std::int64_t first_received_us = 0, first_us = 0, last_us = 0;
  };
  /// What most sensors never need, and an idle one does not pay for.
  struct unusual {
    revision_book book;
    late_run late;
    bool future_seen = false;
    std::int64_t newest_future_us = 0;
    double newest_future_value = 0;
    std::vector<anomaly_change> anomaly_changes;
    std::optional<reading> latest_as_stored;      ///< where what is judged is not, or not so, the newest reading
    std::vector<changed_range> corrected_ranges;  ///< that reach behind the floor: readings that come there count so
  };
  /// A reading that took its place among others, or is gone from there.
  struct touched_row {
    std::int64_t time_us;
    std::optional<double> before;
    bool gone = false;
    row_quality quality = row_quality::as_known;
  };

  static constexpr std::string_view came_late = "a reading came late", was_corrected = "a reading was corrected";

  const recent_rows& rows() const { return judged_.rows(); }
  const stream_rules& rules() const { return judged_.now().rules(); }
  bool seen() const { return !rows().empty(); }
  reading_run take_left_out(body_rows& body);
  void leave_out(const reading_run& rows_of_body, std::int64_t received_at_us, std::vector<touched_row>& touched,
                 findings& found);
  bool is_known(const std::optional<head::stored_value>& stored, const std::optional<double>& judged, const body_rows& body,
                std::size_t row) const;
  std::size_t out_of_order(const body_rows& body, std::int64_t received_at_us, std::vector<touched_row>& touched,
                           findings& found);
  void judge_again(std::vector<touched_row>& touched, std::string_view reason, std::int64_t received_at_us, findings& found);
  /// Time up to which readings and ticks were judged; a reading up to there takes its place among them.
  std::int64_t judged_until_us() const {
    const auto until_us = seen() ? rows().newest_us() : judged_.floor_us() == INT64_MIN ? INT64_MIN : judged_.floor_us() - 1;
    return std::max(until_us, judged_.newest_command_us());
  }
  std::size_t in_gap(const body_rows& body, std::size_t begin, std::size_t end, std::vector<touched_row>& touched);
  void at_hand(std::int64_t time_us, const std::optional<double>& before, double value, std::uint8_t flags,
               std::vector<touched_row>& touched);
  void in_order(const body_rows& body, std::size_t begin, std::size_t end, std::int64_t received_at_us, findings& found);
  void ahead(std::int64_t time_us, double value, std::uint8_t flags);
  void add_alarm_rows(std::span<const touched_row> touched, std::vector<alarm_row>& out) const;
  /// Calm: can neither raise an alert nor, behind another such, clear one.
  bool is_calm(std::size_t row) const { return rows().times_us()[row] > calm_from_us_ && calm_.contains(rows().values()[row]); }
  row_quality quality_of(std::uint8_t flags) const;
  void settle(std::int64_t received_at_us);
  bool is_contradicted(const body_rows& body, std::int64_t received_at_us);
  void set_watermark_anew(const body_rows& body, std::int64_t received_at_us, findings& found);
  bool decode_version_1(std::string_view& in);
  bool decode_corrections(std::string_view& in, unusual& is) const;
  void take_unusual(unusual is);
  bool is_corrected() const {
    const auto& is = unusual_.read();
    return !is.corrected_ranges.empty() || is.latest_as_stored.has_value();
  }
  void end_late_run() {
    if (!unusual_.is_fresh()) unusual_.change().late = {};
  }
  void note_anomalies(std::span<const event> found) {
    if (tells_anomalies_ && !found.empty()) add_changes(found, unusual_.change().anomaly_changes);
  }
  void note_on_disk();
  void tell(const revisable<sensor_judge>::differences& differences, std::string_view reason, std::int64_t received_at_us,
            std::vector<event>& out);
  void begin_to_tell_anomalies();
  void keep_latest(const std::optional<reading>& stored);
  revised_points came_since(const hand_over& past) const;
  void count_behind(const revised_points& points);
  void count_behind(const revised_points& points, std::size_t i);
  void take_over_ranges(const hand_over& past, sensor_judge& at_edge);
  void count_as_corrected(const body_rows& body, std::int64_t received_at_us, findings& found);

  sensor_id sensor_;
  std::uint32_t next_block_ = 1;
  revisable<sensor_judge> judged_;  ///< its rows are the windows
  head head_;
  std::vector<std::shared_ptr<const block>> sealing_;  ///< not yet written(), by number; the last unstored_ not even taken
  std::size_t unstored_ = 0, unstored_bytes_ = 0;
  bool next_matters_ = false;  ///< an alert may be active: the next reading in order goes to the alarms whatever it is
  std::int64_t watermark_us_ = INT64_MIN;
  std::int64_t received_us_ = INT64_MIN;  ///< when the newest reading came
  std::int64_t newest_left_out_us_ = INT64_MIN;
  std::int64_t uncertain_until_us_ = INT64_MIN;  ///< no reading of uncertain quality is newer
  std::int64_t sealed_until_us_ = INT64_MIN;     ///< regular blocks hold nothing newer
  std::int64_t on_disk_until_us_ = INT64_MIN;    ///< no written() block ends later; after a restart, no reading of that time
  std::int64_t oldest_us_ = INT64_MAX;
  calm_band calm_;
  std::int64_t calm_from_us_ = INT64_MIN;  ///< calm_ tells nothing of readings up to here: other limits were in force
  bool tells_anomalies_ = false, tells_quality_ = false;
  shared_value<unusual> unusual_;
  std::uint64_t accepted_ = 0, duplicate_ = 0, corrected_ = 0, out_of_order_ = 0, late_ = 0, future_ = 0, left_out_ = 0;
};

}  // namespace factory
