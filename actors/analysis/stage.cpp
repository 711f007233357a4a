#include "actors/analysis/stage.hpp"

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/failure.hpp"

namespace factory {

std::span<const stage_kind> analysis_chain() {
  using enum stage_input;
  static const std::array chain{
      stage_kind{"anomaly", {found_events}, false, false, make_anomaly_stage},
      stage_kind{"threshold", {alarm_readings, config, command, tick}, true, true, make_threshold_stage},
  };
  return chain;
}

stage_actor::behavior_type run_stage(stage_actor::stateful_pointer<stage_actor_state> self, const stage_kind* kind,
                                     stage_parts parts, stage_actor next) {
  self->state.name = kind->name;
  self->state.what = kind->make(parts);
  self->state.next = std::move(next);
  self->state.store = std::move(parts.store);
  fail_loudly(self, kind->name);
  return {
      [self](const found_events& part) { self->state.what->record(part); },
      [self](const alarm_readings& part) { self->state.what->observe(part); },
      [self](const new_config& part) { self->state.what->configure(part); },
      [self](const new_command& part) { self->state.what->obey(part); },
      [self](const new_tick& part) { self->state.what->pass_time(part); },
      [self](const adopt_order& part) { self->state.what->adopt(part); },
      [self](const save_order& part) {
        self->state.what->save(*part.snapshot);
        if (self->state.next) return self->send(self->state.next, part);
        self->state.store.save_sensor(std::move(*part.snapshot), [written = part.written, stored = part.stored] {
          if (written) written();
          stored.set(true);
        });
      },
      [self](const drain_order& part) {
        self->state.what->look(part);
        self->state.next ? self->send(self->state.next, part) : part.done.set(true);
      },
      [self](const retire_order& part) {
        self->state.what->forget(part.sensor);
        self->state.next ? self->send(self->state.next, part) : part.done.set(true);
      },
  };
}

}  // namespace factory
