#include "http/api/shown_things.hpp"

#include "http/edge/access.hpp"

namespace factory {

std::shared_ptr<const sensor_set> set_of(const std::vector<sensor_entry>& sensors) {
  auto found = std::make_shared<sensor_set>();
  for (const sensor_entry& sensor : sensors) found->insert(sensor.id);
  return found;
}

shown_things things_of_factory(const query_port& behind, factory_id factory) {
  shown_things found{sensors_of(behind, factory)};
  for (const machine_entry& each : behind.entities().machines(factory)) found.machines.insert(each.id);
  return found;
}

shown_things things_with(const query_port& behind, const label_set& labels) {
  shown_things found{set_of(sensors_with(behind, labels))};
  for (const machine_entry& each : behind.entities().machines_labelled(labels)) found.machines.insert(each.id);
  return found;
}

}  // namespace factory
