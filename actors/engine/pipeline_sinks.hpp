#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "actors/streams/stream_views.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// A pipeline on its way into the catalog.
struct staged_pipeline {
  pipeline_entry entry;
  pipeline_spec spec;
  std::vector<pipeline_instance_entry> made;  ///< new instances; their sinks are assigned at the commit
  pipeline_spec spec_before;
  std::vector<pipeline_instance_entry> before;
  std::vector<left_out_machine> refused = {};  ///< of `made`: those for which the catalog refused it
};

/// What sinks need of the catalog, and which they are.
struct wanted_sensors {
  struct place {
    staged_pipeline* of = nullptr;
    machine_id instance = 0;
    std::size_t sink = 0;
  };
  std::vector<sensor_entry> entries;  ///< to be made
  std::vector<sensor_id*> ids;        ///< where theirs belong
  std::vector<catalog::new_unit> units;
  std::vector<place> places;  ///< of the entries
  std::vector<place> places_of_units;

  bool empty() const { return entries.empty() && units.empty(); }
};
/// Why they cannot be had, in the words of the pipeline of the first that cannot; `refused` of the pipelines gets all.
error in_words_of_sinks(error why, const wanted_sensors& wanted);

/// Gives each sink of the new instances the sensor that it had before, or that another instance had at its place and by its name; 0: none.
void assign_known_sinks(staged_pipeline& of, const catalog& entities);
/// Likewise, and the others are to be made. A sink that the change brings gives its sensor its unit; of one that is as before, the sensor keeps
/// what it has.
expected<void> assign_sinks(staged_pipeline& of, const catalog& entities, wanted_sensors& wanted);

/// Notes the sensors that the instances of before filled and those of now do not.
void keep_former(staged_pipeline& of, const catalog& entities);

/// Where sensors of this catalog lie that only the instances of before fill, or only those of now.
std::set<machine_id> machines_of_changed_sinks(const std::vector<staged_pipeline>& all, const catalog& entities);

/// The sensors that are there of those that it fills or has filled.
std::vector<sensor_id> sensors_of_sinks(const pipeline_entry& of, const catalog& entities);

}  // namespace factory
