#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/notify/notify_store.hpp"

namespace factory {

/// What is told of an alert, before it has the form of a channel.
struct notice {
  std::string id;    ///< the same whenever it is told again, made from the event alone: receivers drop repeats by it
  std::string kind;  ///< "alert_raised" "alert_cleared" "alert_acknowledged" "alert_escalated" "revised" "withdrawn" "escalation"
                     ///< "chattering" "calm" "digest" "group" "test"
  event what;
  std::int64_t raised_at_us = 0;
  bool active = true;                 ///< the alert, once this is known
  std::optional<std::uint32_t> step;  ///< of the escalation, from 1
  std::uint32_t steps_done = 0;       ///< of the escalation, before this notice
  severity level{};
  alert_rule rule;
  pipeline_id pipeline = 0;  ///< of a pipeline's event; then `rule` has the pipeline's name and channels, and no id
  sensor_entry sensor;
  machine_entry machine;
  factory_entry factory;
  std::string finding = {};  ///< what it is about: notices of one thing go one after the other
  std::string title = {};    ///< one line; empty: headline() makes it
  std::string message = {};  ///< the rule's, with its placeholders filled in; what the pipeline says; else one made here
  std::string anomaly = {};  ///< id of the anomaly that raised it; empty: none did
  std::vector<collected_notice> collected = {};  ///< of "group"; then `what` is the alarm that was raised first

  /// It is about no alert, or about several: rule, sensor and value say nothing.
  bool of_no_alert() const { return kind == "test" || kind == "digest" || kind == "group"; }
  /// What a pipeline says is about its condition, which is no limit.
  bool has_limit() const { return !of_no_alert() && pipeline == 0; }
};

/// The rule behind an alert, as it is on the alert's sensor. For a limit of the sensor itself, and for a rule that was deleted, a name
/// that says so.
alert_rule rule_behind(const catalog& entities, const event_key& alert);
/// The notice of an event, with the names that the catalog has now.
notice notice_of(const catalog& entities, const event& what, const alert_rule& rule);
notice test_notice(std::int64_t now_us);

/// "{sensor} on {machine} is at {value} {unit}": {factory} {machine} {sensor} {unit} {rule} {value} {limit} {severity} {time} are
/// replaced, anything else stays.
std::string filled_in(std::string_view message, const notice& with);
/// One line for people: "CRITICAL: Bearing temperature on Press 7 (Werk 1): hot, 97.5 C".
std::string headline(const notice& it);
/// Of the value that the rule is about: the sensor's, that a second for a rate, seconds for silence, none for the score of an anomaly and for
/// what a pipeline computes, which is not in the unit of its source.
std::string unit_of_value(const notice& it);
/// "97.5 C", "0.4 C/s", "12 s", "score 2.4".
std::string value_text(const notice& it);
/// As the body of a webhook.
std::string notice_json(const notice& it);

}  // namespace factory
