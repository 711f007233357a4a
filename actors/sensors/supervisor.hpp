#pragma once

#include <functional>
#include <unordered_map>

#include "actors/interfaces.hpp"

namespace factory {

struct failed_actor {
  watch_order::kind what = watch_order::kind::sensor;
  std::uint32_t id = 0;  ///< sensor id or shard index
  caf::actor_addr who;
};

/// Called on a CAF thread when a watched actor ended for any reason but a normal one. Must not block.
using failure_handler = std::function<void(const failed_actor&)>;

struct supervisor_state {
  supervisor_state() = default;
  static inline const char* name = "supervisor";
  std::unordered_map<caf::actor_addr, failed_actor> watched;  // if they fail
  failure_handler failed;
};
supervisor_actor::behavior_type supervisor(supervisor_actor::stateful_pointer<supervisor_state> self, failure_handler failed);

}  // namespace factory
