#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/judge/stream_settings.hpp"
#include "pipelines/model/labels.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/select/selector.hpp"
#include "storage/base/database.hpp"
#include "storage/catalog/channel.hpp"
#include "storage/journal/journal.hpp"

namespace factory {

/// Readings are kept this many days; 0 = for ever; unset: the parent's value counts, and for a factory the configuration's.
using retention_days = std::optional<std::uint32_t>;

struct factory_entry {
  factory_id id = 0;
  std::string name, location;
  std::int64_t created_at_us = 0;
  retention_days retention = {};
  stream_settings settings = {};  ///< of its sensors, where these and their machines have none of their own
};
enum class machine_status : std::uint8_t { operational, maintenance, offline };
std::string_view to_text(machine_status s);  ///< "OPERATIONAL" ...
std::optional<machine_status> parse_machine_status(std::string_view text);
/// A machine that is not in operation: alerts of its sensors are no news.
inline bool suppresses_alarms(machine_status s) { return s != machine_status::operational; }
struct machine_entry {
  machine_id id = 0;
  factory_id factory = 0;
  std::string name, type;
  machine_status status = machine_status::operational;
  std::int64_t created_at_us = 0;
  retention_days retention = {};
  label_set labels = {};
  stream_settings settings = {};  ///< of its sensors, where these have none of their own; and how it is watched as a whole
};
struct sensor_entry {
  sensor_id id = 0;
  machine_id machine = 0;
  std::string name, unit;
  threshold_range thresholds;
  std::int64_t created_at_us = 0;
  retention_days retention = {};
  label_set labels = {};  ///< its own; of other keys it has the labels of its machine
  /// The daemon's options when the sensor came into being. Unset for a sensor of an older data directory: its own state knows them.
  std::optional<shared_stream_rules> usual = {};
  stream_settings settings = {};  ///< its own
  /// Its frozen control limits in force: storage/spc keeps them, and the catalog takes no notice of them where it is given an entry.
  control_basis control = {};
  /// What counts, with all that is inherited. The catalog tells it, and takes no notice of it where it is given an entry.
  std::optional<shared_stream_rules> stream = {};
};

/// What counts for sensors and machines for which nobody has set anything: the daemon's options.
struct usual_detection {
  stream_rules rules = {};
  bool machine_detector = true;
};

/// What a selector looks at; `machine` is null for a sensor without. Points into both.
sensor_traits traits_on(const sensor_entry& sensor, const machine_entry* machine);

/// A change that was checked against the catalog and is not yet in force: the writes, and the config for the sensors.
struct catalog_change {
  std::vector<catalog_write> writes;
  config_change config;  ///< empty when the change affects no sensor
  struct staged;
  std::shared_ptr<staged> in_memory;  ///< taken over by catalog::apply
};

/// The differences between a copy of the catalog and the catalog. The copy may lack ids in removed_*.
struct catalog_delta {
  std::uint64_t version = 0;  ///< version of the catalog after this delta
  bool complete = false;      ///< the delta has all entries: the copy must drop all others
  std::vector<factory_entry> factories;
  std::vector<machine_entry> machines;
  std::vector<sensor_entry> sensors;
  std::vector<alert_rule> rules;
  std::vector<factory_id> removed_factories;
  std::vector<machine_id> removed_machines;
  std::vector<sensor_id> removed_sensors;
  std::vector<rule_id> removed_rules;
};

/// Factories, machines, sensors and alert rules; ids from 1 up, never reused.
/// Names are 1 to limits::name_bytes of UTF-8; factory names are unique, machine names within their factory, sensor names within
/// their machine: conflict. An entity with children cannot be deleted: conflict. A missing parent: invalid
/// with the member named. min_threshold above max_threshold: invalid. Errors of an array name the index in `rows`.
/// A rule is of one sensor, or a template: of all sensors that its selector matches, now or later. A change of a sensor, a machine or a rule
/// gives each sensor whose limits or rules it changes a new config.
///
/// Changing: stage_*() checks and prepares under a lock that the change holds; the caller commits the writes (journal::append) and then
/// calls apply(), or drops the change, on any thread. Only one change can be staged at a time. Reading is thread-safe and sees applied changes only.
class catalog {
 public:
  explicit catalog(database& db, usual_detection usual = {});
  expected<void> load();
  ~catalog();

