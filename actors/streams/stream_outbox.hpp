#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "pipelines/model/reading.hpp"

namespace factory {

/// Derived readings that are not yet committed. Of one sensor and time the newest counts. One batch at a time is under way, so readings of one
/// sensor and time reach the journal in the order in which they were put.
///
/// Invariant of exactly once: a reading is in the journal, or in the outbox of the state on disk, or follows from the entries behind that state.
/// Writing one again changes nothing: a reading is (sensor, time), the last write counts, and an instance that is restored writes of each
/// time only what it says last.
class stream_outbox {
 public:
  void put(sensor_id sensor, std::int64_t time_us, double value) { waiting_[{sensor, time_us}] = {value, false}; }
  /// The reading of this time, with this value, is no more: it is written anew as one that is left out of all that is computed.
  void take_back(sensor_id sensor, std::int64_t time_us, double value) { waiting_[{sensor, time_us}] = {value, true}; }
  bool empty() const { return waiting_.empty() && under_way_.empty(); }
  bool is_under_way() const { return !under_way_.empty(); }
  std::size_t size() const { return waiting_.size() + under_way_.size(); }

  /// All that waits is under way from now on. REQUIRES: nothing is.
  reading_batch take();
  /// What was under way is committed, or is to be written again.
  void done(bool committed);

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< all waits

 private:
  struct reading_or_gone {
    double value = 0;
    bool is_gone = false;
  };
  using readings = std::map<std::pair<sensor_id, std::int64_t>, reading_or_gone>;
  readings waiting_, under_way_;
};

}  // namespace factory
