#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>
#include <vector>

#include "http/text/json_writer.hpp"
#include "pipelines/model/result.hpp"
#include "storage/catalog/catalog.hpp"

namespace factory {

// Catalog entities as JSON. `required` are the members that a new entity must have; the others have defaults.
inline const std::vector<std::string_view> required_of_factory{"name"};
inline const std::vector<std::string_view> required_of_machine{"factory_id", "name"};
inline const std::vector<std::string_view> required_of_sensor{"machine_id", "name"};
inline const std::vector<std::string_view> required_of_rule{"name", "condition"};

// Sets one member from JSON (of `labels` only those that it names); false when there is no such member. `id` and `created_at` are given by the server: invalid.
expected<bool> set_member(factory_entry& entry, std::string_view name, simdjson::dom::element value);
expected<bool> set_member(machine_entry& entry, std::string_view name, simdjson::dom::element value);
expected<bool> set_member(sensor_entry& entry, std::string_view name, simdjson::dom::element value);
expected<bool> set_member(alert_rule& entry, std::string_view name, simdjson::dom::element value);

/// Likewise one of the options of a rule; unset when it is none of them.
std::optional<expected<bool>> set_option(alarm_options& options, std::string_view name, simdjson::dom::element value);

void write_json(json_writer& out, const factory_entry& entry);
void write_json(json_writer& out, const machine_entry& entry);
void write_json(json_writer& out, const sensor_entry& entry);
/// The limit that the condition does not use is null.
void write_json(json_writer& out, const alert_rule& entry);
/// ["drift","nelson"], of the bits of anomaly_words().
void write_detectors(json_writer& out, std::uint32_t bits);

/// A limit of a rule that is not set yet.
double unset_limit();
/// Before members of a rule are set: marks the limit that its condition does not use as unset.
void open_limits(alert_rule& rule);
/// After members were set: `invalid` when a limit that the condition uses is unset; the other one becomes 0.
expected<void> close_limits(alert_rule& rule);

}  // namespace factory
