#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "actors/backtest/backtest.hpp"
#include "pipelines/model/sensor_set.hpp"
#include "pipelines/select/selector.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/events/event_reader.hpp"

namespace factory {

/// A rule that is tried; `instead_of` is the rule in force that it is compared with, 0 when it is a new one.
struct draft_rule {
  alert_rule rule;
  rule_id instead_of = 0;
};

/// What a person asks of a backtest.
struct backtest_request {
  time_range range = {};
  std::optional<selector> sensors = {};  ///< nothing: those that the drafts are for, or all where there are no such drafts
  std::vector<draft_rule> rules = {};
  /// Changes the rules of a sensor to those that are tried; empty: its detectors are not tried.
  std::function<expected<void>(stream_rules&)> detection = {};
  std::vector<fault_window> faults = {};
  std::shared_ptr<const sensor_set> among = {};  ///< only these; null: all
};

/// What is to be run, by the catalog as it is now. Anomalies of these sensors that a person confirmed are known faults too.
expected<backtest_spec> plan_backtest(const backtest_request& asked, const catalog& entities, const event_reader& events,
                                      const stream_rules& usual, std::int64_t now_us);

/// The rule as it is on one sensor, for its config.
alert_rule on_sensor(const alert_rule& rule, sensor_id sensor);

}  // namespace factory
