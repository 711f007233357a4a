#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/failure.hpp"
#include "actors/sensors/saved_state.hpp"

namespace factory {

namespace {

using self_pointer = threshold_actor::stateful_pointer<threshold_actor_state>;

void observe(threshold_actor_state& state, const alarm_readings& part) {
  const auto& flow = *part.flow;
  auto& [board, applied_sequence] = state.sensors[part.sensor];
  if (flow.sequence <= applied_sequence) return;
  applied_sequence = flow.sequence;
  std::vector<event> found;
  for (const auto row : part.rows)
    board.observe(flow.readings->event_time_us[row], flow.readings->value[row], flow.received_at_us, found);
  if (!found.empty()) state.store.write_events(std::move(found));
}

void configure(threshold_actor_state& state, const new_config& part) {
  auto& [board, applied_sequence] = state.sensors[part.config->sensor];
  if (part.sequence <= applied_sequence) return;
  applied_sequence = part.sequence;
  std::vector<event> found;
  board.configure(*part.config, part.received_at_us, found);
  if (!found.empty()) state.store.write_events(std::move(found));
}

/// What a command does to the alarms of its sensor: one overload for each kind of command.
void carry_out(const acknowledge_alert& asked, const new_command& part, std::vector<event>& found) {
  found.push_back(acknowledgement_of(asked, part.command->who, part.received_at_us));
}

void obey(threshold_actor_state& state, const new_command& part) {
  if (const auto watched = state.sensors.find(part.command->sensor); watched != state.sensors.end()) {
    auto& applied_sequence = watched->second.applied_sequence;
    if (part.sequence <= applied_sequence) return;
    applied_sequence = part.sequence;
  }
  std::vector<event> found;
  std::visit([&](const auto& asked) { carry_out(asked, part, found); }, part.command->what);
  if (!found.empty()) state.store.write_events(std::move(found));
}

void hand_to_store(threshold_actor_state& state, const save_order& part) {
  auto snapshot = *part.snapshot;
  std::string board_bytes;
  auto board_sequence = snapshot.applied_sequence;
  if (const auto found = state.sensors.find(snapshot.sensor); found != state.sensors.end()) {
    found->second.board.encode(board_bytes);
    board_sequence = std::max(board_sequence, found->second.applied_sequence);
  }
  snapshot.state = join_saved({snapshot.state, board_sequence, board_bytes});
  state.store.save_sensor(std::move(snapshot), [written = part.written, stored = part.stored] {
    if (written) written();
    stored.set(true);
  });
}

void adopt(threshold_actor_state& state, const adopt_order& part) {
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
      [self](const alarm_readings& part) { observe(self->state, part); },
      [self](const new_config& part) { configure(self->state, part); },
      [self](const new_command& part) { obey(self->state, part); },
      [self](const save_order& part) { hand_to_store(self->state, part); },
      [self](const adopt_order& part) { adopt(self->state, part); },
      [](const drain_order& part) { part.done.set(true); },
      [self](const retire_order& part) {
        self->state.sensors.erase(part.sensor);
        part.done.set(true);
      },
  };
}

}  // namespace factory
