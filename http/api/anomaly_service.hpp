#pragma once

#include <functional>

#include "http/edge/router.hpp"

namespace factory {

/// The anomaly service (design section 6, gateway 3001) as a table of calls: no sockets, no engine. Thread-safe. Who may call is the
/// business of the gateway.
/// `metrics` is what GET /metrics answers; without it there is no such route.
router anomaly_service(std::function<http_response()> metrics = {});

}  // namespace factory
