#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/streams/stream_views.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// The instances that a pipeline has in this catalog, with their sources; sinks and beginnings are left to the caller. `invalid`, with the
/// member at fault, for a source that is not there or is not one, and for units that do not fit. A pipeline per machine may have no instance yet.
/// A selector does not find the pipeline's `own` sensors.
expected<std::vector<pipeline_instance_entry>> resolve(const pipeline_spec& spec, const catalog& entities,
                                                       const std::set<sensor_id>& own);
/// That of the machine. REQUIRES: they are in the order of their machines, as all are.
const pipeline_instance_entry* find_instance(const std::vector<pipeline_instance_entry>& in, machine_id machine);
/// The sensors that a pipeline fills or has filled.
std::set<sensor_id> own_sensors(const std::vector<pipeline_instance_entry>& instances,
                                const std::vector<former_sink>& former = {});

struct resolved_again {
  std::vector<pipeline_instance_entry> instances;
  std::vector<left_out_machine> left_out;
};
/// The same after a change of the catalog, which pipelines cannot refuse. A machine whose sources are at fault is left out and takes nothing from
/// the others. Where a selector finds a second sensor, the instance that was there goes on with the first.
resolved_again resolve_again(const pipeline_spec& spec, const catalog& entities, const pipeline_entry& before);

/// The machine on which a sink's sensor lies.
expected<machine_id> machine_of_sink(const pipeline_spec& spec, std::size_t sink, const pipeline_instance_entry& instance,
                                     const catalog& entities);

/// The oldest sensors of the machine, without those that pipelines fill; none where they are too few to be watched together.
std::vector<sensor_id> watched_sensors(const catalog& entities, machine_id machine, const std::set<sensor_id>& derived);

/// Of sensors, those that are computed from them.
using sensor_graph = std::map<sensor_id, std::vector<sensor_id>>;
void add_to(sensor_graph& graph, const pipeline_instance_entry& instance);

/// The sensor through which an instance would feed itself, where `others` are at work too, or nothing: "sensor 4".
std::optional<std::string> find_cycle(const pipeline_instance_entry& instance, const sensor_graph& others);

}  // namespace factory
