#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory {

/// Collects rows in arrival order and groups them into a reading_batch with one stable counting sort.
/// Keep one per thread: it reuses its buffers from body to body. It also keeps a table of 4 bytes for each id up to the largest one seen,
/// so append only sensors that exist. Fewer than 2^32 rows. Not thread-safe.
class batch_builder {
 public:
  void append(sensor_id sensor, std::int64_t event_time_us, double value) {
    sensor_.push_back(sensor);
    time_us_.push_back(event_time_us);
    value_.push_back(value);
  }
  /// Likewise, with what the sender says of the reading (quality_flags).
  void append(sensor_id sensor, std::int64_t event_time_us, double value, std::uint8_t flags) {
    append(sensor, event_time_us, value);
    if (flags == flag_none) return;
    flags_.resize(size());
    flags_.back() = flags;
  }
  /// A copy of a row of another builder.
  void append_row(const batch_builder& from, std::size_t row) {
    append(from.sensor_[row], from.time_us_[row], from.value_[row], from.flags_at(row));
  }
  std::size_t size() const { return value_.size(); }
  // The rows so far, in arrival order.
  std::span<const sensor_id> sensors() const { return sensor_; }
  std::span<const std::int64_t> times_us() const { return time_us_; }
  std::span<const double> values() const { return value_; }
  bool has_flags() const { return !flags_.empty(); }
  std::uint8_t flags_at(std::size_t row) const {
    return row < flags_.size() ? flags_[row] : static_cast<std::uint8_t>(flag_none);
  }
  void clear();

  /// The grouped batch; the builder is empty afterwards. Linear in rows plus sensors seen.
  reading_batch finish();

 private:
  void count_rows();
  void order_seen();
  void scatter(reading_batch& out);

  std::vector<sensor_id> sensor_;
  std::vector<std::int64_t> time_us_;
  std::vector<double> value_;
  std::vector<std::uint8_t> flags_;  // up to the last row that has some; empty: none has
  std::vector<std::uint32_t> slot_;  // by sensor: rows in the current body, then its next free place; 0 between bodies
  std::vector<sensor_id> seen_;      // sensors with a slot_ that is not 0
};

}  // namespace factory
