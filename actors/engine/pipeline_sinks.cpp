#include "actors/engine/pipeline_sinks.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "actors/streams/stream_resolve.hpp"

namespace factory {

namespace {

/// A sensor that a pipeline fills or has filled.
struct own_sensor {
  sensor_id sensor = 0;
  machine_id lies_on = 0;
  const sensor_sink* sink = nullptr;  ///< that filled it at last; null: none does any more
};

/// By machine, of an instance or on which they lie, and by the name of the sink.
using by_name = std::multimap<std::pair<machine_id, std::string_view>, own_sensor>;

struct own_sensors_of {
  by_name by_instance, by_place;

  own_sensors_of(const staged_pipeline& of, const catalog& entities) {
    for (const auto& each : of.before)
      for (std::size_t i = 0; i < each.sinks.size() && i < of.spec_before.sinks.size(); ++i)
        if (const auto* const sink = std::get_if<sensor_sink>(&of.spec_before.sinks[i]))
          add(entities, each.machine, sink->name, {each.sinks[i], 0, sink});
    for (const auto& each : of.entry.former) add(entities, each.machine, each.name, {each.sensor, 0, nullptr});
  }
  void add(const catalog& entities, machine_id instance, std::string_view name, own_sensor it) {
    const auto entry = entities.find_sensor(it.sensor);
    if (!entry) return;
    it.lies_on = entry->machine;
    by_instance.emplace(std::pair(instance, name), it);
    by_place.emplace(std::pair(it.lies_on, name), it);
  }
};

template <class Condition>
sensor_id find_own(const by_name& in, machine_id machine, std::string_view name, const Condition& is_it) {
  const auto [begin, end] = in.equal_range({machine, name});
  const auto at = std::find_if(begin, end, [&](const auto& each) { return is_it(each.second); });
  return at == end ? 0 : at->second.sensor;
}

/// The sensor of the same instance, unless the sink now names another machine. What somebody has moved stays the instance's.
sensor_id kept_sensor(const own_sensors_of& own, const staged_pipeline& of, std::size_t sink,
                      const pipeline_instance_entry& instance, const catalog& entities) {
  const auto& wanted = std::get<sensor_sink>(of.spec.sinks[sink]);
  const auto place = machine_of_sink(of.spec, sink, instance, entities);
  return find_own(own.by_instance, instance.machine, wanted.name, [&](const own_sensor& each) {
    if (instance.machine != 0 || (each.sink != nullptr && each.sink->machine == wanted.machine)) return true;
    return place && *place == each.lies_on;
  });
}

/// Whether the change brings the sink, or another one in its place.
bool is_new(const staged_pipeline& of, const pipeline_sink& sink) {
  return std::ranges::find(of.spec_before.sinks, sink) == of.spec_before.sinks.end();
}

void want_units(staged_pipeline& of, const catalog& entities, wanted_sensors& wanted) {
  for (std::size_t i = 0; i < of.spec.sinks.size(); ++i) {
    const auto* const sink = std::get_if<sensor_sink>(&of.spec.sinks[i]);
    if (sink == nullptr || !is_new(of, of.spec.sinks[i])) continue;
    for (const auto& each : of.made) {
      const auto entry = entities.find_sensor(each.sinks[i]);
      if (!entry || entry->unit == sink->unit) continue;
      wanted.units.push_back({entry->id, sink->unit});
      wanted.places_of_units.push_back({&of, each.machine, i});
    }
  }
}

expected<void> want_sensor(staged_pipeline& of, std::size_t sink, pipeline_instance_entry& instance, const catalog& entities,
                           wanted_sensors& wanted) {
  const auto place = machine_of_sink(of.spec, sink, instance, entities);
  if (!place) {
    of.refused.push_back({instance.machine, place.error().message});
    return tl::unexpected(place.error());
  }
  auto& entry = wanted.entries.emplace_back();
  entry.machine = *place;
  entry.name = std::get<sensor_sink>(of.spec.sinks[sink]).name;
  entry.unit = std::get<sensor_sink>(of.spec.sinks[sink]).unit;
  wanted.ids.push_back(&instance.sinks[sink]);
  wanted.places.push_back({&of, instance.machine, sink});
  return {};
}

/// The sinks that fill sensors and have none yet.
std::vector<std::pair<std::size_t, pipeline_instance_entry*>> open_sinks(staged_pipeline& of) {
  std::vector<std::pair<std::size_t, pipeline_instance_entry*>> found;
  for (auto& instance : of.made)
    for (std::size_t i = 0; i < of.spec.sinks.size(); ++i)
      if (instance.sinks[i] == 0 && std::holds_alternative<sensor_sink>(of.spec.sinks[i])) found.emplace_back(i, &instance);
  return found;
}

}  // namespace

error in_words_of_sinks(error why, const wanted_sensors& wanted) {
  error first{why.code, "sinks: " + why.message, "sinks", {}};
  for (const auto& row : why.rows) {
    const auto& at =
        row.index < wanted.places.size() ? wanted.places[row.index] : wanted.places_of_units[row.index - wanted.places.size()];
    const auto field = "sinks[" + std::to_string(at.sink) + "].sensor" + (row.field.empty() ? "" : "." + row.field);
    if (&row == why.rows.data()) first = {why.code, field + ": " + row.reason, field, {}};
    if (at.of != nullptr) at.of->refused.push_back({at.instance, field + ": " + row.reason});
  }
  return first;
}

void assign_known_sinks(staged_pipeline& of, const catalog& entities) {
  const own_sensors_of own(of, entities);
  std::set<sensor_id> taken;
  for (const auto& each : of.entry.instances) taken.insert(each.sinks.begin(), each.sinks.end());
  for (auto& instance : of.made) instance.sinks.assign(of.spec.sinks.size(), 0);
  for (const auto& [sink, instance] : open_sinks(of)) {
    instance->sinks[sink] = kept_sensor(own, of, sink, *instance, entities);
    taken.insert(instance->sinks[sink]);
  }
  const auto is_free = [&taken](const own_sensor& each) { return !taken.contains(each.sensor); };
  for (const auto& [sink, instance] : open_sinks(of)) {
    const auto place = machine_of_sink(of.spec, sink, *instance, entities);
    if (!place) continue;
    instance->sinks[sink] = find_own(own.by_place, *place, std::get<sensor_sink>(of.spec.sinks[sink]).name, is_free);
    taken.insert(instance->sinks[sink]);
  }
}

expected<void> assign_sinks(staged_pipeline& of, const catalog& entities, wanted_sensors& wanted) {
  assign_known_sinks(of, entities);
  want_units(of, entities, wanted);
  for (const auto& [sink, instance] : open_sinks(of))
    if (auto done = want_sensor(of, sink, *instance, entities, wanted); !done) return done;
  return {};
}

void keep_former(staged_pipeline& of, const catalog& entities) {
  auto& former = of.entry.former;
  for (const auto& each : of.before)
    for (std::size_t i = 0; i < each.sinks.size() && i < of.spec_before.sinks.size(); ++i)
      if (const auto* const sink = std::get_if<sensor_sink>(&of.spec_before.sinks[i]))
        former.push_back({each.machine, sink->name, each.sinks[i]});
  const auto filled = own_sensors(of.entry.instances);
  std::set<sensor_id> seen;
  std::erase_if(former, [&](const former_sink& each) {
    return filled.contains(each.sensor) || !entities.known_sensors()->contains(each.sensor) || !seen.insert(each.sensor).second;
  });
}

std::set<machine_id> machines_of_changed_sinks(const std::vector<staged_pipeline>& all, const catalog& entities) {
  std::vector<sensor_id> changed;
  for (const auto& each : all) {
    const auto before = own_sensors(each.before), now = own_sensors(each.entry.instances);
    std::ranges::set_symmetric_difference(before, now, std::back_inserter(changed));
  }
  std::set<machine_id> found;
  for (const auto sensor : changed)
    if (const auto entry = entities.find_sensor(sensor)) found.insert(entry->machine);
  return found;
}

std::vector<sensor_id> sensors_of_sinks(const pipeline_entry& of, const catalog& entities) {
  std::vector<sensor_id> found;
  const auto known = entities.known_sensors();
  for (const auto sensor : own_sensors(of.instances, of.former))
    if (sensor != 0 && known->contains(sensor)) found.push_back(sensor);
  return found;
}

}  // namespace factory
