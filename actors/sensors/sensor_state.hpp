#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/sensors/suspect.hpp"
#include "actors/sensors/views.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/reading.hpp"
#include "pipelines/stats/rolling_window.hpp"
#include "storage/block/block.hpp"
#include "storage/block/head.hpp"

namespace factory {

/// How event time is read; the same for all sensors.
struct stream_rules {
  std::int64_t allowed_lateness_us = 60'000'000;
  std::int64_t future_skew_us = 300'000'000;
  std::int64_t time_window_us = 60'000'000;
  std::uint32_t z_min_readings = 30;
  double z_threshold = 4.0;
};

/// All that one sensor's actor knows. No actor, no clock, no disk: the same entries in the same order give the same state, bit
/// for bit, also across encode and decode.
///
/// How a reading at time t is taken in, with watermark w = newest event time that was not from the future:
///   t > received_at + skew       stored, flagged future; moves nothing
///   t > w                        in order: judged against count window and limits, then joins the windows; w = t
///   t at hand with the same bits a duplicate: nothing changes
///   t >= w - lateness            stored; revises the windows; not judged
///   older                        stored, flagged late; nothing else
/// "At hand" is what head and count window hold; an older repetition is stored again and resolved when read.
class sensor_state {
 public:
  sensor_state(sensor_id sensor, const stream_rules& rules);

  /// What readings in order have to say to the actors behind; rows are those of the batch.
  struct findings {
    std::vector<suspect> suspects;          ///< all whose z-score is above z_threshold, and maybe some close to it
    std::vector<std::uint32_t> alarm_rows;  ///< not calm, or the first calm one after such: no other can move an alarm
  };
  findings apply(std::int64_t received_at_us, const reading_batch& readings, const slice& rows);
  /// Takes limits into force: the next reading in order is an alarm row, whatever its value.
  void watch(const calm_band& calm);

  bool head_is_full() const;
  std::size_t head_size() const { return head_.size(); }
  /// Seals the whole head: in-order rows as blocks that follow each other, all others apart from them, so that what is late or
  /// from the future does not make the regular blocks overlap. The blocks stay in the cut until written().
  void seal_head();
  /// Sealed blocks that only this state knows: they go to the store together with the state, never without it.
  std::size_t unstored_bytes() const { return unstored_bytes_; }
  std::vector<std::shared_ptr<const block>> take_unstored();
  void written(std::uint32_t number);

  sensor_cut cut(const time_range& range) const;
  std::optional<reading> latest() const;  ///< the newest one that was not from the future
  sensor_status status() const;           ///< without restarts and applied_sequence

  void encode(std::string& out) const;
  bool decode(std::string_view& in);

 private:
  void judge(std::uint32_t row, double value, findings& found);
  std::uint32_t run_in_order(const reading_batch& readings, const slice& rows, std::int64_t future_from_us) const;
  void in_order(std::span<const std::int64_t> times_us, std::span<const double> values);
  std::uint32_t run_in_gap(const reading_batch& readings, const slice& rows, std::int64_t future_from_us) const;
  void in_gap(std::span<const std::int64_t> times_us, std::span<const double> values);
  void behind(std::int64_t time_us, double value);
  void ahead(std::int64_t time_us, double value);

  sensor_id sensor_;
  std::uint32_t next_block_ = 1;
  stream_rules rules_;
  rolling_window count_window_, time_window_;
  head head_;
  std::vector<std::shared_ptr<const block>> sealing_;  ///< not yet written(), by number; the last unstored_ not even taken
  std::size_t unstored_ = 0, unstored_bytes_ = 0;
  bool seen_ = false;  ///< a reading that was not from the future
  bool future_seen_ = false;
  bool was_calm_ = true;  ///< the last reading in order
  std::int64_t watermark_us_ = 0;
  double watermark_value_ = 0;
  std::int64_t newest_future_us_ = 0;
  double newest_future_value_ = 0;
  std::int64_t sealed_until_us_ = INT64_MIN;   ///< regular blocks hold nothing newer
  std::int64_t on_disk_until_us_ = INT64_MIN;  ///< no written() block ends later; after a restart, no reading of that time
  std::int64_t oldest_us_ = INT64_MAX;
  calm_band calm_;
  std::uint64_t accepted_ = 0, duplicate_ = 0, corrected_ = 0, out_of_order_ = 0, late_ = 0, future_ = 0;
};

}  // namespace factory
