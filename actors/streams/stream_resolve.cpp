#include "actors/streams/stream_resolve.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "actors/streams/limits.hpp"
#include "pipelines/machine/machine_detector.hpp"
#include "pipelines/spec/units.hpp"

namespace factory {

namespace {

tl::unexpected<error> refuse(std::string path, const std::string& why) {
  auto text = path + ": " + why;
  return fail(errc::invalid, std::move(text), std::move(path));
}

using instances = std::vector<pipeline_instance_entry>;
using sensors_by_machine = std::map<machine_id, std::vector<sensor_id>>;

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

/// Of several sensors that a source finds, the one that the instance had before; 0: none of them.
sensor_id kept_source(const std::vector<sensor_id>& found, const pipeline_instance_entry* known, std::size_t source) {
  if (known == nullptr || source >= known->sources.size()) return 0;
  return std::ranges::count(found, known->sources[source]) != 0 ? known->sources[source] : 0;
}

expected<pipeline_instance_entry> resolve_one(const pipeline_spec& spec, const catalog& entities, const std::set<sensor_id>& own,
                                              const pipeline_instance_entry* known) {
  pipeline_instance_entry only;
  for (const auto& source : spec.sources) {
    const auto path = "sources." + source.name;
    if (source.sensor != 0) {
      if (!entities.known_sensors()->contains(source.sensor))
        return refuse(path + ".sensor_id", "there is no sensor " + std::to_string(source.sensor));
      only.sources.push_back(source.sensor);
      continue;
    }
    std::vector<sensor_id> found;
    for (const auto& each : entities.select(source.which))
      if (!own.contains(each.id)) found.push_back(each.id);
    if (found.empty()) return refuse(path, "there is no such sensor: " + to_text(source.which));
    const auto kept = kept_source(found, known, only.sources.size());
    if (found.size() > 1 && kept == 0)
      return refuse(path, "there are " + std::to_string(found.size()) + " such sensors: " + to_text(source.which) +
                              "; \"per\":\"machine\" makes an instance for each machine");
    only.sources.push_back(kept != 0 ? kept : found.front());
  }
  if (auto good = check_units_of(spec, only, entities); !good) return tl::unexpected(std::move(good.error()));
  return only;
}

/// What each source finds on each machine.
expected<std::vector<sensors_by_machine>> find_sources(const pipeline_spec& spec, const catalog& entities,
                                                       const std::set<sensor_id>& own) {
  std::vector<sensors_by_machine> found;
  for (const auto& source : spec.sources) {
    if (source.sensor != 0 && !entities.known_sensors()->contains(source.sensor))
      return refuse("sources." + source.name + ".sensor_id", "there is no sensor " + std::to_string(source.sensor));
    found.push_back(source.sensor == 0 ? matches(source, entities, own) : sensors_by_machine{});
  }
  return found;
}

/// The instance of one machine, without sources where it has not all of them.
expected<pipeline_instance_entry> resolve_machine(const pipeline_spec& spec, const catalog& entities, machine_id machine,
                                                  const std::vector<sensors_by_machine>& found,
                                                  const pipeline_instance_entry* known) {
  pipeline_instance_entry made;
  made.machine = machine;
  for (std::size_t i = 0; i < spec.sources.size(); ++i) {
    const auto& source = spec.sources[i];
    const auto there = found[i].find(machine);
    if (source.sensor != 0) {
      made.sources.push_back(source.sensor);
    } else if (there != found[i].end()) {
      const auto kept = kept_source(there->second, known, i);
      if (there->second.size() > 1 && kept == 0)
        return refuse("sources." + source.name, "machine " + std::to_string(machine) + " has " +
                                                    std::to_string(there->second.size()) +
                                                    " such sensors: " + to_text(source.which));
      made.sources.push_back(kept != 0 ? kept : there->second.front());
    }
  }
  if (made.sources.size() != spec.sources.size()) {
    made.sources.clear();
    return made;
  }
  if (auto good = check_units_of(spec, made, entities); !good) return tl::unexpected(std::move(good.error()));
  return made;
}

/// Each machine on which a source finds something goes to `take`, until that returns false.
template <class Take>
void resolve_machines(const pipeline_spec& spec, const catalog& entities, const std::vector<sensors_by_machine>& found,
                      const instances& known, Take&& take) {
  std::set<machine_id> machines;
  for (const auto& each : found)
    for (const auto& [machine, sensors] : each) machines.insert(machine);
  for (const auto machine : machines)
    if (!take(machine, resolve_machine(spec, entities, machine, found, find_instance(known, machine)))) return;
}

}  // namespace

const pipeline_instance_entry* find_instance(const instances& in, machine_id machine) {
  const auto at = std::ranges::lower_bound(in, machine, {}, &pipeline_instance_entry::machine);
  return at == in.end() || at->machine != machine ? nullptr : &*at;
}

std::set<sensor_id> own_sensors(const instances& all, const std::vector<former_sink>& former) {
  std::set<sensor_id> own;
  for (const auto& each : all) own.insert(each.sinks.begin(), each.sinks.end());
  for (const auto& each : former) own.insert(each.sensor);
  return own;
}

expected<instances> resolve(const pipeline_spec& spec, const catalog& entities, const std::set<sensor_id>& own) {
  if (!spec.per_machine)
    return resolve_one(spec, entities, own, nullptr).map([](auto only) { return instances{std::move(only)}; });
  const auto found = find_sources(spec, entities, own);
  if (!found) return tl::unexpected(found.error());
  expected<instances> all;
  resolve_machines(spec, entities, *found, {}, [&all](machine_id, expected<pipeline_instance_entry> each) {
    if (!each)
      all = tl::unexpected(std::move(each.error()));
    else if (!each->sources.empty())
      all->push_back(std::move(*each));
    return all.has_value();
  });
  return all;
}

resolved_again resolve_again(const pipeline_spec& spec, const catalog& entities, const pipeline_entry& before) {
  const auto own = own_sensors(before.instances, before.former);
  resolved_again all;
  const auto take = [&all](machine_id machine, expected<pipeline_instance_entry> each) {
    if (!each)
      all.left_out.push_back({machine, std::move(each.error().message)});
    else if (!each->sources.empty())
      all.instances.push_back(std::move(*each));
    return true;
  };
  if (!spec.per_machine) {
    take(0, resolve_one(spec, entities, own, find_instance(before.instances, 0)));
  } else if (const auto found = find_sources(spec, entities, own)) {
    resolve_machines(spec, entities, *found, before.instances, take);
  } else {
    all.left_out.push_back({0, found.error().message});
  }
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
