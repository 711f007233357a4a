#pragma once

#include "simulate/signal.hpp"

#include "pipelines/alarm/thresholds.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace factory {

/// What a simulated factory consists of, before it exists anywhere: names instead of ids.
struct planned_sensor {
  std::string name, unit;
  signal_shape shape;
  threshold_range thresholds;     ///< never passed by a healthy signal
  std::vector<alert_rule> rules;  ///< without ids
  std::uint64_t key = 0;          ///< of all chance of this sensor
};
struct planned_machine {
  std::string name, type;
  std::vector<planned_sensor> sensors;
};
struct planned_factory {
  std::string name, location;
  std::vector<planned_machine> machines;
};

/// The same seed gives the same plant. Machines go through presses, CNC mills, furnaces, compressors, conveyors and
/// robots in turn; machines of one type differ a little.
std::vector<planned_factory> plan_plant(std::uint64_t seed, std::size_t factory_count, std::size_t machines_per_factory);

}  // namespace factory
