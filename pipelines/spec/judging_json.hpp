#pragma once

#include <simdjson.h>

#include <string>

#include "pipelines/spec/pipeline_spec.hpp"

/// For pipeline_spec.cpp: the steps that judge.
namespace factory::spec_json {

expected<pipeline_step> read_limit(const std::string& path, simdjson::dom::element value);
/// A name, or {"name":"spike","sensitivity":2,"direction":"up"}.
expected<pipeline_step> read_detector(const std::string& path, simdjson::dom::element value);

}  // namespace factory::spec_json
