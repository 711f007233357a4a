#pragma once

#include <optional>
#include <string>

#include "actors/engine.hpp"
#include "http/api_call.hpp"
#include "http/request_counters.hpp"

namespace factory {

/// The Prometheus text of /metrics; without an engine (not yet serving) only the requests.
std::string metrics_text(const std::optional<engine_metrics>& figures, const api_table& calls, const request_counters& requests);

}  // namespace factory
