#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "http/text/json_writer.hpp"
#include "pipelines/judge/stream_rules.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// Sets those of the rules that the object `value` has; others stay. `invalid`, naming the member, for what cannot be.
expected<void> set_stream_rules(stream_rules& rules, std::string_view name, simdjson::dom::element value);
/// Likewise settings of detectors, by their names.
expected<void> set_detectors(detect_settings& settings, const std::string& within, simdjson::dom::element value);
/// As an object. Of the detectors, those whose settings are not the usual ones.
void write_json(json_writer& out, const stream_rules& rules);

}  // namespace factory
