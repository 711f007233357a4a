#pragma once

#include <atomic>
#include <cstddef>

#include "http/edge/limits.hpp"
#include "http/edge/message.hpp"

namespace factory {

/// What the gate asks those above it. Shared by all connections of a gateway, which it outlives.
struct gate_rules {
  http_handler handler;
  body_limit body_bytes;
  admission admit;                    ///< may be empty: everybody is let in
  std::atomic<bool> draining{false};  ///< every answer from now on is its connection's last
  std::size_t body_bytes_in_all = limits::body_bytes_in_all;
  mutable std::atomic<std::size_t> body_bytes_held{0};  ///< by the bodies of all connections
};

}  // namespace factory
