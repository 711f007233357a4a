#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "actors/analysis.hpp"
#include "actors/failure.hpp"
#include "actors/snapshot.hpp"

namespace factory {

namespace {

using self_pointer = threshold_actor::stateful_pointer<threshold_actor_state>;

void observe(threshold_actor_state& state, const alarm_part& part) {
  const auto& flow = *part.flow;
  auto& [board, applied_sequence] = state.sensors[part.sensor];
  if (flow.sequence <= applied_sequence) return;
  applied_sequence = flow.sequence;
  std::vector<event> found;
  for (const auto row : part.rows)
    board.observe(flow.readings->event_time_us[row], flow.readings->value[row], flow.received_at_us, found);
  if (!found.empty()) state.store.write_events(std::move(found));
}

void configure(threshold_actor_state& state, const config_part& part) {
  auto& [board, applied_sequence] = state.sensors[part.config->sensor];
  if (part.sequence <= applied_sequence) return;
  applied_sequence = part.sequence;
  std::vector<event> found;
  board.configure(*part.config, part.received_at_us, found);
  if (!found.empty()) state.store.write_events(std::move(found));
}

void hand_to_store(threshold_actor_state& state, const snapshot_part& part) {
  auto snapshot = *part.snapshot;
  std::string board_bytes;
  auto board_sequence = snapshot.applied_sequence;
  if (const auto found = state.sensors.find(snapshot.sensor); found != state.sensors.end()) {
    found->second.board.encode(board_bytes);
    board_sequence = std::max(board_sequence, found->second.applied_sequence);
  }
  snapshot.state = join_snapshot({snapshot.state, board_sequence, board_bytes});
  state.store.write_snapshot(std::move(snapshot), [written = part.written, stored = part.stored] {
    if (written) written();
    stored.set(true);
  });
}

void adopt(threshold_actor_state& state, const adopt_part& part) {
  if (part.board.empty()) return;
  auto& watched = state.sensors[part.sensor];
  if (watched.applied_sequence >= part.applied_sequence && watched.applied_sequence != 0) return;
  std::string_view bytes = part.board;
  if (!watched.board.decode(bytes))
    throw std::runtime_error(fmt::format("the stored alarms of sensor {} cannot be read", part.sensor));
  watched.applied_sequence = part.applied_sequence;
}

}  // namespace

threshold_actor::behavior_type threshold(self_pointer self, persistence store) {
  self->state.store = std::move(store);
  fail_loudly(self, "the threshold actor");
  return {
      [self](const alarm_part& part) { observe(self->state, part); },
      [self](const config_part& part) { configure(self->state, part); },
      [self](const snapshot_part& part) { hand_to_store(self->state, part); },
      [self](const adopt_part& part) { adopt(self->state, part); },
      [](const drain_part& part) { part.done.set(true); },
      [self](const retire_part& part) {
        self->state.sensors.erase(part.sensor);
        part.done.set(true);
      },
  };
}

}  // namespace factory
