#include <utility>

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/failure.hpp"

namespace factory {

anomaly_actor::behavior_type anomaly(anomaly_actor::stateful_pointer<anomaly_actor_state> self, threshold_actor thresholds,
                                     persistence store) {
  self->state.thresholds = std::move(thresholds);
  self->state.store = std::move(store);
  fail_loudly(self, "the anomaly actor");
  return {
      [self](const found_events& part) { self->state.store.write_events(part.events); },
      [self](const save_order& part) { self->send(self->state.thresholds, part); },
      [self](const drain_order& part) { self->send(self->state.thresholds, part); },
      [self](const retire_order& part) { self->send(self->state.thresholds, part); },
  };
}

}  // namespace factory
