#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "replay/sink.hpp"

namespace factory::replay {

/// What readings were to the sensors that took them.
struct changes {
  std::uint64_t added = 0;      ///< the sensor had nothing at that time
  std::uint64_t same = 0;       ///< it had the same reading
  std::uint64_t corrected = 0;  ///< it had another value there
  std::uint64_t stored() const { return added + same + corrected; }
};

/// Sends batches and counts what they change. Where a batch reaches into what a sensor had before the run or got from earlier
/// files, that stretch is read back; a sensor that is new to the run is never asked.
class stored_tally {
 public:
  explicit stored_tally(sink& to) : to_(to) {}

  /// These were made a moment ago: they hold nothing.
  void made(const std::vector<sensor_id>& sensors);
  /// Sends the rows; those at `repeats` (ascending), which meet an earlier row of their file, are not counted.
  expected<changes> send(batch_builder& rows, const std::vector<std::uint32_t>& repeats);
  /// Of what was sent to these sensors, and what others sent them meanwhile. To be asked when all is processed.
  expected<std::uint64_t> not_judged();
  /// What was sent of this file is now something that a sensor had.
  void end_file();

 private:
  struct extent {
    std::int64_t begin_us = INT64_MAX, end_us = INT64_MIN;
    void widen(std::int64_t time_us);
    bool overlaps(const extent& other) const { return begin_us < other.end_us && other.begin_us < end_us; }
  };
  struct held {
    extent before, of_file;
    std::uint64_t not_judged_before = 0;
  };

  expected<held*> held_of(sensor_id sensor);
  expected<void> count(const batch_builder& rows, const std::vector<std::uint32_t>& repeats, changes& into);

  sink& to_;
  std::unordered_map<sensor_id, held> sensors_;
};

}  // namespace factory::replay
