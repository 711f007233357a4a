#pragma once

#include <simdjson.h>

#include <string>

#include "pipelines/spec/pipeline_spec.hpp"

/// For pipeline_spec.cpp: a window and its aggregate.
namespace factory::spec_json {

expected<void> read_window(const std::string& path, simdjson::dom::element value, window_step& window);
/// A name, or {"quantile":0.999}.
expected<bool> read_aggregate(const std::string& path, simdjson::dom::element value, window_step& window);

}  // namespace factory::spec_json
