#pragma once

#include <functional>
#include <optional>

#include "http/router.hpp"

namespace factory {

/// The anomaly service (design section 6, gateway 3001) as a table of calls: no sockets, no engine. Thread-safe.
/// `refuse` is asked before readings are analysed; what it gives is the answer.
router anomaly_service(std::function<std::optional<http_response>(const http_request&)> refuse = {});

}  // namespace factory
