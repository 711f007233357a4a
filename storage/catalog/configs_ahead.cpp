#include "storage/catalog/configs_ahead.hpp"

#include <algorithm>
#include <unordered_set>

namespace factory {

configs_ahead::configs_ahead(const catalog_tables& tables, catalog_change::staged& change) : tables_(tables) {
  for (const sensor_entry& entry : change.of<sensor_entry>()) sensors_.emplace(entry.id, &entry);
  for (const machine_entry& entry : change.of<machine_entry>()) machines_.emplace(entry.id, &entry);
  for (const factory_entry& entry : change.of<factory_entry>()) factories_.emplace(entry.id, &entry);
  const auto replace = [&](rule_id id) {
    replaced_.insert(id);
    const alert_rule* const before = tables.of<alert_rule>().find(id);
    if (before != nullptr && before->as_template) change_templates().erase(id);
  };
  for (const alert_rule& rule : change.of<alert_rule>()) {
    if (rule.as_template) {
      replaced_.insert(rule.id);
      change_templates().put(rule);
    } else {
      replace(rule.id);
      rules_[rule.sensor].push_back(&rule);
    }
  }
  for (const record_id& what : change.erased)
    if (what.kind == record_kind::rule) replace(what.id);
}

template_book& configs_ahead::change_templates() {
  if (!changed_templates_) changed_templates_ = tables_.templates;
  return *changed_templates_;
}

sensor_config configs_ahead::of(sensor_id id) const {
  const auto staged = sensors_.find(id);
  const sensor_entry* const sensor = staged != sensors_.end() ? staged->second : tables_.of<sensor_entry>().find(id);
  if (sensor == nullptr) return {id, {}, {}, {}};
  sensor_config config{id, sensor->thresholds, {}, rules_of(*sensor)};
  config.suppressed = is_suppressed(sensor->machine);
  for (const rule_id rule : tables_.of<alert_rule>().ids_of_parent(id))
    if (!replaced_.contains(rule)) config.rules.emplace_back(judged(*tables_.of<alert_rule>().find(rule)));
  if (const auto own = rules_.find(id); own != rules_.end())
    for (const alert_rule* const rule : own->second) config.rules.emplace_back(judged(*rule));
  const auto machine = machines_.find(sensor->machine);
  const auto traits = machine != machines_.end() ? traits_on(*sensor, machine->second) : tables_.traits_of(*sensor);
  (changed_templates_ ? *changed_templates_ : tables_.templates).add_rules_of(traits, config.rules);
  order_rules(config);
  return config;
}

bool configs_ahead::is_suppressed(machine_id id) const {
  const auto staged = machines_.find(id);
  return staged != machines_.end() ? suppresses_alarms(staged->second->status) : tables_.is_suppressed(id);
}

const machine_entry* configs_ahead::machine_of(machine_id id) const {
  const auto staged = machines_.find(id);
  return staged != machines_.end() ? staged->second : tables_.of<machine_entry>().find(id);
}

const factory_entry* configs_ahead::factory_of(const machine_entry* machine) const {
  if (machine == nullptr) return nullptr;
  const auto staged = factories_.find(machine->factory);
  return staged != factories_.end() ? staged->second : tables_.of<factory_entry>().find(machine->factory);
}

std::optional<shared_stream_rules> configs_ahead::rules_of(const sensor_entry& sensor) const {
  const auto* const machine = machine_of(sensor.machine);
  return tables_.rules_of(sensor, machine, factory_of(machine));
}

std::vector<machine_config> configs_ahead::of_watched_otherwise(const std::vector<machine_id>& machines) const {
  std::vector<machine_config> out;
  for (const machine_id id : machines) {
    const auto* const machine = machine_of(id);
    if (machine == nullptr) continue;
    const auto how = tables_.machine_detector_of(*machine, factory_of(machine));
    if (how.sensitivity != tables_.machine_detector_of(id).sensitivity) out.push_back({id, how.sensitivity});
  }
  return out;
}

config_change configs_ahead::of_changed(const std::vector<sensor_id>& sensors) const {
  config_change change;
  std::unordered_set<sensor_id> seen;
  for (const sensor_id id : sensors) {
    if (!seen.insert(id).second) continue;
    auto config = of(id);
    if (config != tables_.config_of(id)) change.configs.push_back(std::move(config));
  }
  return change;
}

std::vector<sensor_id> configs_ahead::sensors_of(const alert_rule& rule) const {
  return rule.as_template ? tables_.select(rule.as_template->sensors) : std::vector{rule.sensor};
}

}  // namespace factory