  std::vector<factory_entry> factories() const;
  std::vector<machine_entry> machines(std::optional<factory_id> of = {}) const;
  std::vector<sensor_entry> sensors(std::optional<machine_id> of = {}) const;
  std::vector<alert_rule> rules(
      std::optional<sensor_id> of = {}) const;  ///< of a sensor: its own, and the templates that match it
  /// Machines that have all of the labels, ascending by id. A sensor is found by select().
  std::vector<machine_entry> machines_labelled(const label_set& labels, std::optional<factory_id> of = {}) const;
  /// Ascending by id. Looks at the sensors that the narrowest member of the selector leaves: all of them for a pattern alone.
  std::vector<sensor_entry> select(const selector& which) const;
  std::vector<channel_entry> channels() const;
  expected<factory_entry> find_factory(factory_id id) const;  ///< not_found "Factory not found"
  expected<machine_entry> find_machine(machine_id id) const;  ///< not_found "Machine not found"
  expected<sensor_entry> find_sensor(sensor_id id) const;     ///< not_found "Sensor not found"
  expected<alert_rule> find_rule(rule_id id) const;           ///< not_found "Rule not found"
  expected<channel_entry> find_channel(channel_id id) const;  ///< not_found "Channel not found"
  std::shared_ptr<const sensor_set> known_sensors() const;    ///< never null
  sensor_config config_of(sensor_id id) const;
  stream_rules inherited_by(const sensor_entry& sensor) const;  ///< what would count without its own settings
  detector_setting machine_detector_of(machine_id id) const;    ///< whether and how the machine is watched as a whole
  const usual_detection& usual() const;
  /// At the start, what storage/spc knows.
  void hold_control_limits(sensor_id id, const control_basis& in_force);
  retention_days retention_of(sensor_id id) const;           ///< the sensor's own, else its machine's, else its factory's
  std::uint64_t version() const;                             ///< rises with each applied change, also over restarts
  std::string store_id() const;                              ///< identity of its database
  catalog_delta changes_since(std::uint64_t version) const;  ///< one consistent state; complete when too much changed since

  // Ignores ids and created_at_us of the arguments and assigns them; the returned entries have them.
  template <class Entry>
  struct staged_entries {
    std::vector<Entry> entries;
    catalog_change change;
  };
  expected<staged_entries<factory_entry>> stage_create(std::vector<factory_entry> entries, std::int64_t now_us);
  expected<staged_entries<machine_entry>> stage_create(std::vector<machine_entry> entries, std::int64_t now_us);
  expected<staged_entries<sensor_entry>> stage_create(std::vector<sensor_entry> entries, std::int64_t now_us);
  struct new_unit {
    sensor_id sensor = 0;
    std::string unit;
  };
  /// The same, and other units for sensors that are there, as one change. In errors these are the rows behind the entries, and all rows at fault are
  /// named.
  expected<staged_entries<sensor_entry>> stage_create(std::vector<sensor_entry> entries, const std::vector<new_unit>& units,
                                                      std::int64_t now_us);
  expected<staged_entries<alert_rule>> stage_create(std::vector<alert_rule> entries, std::int64_t now_us);
  expected<staged_entries<channel_entry>> stage_create(std::vector<channel_entry> entries, std::int64_t now_us);
  expected<catalog_change> stage_update(const factory_entry& entry);
  expected<catalog_change> stage_update(const machine_entry& entry);
  /// Machines that were not in operation before their sensors were told of that. An update of one, also as it is, tells them.
  std::vector<machine_id> untold_machines() const;
  expected<catalog_change> stage_update(const sensor_entry& entry);
  expected<catalog_change> stage_update(const alert_rule& entry);
  expected<catalog_change> stage_update(const channel_entry& entry);
  /// Other control limits are in force on the sensor; storage/spc has the write.
  expected<catalog_change> stage_control_limits(sensor_id id, const control_basis& in_force);
  expected<catalog_change> stage_delete_factory(factory_id id);
  expected<catalog_change> stage_delete_machine(machine_id id);
  expected<catalog_change> stage_delete_sensor(sensor_id id);                        ///< its rules go with it
  expected<catalog_change> stage_delete_sensors(const std::vector<sensor_id>& ids);  ///< all or none
  expected<catalog_change> stage_delete_rule(rule_id id);
  expected<catalog_change> stage_delete_channel(channel_id id);  ///< conflict while a rule names it
  void apply(catalog_change change);

  struct impl;  ///< storage/catalog/catalog_tables.hpp, for this room only

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
