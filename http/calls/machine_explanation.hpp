#pragma once

#include "http/api/api_call.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

/// Members of an open object: what the machine detector learned and found, computed again from stored readings, as far as these go.
expected<void> write_machine_explanation(json_writer& out, ports& behind, const finding& anomaly);

}  // namespace factory
