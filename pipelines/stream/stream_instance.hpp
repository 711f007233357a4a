#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/revisable.hpp"
#include "pipelines/stream/result_events.hpp"
#include "pipelines/stream/stream_counts.hpp"
#include "pipelines/stream/stream_judge.hpp"
#include "pipelines/stream/stream_times.hpp"

namespace factory {

/// Readings of one source of an instance, in order of arrival.
struct source_rows {
  std::size_t source = 0;
  std::span<const std::int64_t> times_us;
  std::span<const double> values;
  std::span<const std::uint8_t> flags = {};  ///< one of each row; empty: flag_none
};

/// What an instance tells: of its results, for derived sensors, and what its event sinks say of them.
struct stream_told {
  std::vector<difference<stream_result>> results;
  std::vector<event> events;
};

/// One instance of a pipeline: the steps over the readings of its sources. No actor, no clock, no disk: the same entries in the same order give
/// the same state.
///
/// Invariant: within the lateness, the results with all differences applied are a function of the set of readings (the last write of a time
/// counts), not of their order, of their portions, or of when time passed.
///
/// A reading at time t of source s is taken in when t is not before the floor. Each source has its watermark: its newest event time, never
/// past the clock of who received it. The floor is the lateness behind the oldest watermark; a source that lags behind the newest one by more
/// than the lateness does not hold it. Of more than limits::stream_rows_revisable newest rows the older ones are before the floor in any case.
///
/// A result is told when a row passes its end, or when time does and nothing comes (pass_time); it is told again when a later row changes it.
/// Where results may be taken back often (stream_plan::may_withdraw), they are held until no row can come that changes them, so that derived sensors
/// rest. Events are told at once. A result that was told is taken back when the readings of its window are (of bad quality, written again).
class stream_instance {
 public:
  using change = difference<stream_result>;
  /// How long the clock must have passed an end, with nothing coming, before it counts.
  static constexpr std::int64_t grace_us = 2'000'000;

  stream_instance(std::shared_ptr<const stream_plan> plan, const stream_times& times, const stream_subject& subject = {});

  /// The rows of one entry, each source at most once. Appends what is to be told.
  void apply(std::int64_t received_at_us, std::span<const source_rows> rows, stream_told& told);
  /// At this instant of the clock nothing more has come.
  void pass_time(std::int64_t now_us, stream_told& told);
  /// When pass_time() would do something.
  std::optional<std::int64_t> due_us() const;

  const stream_counts& counts() const { return counts_; }
  const std::optional<stream_fault>& last_fault() const { return last_fault_; }
  /// The oldest of the sources' watermarks; nothing before each source has had a reading.
  std::optional<std::int64_t> watermark_us() const;
  std::int64_t floor_us() const;

  // The past (stream_instance_past.cpp).

  /// The oldest reading that was ever given to it; INT64_MAX: none yet, or it is of a time at which nobody noted that.
  std::int64_t begin_us() const { return begin_us_; }
  /// Whether it has seen all readings since begin_us(): then it began without any state.
  bool knows_its_begin() const { return knows_its_begin_; }
  /// Event times of readings that it could not take in as they count: they came too late, or into time that is corrected. What they have a part
  /// in is to be computed again.
  struct span {
    std::int64_t first_us = INT64_MAX, last_us = INT64_MIN;
    bool empty() const { return first_us > last_us; }
    void add(std::int64_t time_us) {
      first_us = std::min(first_us, time_us);
      last_us = std::max(last_us, time_us);
    }
  };
  const span& again() const { return again_; }
  void must_again(std::int64_t time_us) { again_.add(time_us); }
  void again_is_done() { again_ = {}; }
  /// The place (source_place) before which no row is taken any more; INT64_MIN: any row is.
  std::int64_t floor_place() const { return judged_.floor_us(); }

  struct placed_rows {
    std::vector<std::int64_t> places;  ///< rising
    std::vector<double> values;
  };
  /// Begins anew at the floor: `at_floor` has seen the rows before it as they count now, and `said` the results of them. `rows` are those
  /// behind. Returns all that is told of these, `said` what is found in them.
  std::vector<stream_result> stand_at(stream_judge at_floor, result_events said, const placed_rows& rows,
                                      std::vector<event>& found);
  result_events& events() { return events_; }

  void encode(std::string& out) const;
  bool decode(std::string_view& in);

 private:
  struct sorted_rows {
    std::vector<std::int64_t> places;
    std::vector<double> values;
    std::vector<std::int64_t> gone;  ///< places of readings that are left out: none counts there any more
  };

  sorted_rows sort(std::int64_t received_at_us, std::span<const source_rows> rows);
  void take_in(const sorted_rows& rows, std::int64_t received_at_us, std::vector<change>& made);
  void put_back(std::int64_t place, double value);
  void settle();
  void tell_early(std::int64_t until_us, std::vector<change>& made);
  void tell(std::vector<change>& made, std::int64_t received_at_us, stream_told& told);
  bool hold(const change& each);
  void release(std::int64_t until_us, std::vector<change>& told);
  void count(const change& each);
  bool decode_past(std::uint8_t version, std::string_view& in);

  std::shared_ptr<const stream_plan> plan_;
  stream_times times_;
  revisable<stream_judge> judged_;
  std::vector<std::int64_t> watermarks_us_;  ///< by source; INT64_MIN: none yet
  std::int64_t received_us_ = INT64_MIN;     ///< of the newest entry
  std::int64_t passed_us_ = INT64_MIN;       ///< pass_time() since then has ended what ends by this instant of event time
  std::int64_t released_us_ = INT64_MIN;     ///< likewise, what is settled by then
  std::vector<stream_result> early_;         ///< told, though the judge has not ended them
  result_events events_;
  std::vector<stream_result> held_;  ///< not yet settled, by stream_result::order
  stream_counts counts_;
  std::optional<stream_fault> last_fault_;
  std::int64_t begin_us_ = INT64_MAX;
  bool knows_its_begin_ = true;
  span again_;
};

}  // namespace factory
