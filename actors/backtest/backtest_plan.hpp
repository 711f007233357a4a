#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "actors/backtest/backtest.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/select/selector.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/corrections/correction_store.hpp"
#include "storage/events/event_reader.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/streams/pipeline_store.hpp"

namespace factory {

/// A rule that is tried; `instead_of` is the rule in force that it is compared with, 0 when it is a new one.
struct draft_rule {
  alert_rule rule;
  rule_id instead_of = 0;
};

/// A pipeline that is tried; `instead_of` likewise.
struct draft_pipeline {
  pipeline_spec spec;
  pipeline_id instead_of = 0;
};

/// What a person asks of a backtest.
struct backtest_request {
  time_range range = {};
  /// Nothing: those that the drafts are for, or all where there are no such drafts. What drafts of pipelines compute from is read in any case.
  std::optional<selector> sensors = {};
  std::vector<draft_rule> rules = {};
  std::vector<draft_pipeline> pipelines = {};
  /// Changes the rules of a sensor to those that are tried; empty: its detectors are not tried.
  std::function<expected<void>(stream_rules&)> detection = {};
  /// Likewise how a machine is watched; empty: that is not tried.
  std::function<void(detector_setting&)> machine_detection = {};
  std::vector<fault_window> faults = {};
  std::shared_ptr<const sensor_set> among = {};  ///< only these; null: all
};

/// What is in force.
struct backtest_sources {
  const catalog& entities;
  const event_reader& events;
  std::vector<pipeline_entry> pipelines;
  std::vector<machine_watch_entry> watches;
  /// Another catalog with the same entries: sensors that only the backtest has are made in it.
  std::function<expected<std::unique_ptr<catalog>>()> copy_of_catalog;
  std::function<shared_overlay(sensor_id)> overlay_of = {};  ///< of corrections
};

/// What is to be run, as things are now. Pipelines and watches over machines are run where all of their sensors are looked at. Anomalies of
/// these sensors that a person confirmed are known faults too. Drafts of pipelines are refused for what would refuse them live.
expected<backtest_spec> plan_backtest(const backtest_request& asked, const backtest_sources& in_force, const stream_rules& usual,
                                      std::int64_t now_us);

/// The rule as it is on one sensor, for its config.
alert_rule on_sensor(const alert_rule& rule, sensor_id sensor);
/// Ascending, whether it has a sensor or is a template.
std::vector<sensor_id> sensors_of(const alert_rule& rule, const catalog& entities);

}  // namespace factory
