#pragma once

#include <string>
#include <utility>

#include "storage/catalog/catalog.hpp"

/// Entries as a test wants them: all that it does not name is usual.
namespace factory::test {

inline factory_entry a_factory(std::string name) { return {.name = std::move(name), .location = "Ulm"}; }
inline machine_entry a_machine(factory_id of, std::string name) {
  return {.factory = of, .name = std::move(name), .type = "press"};
}
inline sensor_entry a_sensor(machine_id on, std::string name) {
  return {.machine = on, .name = std::move(name), .unit = "C", .thresholds = {}};
}
inline alert_rule a_rule(sensor_id on, double high = 90) {
  return {.sensor = on,
          .name = "hot",
          .condition = rule_condition::greater_than,
          .low = 0,
          .high = high,
          .level = severity::rule_warning,
          .enabled = true};
}

}  // namespace factory::test
