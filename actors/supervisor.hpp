#pragma once

#include <functional>
#include <unordered_map>

#include "actors/interfaces.hpp"

namespace factory {

/// Called on a CAF thread when a watched actor ended for any reason but a normal one. Must not block.
using failure_handler = std::function<void(const watch_order& failed)>;

struct supervisor_state {
  supervisor_state() = default;
  static inline const char* name = "supervisor";
  std::unordered_map<caf::actor_addr, watch_order> watched;
  failure_handler failed;
};
supervisor_actor::behavior_type supervisor(supervisor_actor::stateful_pointer<supervisor_state> self, failure_handler failed);

}  // namespace factory
