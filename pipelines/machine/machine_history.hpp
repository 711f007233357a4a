#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pipelines/machine/machine_judge.hpp"
#include "pipelines/model/finding.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

/// A finding of the machine detector, made again from readings, and what it rests on. Figures are those at its peak.
struct machine_recomputation {
  finding again;
  machine_detector::distances at_peak;
  std::uint64_t learned_rows = 0;
  std::int64_t learning_since_us = INT64_MIN;
  struct part {
    sensor_id sensor = 0;
    bool is_judged = false;
    double share = 0;                  ///< of the score
    std::optional<double> value = {};  ///< nothing: it had none
    double expected = 0, spread = 0;   ///< while the machine ran calmly
  };
  std::vector<part> sensors;  ///< highest share first
};

/// Past readings of a machine's sensors, as the machine detector takes them: of each cell the newest.
class machine_history {
 public:
  explicit machine_history(std::vector<sensor_id> sensors) : sensors_(std::move(sensors)), values_(sensors_.size()) {}

  /// Rows of the sensor at this place in the list, in time order, newer than those before. Rows that nobody judges are passed over.
  void add(std::size_t sensor, const reading_run& rows);
  /// From where a watch of the machine stood (machine_mark): `place` and the state of its judge. Nothing when that cannot be read, or the detector does not
  /// find it from there.
  std::optional<machine_recomputation> recompute_from(std::int64_t place, std::string_view judge, const event_key& any) const;
  /// Learns from `since_us` on, as a machine of which nothing is known; what is older says only where the sensors stood. Nothing when the detector does not
  /// find it.
  std::optional<machine_recomputation> recompute(const event_key& any, const machine_settings& how, std::int64_t since_us) const;

 private:
  struct cell_value {
    std::int64_t cell;
    double value;
  };
  std::optional<machine_recomputation> run(machine_judge judge, const event_key& any, std::int64_t behind_place,
                                           std::int64_t since_us) const;

  std::vector<sensor_id> sensors_;
  std::vector<std::vector<cell_value>> values_;  ///< by sensor, rising
};

}  // namespace factory
