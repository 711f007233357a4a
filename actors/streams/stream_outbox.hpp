#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory {

/// A derived reading, or one that is no more: it is written as left out of all that is computed.
struct derived_reading {
  sensor_id sensor;
  std::int64_t time_us;
  double value;
  std::uint8_t flags = flag_none;
  bool operator==(const derived_reading&) const = default;
};

/// Derived readings of an instance that are not yet committed. Of one sensor and time the newest counts. What is handed over to be written keeps
/// its number until that is committed.
///
/// Invariant of exactly once: a reading is in the journal, or in the outbox of the state on disk, or follows from the entries behind that state.
/// Writing one again changes nothing: a reading is (sensor, time), the last write counts, and an instance that is restored writes of each
/// time only what it says last.
class stream_outbox {
 public:
  void put(sensor_id sensor, std::int64_t time_us, double value) { waiting_[{sensor, time_us}] = {value, false}; }
  /// The reading of this time, with this value, is no more: it is written anew as one that is left out of all that is computed.
  void take_back(sensor_id sensor, std::int64_t time_us, double value) { waiting_[{sensor, time_us}] = {value, true}; }
  bool empty() const { return waiting_.empty() && handed_.empty(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::size_t size() const;

  /// All that waits is handed over under this number, which is above those before.
  std::vector<derived_reading> take(std::uint64_t number);  ///< by sensor and time
  /// What was handed over under this number, and under those before it, is committed.
  void committed(std::uint64_t number);

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< all waits

 private:
  struct reading_or_gone {
    double value = 0;
    bool is_gone = false;
  };
  using readings = std::map<std::pair<sensor_id, std::int64_t>, reading_or_gone>;
  readings waiting_;
  std::vector<std::pair<std::uint64_t, readings>> handed_;  ///< by number
};

}  // namespace factory
