#pragma once

#include "http/router.hpp"

namespace factory {

/// The anomaly service (design section 6, gateway 3001) as a table of calls: no sockets, no engine. Thread-safe.
router anomaly_service();

}  // namespace factory
