#pragma once

#include <span>
#include <string>

#include "pipelines/model/result.hpp"
#include "pipelines/spec/pipeline_spec.hpp"

namespace factory {

/// Refuses what units show to be a mistake, `invalid` with the member: a sum or difference of sources of different units, and a sink whose unit is
/// another one than that of the only source, where no step computes. A unit that is not given fits every other one.
expected<void> check_units(const pipeline_spec& spec, std::span<const std::string> units_of_sources);

}  // namespace factory
