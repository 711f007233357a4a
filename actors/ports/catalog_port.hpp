#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/streams/stream_views.hpp"
#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/model/result.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// Machines for which a pipeline has no instance though their sensors are there, and why.
struct left_out_machines {
  std::vector<left_out_machine> first;  ///< limits::left_out_kept at most
  std::size_t count = 0;                ///< of all
  bool operator==(const left_out_machines&) const = default;
};

/// Changes of the catalog. They are committed through the journal, so they are in order with the readings.
class catalog_port {
 public:
  virtual ~catalog_port() = default;

  /// What the daemon's options make the rules of a new sensor.
  virtual stream_rules usual_stream_rules() const = 0;
  virtual expected<std::vector<factory_entry>> create(std::vector<factory_entry> entries) = 0;
  virtual expected<std::vector<machine_entry>> create(std::vector<machine_entry> entries) = 0;
  virtual expected<std::vector<sensor_entry>> create(std::vector<sensor_entry> entries) = 0;
  virtual expected<std::vector<alert_rule>> create(std::vector<alert_rule> entries) = 0;
  virtual expected<std::vector<channel_entry>> create(std::vector<channel_entry> entries) = 0;
  virtual expected<void> update(const factory_entry& entry) = 0;
  virtual expected<void> update(const machine_entry& entry) = 0;
  virtual expected<void> update(const sensor_entry& entry) = 0;
  /// The entry as it is now, changed by `edit` and committed, with no other change between: feedback changes sensors and machines, too. What `edit`
  /// refuses is returned, and nothing happens. It must not change the catalog itself.
  virtual expected<void> edit_machine(machine_id id, const std::function<expected<void>(machine_entry&)>& edit) = 0;
  virtual expected<void> edit_sensor(sensor_id id, const std::function<expected<void>(sensor_entry&)>& edit) = 0;
  virtual expected<void> update(const alert_rule& entry) = 0;
  virtual expected<void> update(const channel_entry& entry) = 0;
  virtual expected<void> remove_factory(factory_id id) = 0;
  virtual expected<void> remove_machine(machine_id id) = 0;
  virtual expected<void> remove_sensor(sensor_id id) = 0;
  virtual expected<void> remove_rule(rule_id id) = 0;
  virtual expected<void> remove_channel(channel_id id) = 0;

  /// A pipeline, as parse_pipeline takes it: stored, with the sensors that it fills, and at work for what is committed from now on. `invalid` with
  /// the member at fault; conflict when a sensor of that name is there.
  expected<pipeline_entry> create_pipeline(const std::string& json) {
    return create_pipelines({json}).map([](std::vector<pipeline_entry> made) { return std::move(made.front()); });
  }
  /// The same of several, all or none. An error of several has the index of each that is refused.
  virtual expected<std::vector<pipeline_entry>> create_pipelines(const std::vector<std::string>& all) = 0;
  /// The members of `changes` take the place of those that are there. Where another thing is computed, it begins anew.
  virtual expected<pipeline_entry> update_pipeline(pipeline_id id, std::string_view changes) = 0;
  /// Its sensors stay with their readings, or go with them: conflict when another pipeline needs one.
  virtual expected<void> remove_pipeline(pipeline_id id, bool with_sensors = false) = 0;
  virtual std::vector<pipeline_entry> pipelines() const = 0;
  virtual expected<pipeline_entry> find_pipeline(pipeline_id id) const = 0;  ///< not_found "Pipeline not found"
  virtual std::vector<stream_report> report_of_pipeline(pipeline_id id) const = 0;
  /// Since a change of the catalog.
  virtual left_out_machines left_out_of_pipeline(pipeline_id id) const = 0;
};

}  // namespace factory
