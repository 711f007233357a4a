#pragma once

#include <simdjson.h>

#include <optional>
#include <string_view>
#include <vector>

#include "http/text/json_writer.hpp"
#include "pipelines/alarm/alert_routing.hpp"
#include "pipelines/model/result.hpp"
#include "storage/catalog/channel.hpp"

namespace factory {

inline const std::vector<std::string_view> required_of_channel{"name", "type", "url"};

/// As in catalog_json.hpp. `secret` can be set and is never shown: `has_secret` tells whether there is one.
expected<bool> set_member(channel_entry& entry, std::string_view name, simdjson::dom::element value);
void write_json(json_writer& out, const channel_entry& entry);

/// `channels` and `escalation` of a rule. Unset when the name is neither.
std::optional<expected<bool>> set_routing(alert_routing& routing, std::string_view name, simdjson::dom::element value);
void write_routing(json_writer& out, const alert_routing& routing);

}  // namespace factory
