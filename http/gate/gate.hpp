#pragma once

#include <atomic>
#include <cstddef>

#include "http/edge/limits.hpp"
#include "http/edge/message.hpp"

namespace factory {

/// The functions that the gate calls in the layers above. Shared by all connections of a gateway; outlives them.
struct gate_rules {
  http_handler handler;
  body_limit body_bytes;
  admission admit;                    ///< may be empty: then every request is admitted
  std::atomic<bool> draining{false};  ///< each further answer closes its connection
  std::size_t body_bytes_in_all = limits::body_bytes_in_all;
  mutable std::atomic<std::size_t> body_bytes_held{0};  ///< bytes held by the bodies of all connections
};

}  // namespace factory
