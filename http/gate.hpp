#pragma once

#include <atomic>

#include "http/message.hpp"

namespace factory {

/// What the gate asks those above it. Shared by all connections of a gateway, which it outlives.
struct gate_rules {
  http_handler handler;
  body_limit body_bytes;
  std::atomic<bool> draining{false};  ///< every answer from now on is its connection's last
};

}  // namespace factory
