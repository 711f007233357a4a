#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>

#include "http/text/json_writer.hpp"
#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Sets `sensor_id`, `selector` or `overrides` of a rule from JSON; unset when it is another member. null takes a selector or the sensor
/// away. Of `overrides` the named sensors are changed, and of each the named members; null takes a sensor or a member away.
std::optional<expected<bool>> set_template_member(alert_rule& rule, std::string_view name, simdjson::dom::element value);
/// After members were set: `invalid` unless the rule has a sensor or a selector.
expected<void> close_template(alert_rule& rule);
/// `sensor_id`, `selector` and `overrides`.
void write_template(json_writer& out, const alert_rule& rule);

void write_json(json_writer& out, const selector& which);
/// As the member `labels`.
void write_labels(json_writer& out, const label_set& labels);

}  // namespace factory
