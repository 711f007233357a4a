#pragma once

#include <functional>

#include "http/edge/router.hpp"

namespace factory {

/// The anomaly service (gateway 3001, docs/reference/api.md) as a table of calls: no sockets, no engine. Thread-safe. The
/// gateway checks who may call.
/// `metrics` is what GET /metrics answers; without it there is no such route.
router anomaly_service(std::function<http_response()> metrics = {});

}  // namespace factory
