#include "actors/sensors/supervisor.hpp"

#include <utility>

#include "actors/sensors/failure.hpp"

namespace factory {

supervisor_actor::behavior_type supervisor(supervisor_actor::stateful_pointer<supervisor_state> self, failure_handler failed) {
  self->state.failed = std::move(failed);
  fail_loudly(self, "the supervisor");
  self->set_down_handler([self](const caf::down_msg& down) {
    const auto entry = self->state.watched.extract(down.source);
    if (entry.empty() || !down.reason || down.reason == caf::exit_reason::user_shutdown) return;
    self->state.failed(entry.mapped());
  });
  return {[self](const watch_order& order) {
    const auto who = caf::actor_cast<caf::actor_addr>(order.who);
    self->state.watched.emplace(who, failed_actor{order.what, order.id, who});
    self->monitor(order.who);
  }};
}

}  // namespace factory
