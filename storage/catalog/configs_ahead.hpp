#pragma once

#include "storage/catalog/catalog_tables.hpp"

#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

/// For this room only.
namespace factory {

/// The configs of sensors as they are once a staged change is in force. What is staged must not change while this is used.
class configs_ahead {
 public:
  configs_ahead(const catalog_tables& tables, catalog_change::staged& change);

  sensor_config of(sensor_id id) const;
  /// The configs of those sensors that get another one than they have; in the order of `sensors`, which may hold one twice.
  config_change of_changed(const std::vector<sensor_id>& sensors) const;
  /// Sensors of the rule, as the catalog is now.
  std::vector<sensor_id> sensors_of(const alert_rule& rule) const;
  /// Those of the machines that are watched otherwise than they are.
  std::vector<machine_config> of_watched_otherwise(const std::vector<machine_id>& machines) const;
  /// The rules that will count for the sensor.
  std::optional<shared_stream_rules> rules_of(const sensor_entry& sensor) const;

 private:
  template_book& change_templates();
  bool is_suppressed(machine_id id) const;
  const machine_entry* machine_of(machine_id id) const;
  const factory_entry* factory_of(const machine_entry* machine) const;
  const catalog_tables& tables_;
  std::unordered_map<sensor_id, const sensor_entry*> sensors_;
  std::unordered_map<machine_id, const machine_entry*> machines_;
  std::unordered_map<factory_id, const factory_entry*> factories_;
  std::unordered_map<sensor_id, std::vector<const alert_rule*>> rules_;  // by sensor; those that are staged
  std::set<rule_id> replaced_;                                           // staged or erased
  std::optional<template_book> changed_templates_;                       // as they will be, where they change
};

}  // namespace factory
