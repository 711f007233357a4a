#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/ports/query_port.hpp"
#include "http/calls/alert_groups.hpp"
#include "http/edge/message.hpp"
#include "http/edge/query.hpp"
#include "http/text/event_json.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

/// The names that an alert's key stands for, as far as they still exist.
struct alert_names {
  std::optional<alert_rule> rule = {};
  std::optional<sensor_entry> sensor = {};
  std::optional<machine_entry> machine = {};
};
alert_names names_of(const query_port& behind, const event_key& alert);

std::uint32_t priority_of(const query_port& behind, const finding& alert);
alert_place place_of(const query_port& behind, const finding& alert, const shown_groups& groups);

/// Whether the caller may see what is said of the sensor; without a limit to a factory, also of deleted ones.
bool may_see_alerts_of(const query_port& behind, const http_request& request, sensor_id sensor);

/// `group_window_ms`; limits::alarm_group_ms when it is not asked for.
std::int64_t read_group_window_us(query_reader& query);

/// not_found "Alert not found", also for alerts that the caller may not see.
expected<finding> find_alert(const query_port& behind, const http_request& request, std::string_view id);
/// With the group that it belongs to.
http_response alert_json(const query_port& behind, const finding& alert,
                         std::int64_t group_window_us = limits::alarm_group_ms * 1'000);

}  // namespace factory
