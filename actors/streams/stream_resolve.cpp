#include "actors/streams/stream_resolve.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "actors/streams/limits.hpp"
#include "pipelines/detect/machine.hpp"
#include "pipelines/stream/units.hpp"

namespace factory {

namespace {

tl::unexpected<error> refuse(std::string path, const std::string& why) {
  auto text = path + ": " + why;
  return fail(errc::invalid, std::move(text), std::move(path));
}

using instances = std::vector<pipeline_instance_entry>;
using sensors_by_machine = std::map<machine_id, std::vector<sensor_id>>;

/// The sensors that a pipeline fills.
std::set<sensor_id> filled_by(const instances& all) {
  std::set<sensor_id> filled;
  for (const auto& each : all) filled.insert(each.sinks.begin(), each.sinks.end());
  return filled;
}

sensors_by_machine matches(const source_spec& source, const catalog& entities, const std::set<sensor_id>& own) {
  sensors_by_machine found;
  for (const auto& each : entities.select(source.which))
    if (!own.contains(each.id)) found[each.machine].push_back(each.id);
  return found;
}

expected<void> check_units_of(const pipeline_spec& spec, const pipeline_instance_entry& instance, const catalog& entities) {
  std::vector<std::string> units;
  for (const auto sensor : instance.sources)
    units.push_back(entities.find_sensor(sensor).map([](const sensor_entry& each) { return each.unit; }).value_or(""));
  return check_units(spec, units);
}

expected<instances> resolve_one(const pipeline_spec& spec, const catalog& entities, const std::set<sensor_id>& own) {
  pipeline_instance_entry only;
  for (const auto& source : spec.sources) {
    const auto path = "sources." + source.name;
    if (source.sensor != 0) {
      if (!entities.known_sensors()->contains(source.sensor))
        return refuse(path + ".sensor_id", "there is no sensor " + std::to_string(source.sensor));
      only.sources.push_back(source.sensor);
      continue;
    }
    auto found = entities.select(source.which);
    std::erase_if(found, [&](const sensor_entry& each) { return own.contains(each.id); });
    if (found.empty()) return refuse(path, "there is no such sensor: " + to_text(source.which));
    if (found.size() > 1)
      return refuse(path, "there are " + std::to_string(found.size()) + " such sensors: " + to_text(source.which) +
                              "; \"per\":\"machine\" makes an instance for each machine");
    only.sources.push_back(found.front().id);
  }
  return instances{std::move(only)};
}

expected<instances> resolve_per_machine(const pipeline_spec& spec, const catalog& entities, const std::set<sensor_id>& own) {
  std::map<machine_id, pipeline_instance_entry> made;
  std::vector<sensors_by_machine> found;
  for (const auto& source : spec.sources) {
    const auto path = "sources." + source.name;
    if (source.sensor != 0 && !entities.known_sensors()->contains(source.sensor))
      return refuse(path + ".sensor_id", "there is no sensor " + std::to_string(source.sensor));
    found.push_back(source.sensor == 0 ? matches(source, entities, own) : sensors_by_machine{});
    for (const auto& [machine, sensors] : found.back()) {
      made[machine].machine = machine;
      if (sensors.size() > 1)
        return refuse(path, "machine " + std::to_string(machine) + " has " + std::to_string(sensors.size()) +
                                " such sensors: " + to_text(source.which));
    }
  }
  instances whole;
  for (auto& [machine, instance] : made) {
    for (std::size_t i = 0; i < spec.sources.size(); ++i) {
      const auto there = found[i].find(machine);
      if (spec.sources[i].sensor != 0)
        instance.sources.push_back(spec.sources[i].sensor);
      else if (there != found[i].end())
        instance.sources.push_back(there->second.front());
    }
    if (instance.sources.size() == spec.sources.size()) whole.push_back(std::move(instance));
  }
  return whole;
}

}  // namespace

expected<instances> resolve(const pipeline_spec& spec, const catalog& entities, const instances& before) {
  const auto own = filled_by(before);
  auto all = spec.per_machine ? resolve_per_machine(spec, entities, own) : resolve_one(spec, entities, own);
  if (!all) return all;
  for (const auto& each : *all)
    if (auto good = check_units_of(spec, each, entities); !good) return tl::unexpected(std::move(good.error()));
  return all;
}

expected<machine_id> machine_of_sink(const pipeline_spec& spec, std::size_t sink, const pipeline_instance_entry& instance,
                                     const catalog& entities) {
  if (instance.machine != 0) return instance.machine;
  const auto path = "sinks[" + std::to_string(sink) + "].sensor.machine_id";
  if (const auto wanted = std::get<sensor_sink>(spec.sinks[sink]).machine; wanted != 0) {
    if (!entities.find_machine(wanted)) return refuse(path, "there is no machine " + std::to_string(wanted));
    return wanted;
  }
  std::set<machine_id> machines;
  for (const auto sensor : instance.sources)
    if (const auto entry = entities.find_sensor(sensor)) machines.insert(entry->machine);
  if (machines.size() == 1) return *machines.begin();
  return refuse(path, "is required: the sources are on several machines");
}

std::vector<sensor_id> watched_sensors(const catalog& entities, machine_id machine, const std::set<sensor_id>& derived) {
  std::vector<sensor_id> found;
  for (const auto& each : entities.sensors(machine))
    if (!derived.contains(each.id)) found.push_back(each.id);
  std::ranges::sort(found);
  if (found.size() > machine_detector::most_sensors) found.resize(machine_detector::most_sensors);
  if (found.size() < limits::watched_sensors_least) found.clear();
  return found;
}

void add_to(sensor_graph& graph, const pipeline_instance_entry& instance) {
  for (const auto sensor : instance.sources)
    graph[sensor].insert(graph[sensor].end(), instance.sinks.begin(), instance.sinks.end());
}

std::optional<std::string> find_cycle(const pipeline_instance_entry& instance, const sensor_graph& others) {
  std::set<sensor_id> reached;
  std::vector<sensor_id> next(instance.sinks);
  while (!next.empty()) {
    const auto sensor = next.back();
    next.pop_back();
    if (sensor == 0 || !reached.insert(sensor).second) continue;
    if (std::ranges::find(instance.sources, sensor) != instance.sources.end()) return "sensor " + std::to_string(sensor);
    if (const auto at = others.find(sensor); at != others.end()) next.insert(next.end(), at->second.begin(), at->second.end());
  }
  return std::nullopt;
}

}  // namespace factory
