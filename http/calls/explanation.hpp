#pragma once

#include "http/api/api_call.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {

/// The anomaly, its figures computed again from what is stored, whether they agree, and what the other sensors of its machine did.
expected<http_response> explain_anomaly(ports& behind, const finding& anomaly);

}  // namespace factory
