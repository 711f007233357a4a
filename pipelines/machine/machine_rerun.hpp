#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/machine/machine_judge.hpp"
#include "pipelines/machine/machine_watch.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {

/// Judges the past of a machine again, from a mark or from its first reading on, and makes its watch stand as if the readings had always counted so.
/// The watch gets nothing meanwhile.
///
/// What is found is what a watch over the same readings in order finds: each change of the sensitivity stands at its place.
class machine_watch::rerun {
 public:
  /// `from`: null for the first reading. The watch is changed from here on, and is of no use before finish().
  rerun(machine_watch& live, const machine_mark* from);
  /// The mark was read.
  bool is_sound() const { return is_sound_; }
  /// From here on readings are wanted.
  std::int64_t from_us() const;

  /// The next reading in event time, of those that count.
  void add(std::int64_t time_us, std::size_t sensor, double value);
  /// All readings were added. The findings of the watch's newest rows, which may still change, are among found().
  void finish();

  /// All events from the mark on, in order.
  const std::vector<event>& found() const { return found_; }
  /// Marks that came to be since the last call.
  std::vector<machine_mark> take_marks();

 private:
  void end_cell();
  void put_settled();
  void judge_settled();
  void apply_settings(std::int64_t until_place);
  void judge_unsettled();
  void mark(std::int64_t place);

  machine_watch& live_;
  machine_judge judge_;
  std::int64_t from_place_ = INT64_MIN;  ///< the judge has seen what is up to there
  std::int64_t marked_at_ = INT64_MIN;
  std::int64_t cell_ = INT64_MIN;
  std::vector<slot> slots_;  ///< of the cell that is being filled
  recent_rows settled_;      ///< complete cells, by place, not judged yet
  std::size_t next_setting_ = 0;
  std::vector<event> found_;
  std::vector<machine_mark> marks_;
  bool is_sound_ = true;
};

}  // namespace factory
