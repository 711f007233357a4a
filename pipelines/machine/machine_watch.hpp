#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/judge/revisable.hpp"
#include "pipelines/judge/revision_book.hpp"
#include "pipelines/machine/machine_judge.hpp"
#include "pipelines/stream/stream_instance.hpp"

namespace factory {

/// How a machine is watched, for people.
struct machine_view {
  struct sensor {
    sensor_id id = 0;
    bool is_judged = false;           ///< it had values in the calm rows, and not always the same
    double expected = 0, spread = 0;  ///< of a judged one, while the machine runs calmly
  };
  std::vector<sensor> sensors;
  bool is_ready = false;
  double score = 0;  ///< of the newest row; 1 is the boundary
  double sensitivity = 1;
  std::uint64_t learned_rows = 0;
  std::int64_t learning_since_us = INT64_MIN;  ///< INT64_MIN: not yet
  std::vector<episode> open;                   ///< at most one
  std::vector<culprit> culprits;               ///< of what is open
};

/// A watch's judge at one place, where nothing was open: the past behind it can be judged again from there.
struct machine_mark {
  std::int64_t place = INT64_MIN;  ///< machine_cell::place: it has seen what is up to there
  std::string judge;               ///< machine_judge::encode
};

/// The machine detector over the readings of a machine's sensors, in any order. No actor, no clock, no disk: the same entries in the same order
/// give the same state.
///
/// Invariant: within the lateness, the findings with all corrections applied are a function of the set of readings (the last write of a time
/// counts), not of their order or of their portions.
///
/// A cell (machine_cell) is judged when every sensor has a reading behind it, or the newest of all is the lateness behind it: so a sensor that is silent
/// delays by the lateness, and sensors that come in turn are not judged again and again. What comes later for a cell that was judged has it judged again,
/// until the cell is the lateness behind the sensor that lags most; a sensor that lags by more than the lateness does not count. What comes later still,
/// or into time that is corrected, is again(): the past is judged again with it (machine_rerun.hpp).
class machine_watch {
 public:
  machine_watch(std::uint32_t machine, std::vector<sensor_id> sensors, const stream_times& times, const machine_settings& how);

  /// The rows of one entry. Appends what was found.
  void apply(std::int64_t received_at_us, std::span<const source_rows> rows, std::vector<event>& found);

  /// The sensor's reading of this time does not count, or not any more.
  void take_back(std::int64_t time_us, std::size_t sensor);
  /// Its score is multiplied by another factor, from behind the newest reading on.
  void follow(double sensitivity, std::int64_t received_at_us, std::vector<event>& found);

  using span = stream_instance::span;
  /// Event times of readings that it could not take in as they count.
  const span& again() const { return again_; }
  void must_again(std::int64_t time_us) { again_.add(time_us); }
  void again_is_done() { again_ = {}; }
  /// Its first reading in event time; INT64_MAX: it has none.
  std::int64_t begin_us() const { return begin_us_; }
  /// False where an older program stored it, which did not keep how it began.
  bool knows_its_begin() const { return knows_its_begin_; }
  /// One that came to be since the last one, limits::watch_mark_us before this.
  std::optional<machine_mark> take_mark();
  class rerun;
  /// As revision_book::has_gone.
  void has_gone(const event_key& key, std::int64_t at_us, bool is_awaited) { book_.has_gone(key, at_us, is_awaited); }

  machine_view view() const;
  const stream_counts& counts() const { return counts_; }
  std::optional<std::int64_t> watermark_us() const;  ///< the oldest of the sensors' watermarks
  /// Whether readings before this time are late.
  std::int64_t floor_us() const;

  void encode(std::string& out) const;
  bool decode(std::string_view& in);

 private:
  struct cell_head {
    std::int64_t cell;
    bool is_judged;
  };
  struct slot {
    std::int64_t time_us = INT64_MIN;  ///< INT64_MIN: no reading
    double value = 0;
  };

  void take(std::int64_t time_us, double value, std::size_t sensor);
  std::size_t row_of(std::int64_t cell);
  void judge_complete(std::int64_t received_at_us, std::vector<event>& found);
  void put_row(std::size_t row);
  void append_rows(std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& found);
  void judge_rows(std::size_t begin, std::size_t end, std::int64_t received_at_us, std::vector<event>& found);
  std::int64_t complete_until() const;
  std::int64_t places_between_marks() const;
  void revise(std::string_view reason, std::int64_t received_at_us, std::vector<event>& found);
  void settle();
  bool decode_past(std::string_view& in);
  std::span<const slot> slots_of(std::size_t row) const {
    return std::span(slots_).subspan(row * sensors_.size(), sensors_.size());
  }

  /// The sensitivity behind a place.
  struct setting {
    std::int64_t place;
    double sensitivity;
  };

  std::uint32_t machine_;
  std::vector<sensor_id> sensors_;
  machine_settings how_;  ///< in the beginning
  stream_times times_;
  revisable<machine_judge> judged_;
  revision_book book_;
  std::vector<std::int64_t> watermarks_us_;         ///< by sensor; INT64_MIN: none yet
  std::vector<cell_head> cells_;                    ///< rising: those that may still change
  std::vector<slot> slots_;                         ///< a slot a sensor of each cell: its newest reading there
  std::int64_t floor_cell_ = INT64_MIN;             ///< no older one is taken
  bool is_changed_ = false, is_corrected_ = false;  ///< cells that were judged; by readings of times that were there
  stream_counts counts_;
  span again_;
  std::int64_t begin_us_ = INT64_MAX;
  bool knows_its_begin_ = true;
  std::vector<setting> settings_;       ///< by place, newest limits::watch_settings_kept
  std::int64_t marked_at_ = INT64_MIN;  ///< place of the newest mark
};

}  // namespace factory
