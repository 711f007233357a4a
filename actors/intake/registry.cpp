#include "actors/intake/registry.hpp"

#include <utility>

#include "actors/ports/ports.hpp"

namespace factory {

expected<plant_names> engine_registry::read_plant() {
  plant_names out;
  for (auto& f : engine_.entities().factories()) out.factories.push_back({f.id, std::move(f.name)});
  for (auto& m : engine_.entities().machines()) out.machines.push_back({m.id, m.factory, std::move(m.name)});
  for (auto& s : engine_.entities().sensors()) out.sensors.push_back({s.id, s.machine, std::move(s.name)});
  return out;
}

expected<factory_id> engine_registry::make_factory(const std::string& name) {
  factory_entry entry;
  entry.name = name;
  return engine_.create(std::vector{entry}).map([](const auto& made) { return made.front().id; });
}

expected<machine_id> engine_registry::make_machine(factory_id of, const std::string& name) {
  machine_entry entry;
  entry.factory = of;
  entry.name = name;
  entry.type = "replayed";
  return engine_.create(std::vector{entry}).map([](const auto& made) { return made.front().id; });
}

expected<std::vector<sensor_id>> engine_registry::make_sensors(machine_id of, const std::vector<std::string>& names) {
  std::vector<sensor_entry> entries(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    entries[i].machine = of;
    entries[i].name = names[i];
  }
  return engine_.create(std::move(entries)).map([](const auto& made) {
    std::vector<sensor_id> ids;
    for (const sensor_entry& entry : made) ids.push_back(entry.id);
    return ids;
  });
}

}  // namespace factory
