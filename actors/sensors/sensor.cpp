#include "actors/sensors/sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/sensors/failure.hpp"
#include "actors/sensors/saved_state.hpp"
#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/coding.hpp"

namespace factory {

namespace {

using self_pointer = sensor_actor::stateful_pointer<sensor_actor_state>;

/// To the stages that want such a message.
template <class Message>
void tell(self_pointer self, Message message) {
  self->state.parts.behind->tell(
      std::move(message), [self](const stage_actor& to, auto&& part) { self->send(to, std::forward<decltype(part)>(part)); });
}

void tell_judging(const sensor_actor_state& state) {
  if (!state.parts.judging) return;
  const auto counts = state.core->not_judged();
  auto& told = *state.parts.judging;
  told.floor_us.store(state.core->floor_us(), std::memory_order_relaxed);
  told.late.store(counts.late, std::memory_order_relaxed);
  told.future.store(counts.future, std::memory_order_relaxed);
  told.left_out.store(counts.left_out, std::memory_order_relaxed);
}

void note_taken_in(const sensor_actor_state& state) {
  if (state.parts.taken_in) state.parts.taken_in->store(state.applied_sequence);
  tell_judging(state);
}

void tell_backlog(const sensor_actor_state& state) {
  if (!state.late.empty() && state.parts.backlog)
    state.parts.backlog->put(state.parts.sensor, {state.late.first_us, state.late.last_us, state.core->late_count()});
}

/// Sends the state, and the blocks sealed since the last save, through the analysis actors to the store.
void send_state(self_pointer self, completion stored) {
  auto& state = self->state;
  auto blocks = state.core->take_unstored();
  std::string own, bytes;
  put_byte(own, state.watched ? 1 : 0);
  state.core->encode(own);
  put_late_span(own, state.late);
  put_sensor_part(bytes, own);
  std::function<void()> written;
  if (!blocks.empty())
    written = [sensor = sensor_actor{self}, number = blocks.back()->number] {
      caf::anon_send(sensor, sensor_order{blocks_written{number}});
    };
  auto snapshot = std::make_shared<saved_sensor>(
      saved_sensor{state.parts.sensor, state.applied_sequence, std::move(bytes), std::move(blocks)});
  state.persisted_sequence = state.applied_sequence;
  self->send(state.parts.behind->front(), save_order{std::move(snapshot), std::move(stored), std::move(written)});
}

/// What has come to pass by the ticks before entry `before`.
void let_time_pass(self_pointer self, std::uint64_t before, const std::shared_ptr<const void>& under_way) {
  auto& state = self->state;
  if (!state.parts.ticks) return;
  const auto due = [&] {
    const auto due_us = state.core->due_us();
    return due_us == INT64_MAX ? std::nullopt : std::optional(due_us);
  };
  std::vector<event> found;
  factory::let_time_pass(*state.parts.ticks, state.applied_sequence, before, due,
                         [&](const tick& at) { state.core->advance(at.at_us, found); });
  if (!found.empty()) tell(self, found_events{nullptr, state.parts.sensor, std::move(found), under_way});
}

/// To be called when the state has taken something in.
void ask_for_time(sensor_actor_state& state) {
  const auto due_us = state.core->due_us();
  if (!state.parts.ticks || due_us >= state.asked_us) return;
  state.asked_us = due_us;
  state.parts.ticks->wait(state.parts.sensor, state.applied_sequence, due_us);
}

void take_in(self_pointer self, const std::shared_ptr<const batch_group>& group, const batch_group::rows& rows) {
  auto& state = self->state;
  if (rows.flow->sequence <= state.applied_sequence) return;  // seen before the restart
  let_time_pass(self, rows.flow->sequence, group);
  state.applied_sequence = rows.flow->sequence;
  auto found = state.core->apply(rows.flow->received_at_us, *rows.flow->readings, rows.of_flow);
  const auto flow = [&] { return std::shared_ptr<const batch_flow>(group, rows.flow); };
  if (!found.events.empty()) tell(self, found_events{flow(), state.parts.sensor, std::move(found.events)});
  auto anomalies = state.core->take_anomaly_changes();
  if (!found.alarm_rows.empty() || found.alarms_restart || !anomalies.empty())
    tell(self, alarm_readings{flow(), state.parts.sensor, std::move(found.alarm_rows), state.core->floor_us(),
                              found.alarms_restart, std::move(anomalies)});
  if (found.late_first_us <= found.late_last_us) {
    state.late.first_us = std::min(state.late.first_us, found.late_first_us);
    state.late.last_us = std::max(state.late.last_us, found.late_last_us);
    tell_backlog(state);
  }
  if (!state.parts.stores_readings && state.core->head_size() >= limits::dropped_head_readings)
    state.core->drop_head();
  else if (state.core->head_is_full())
    state.core->seal_head();
  if (state.core->unstored_bytes() >= limits::unstored_block_bytes) send_state(self, {});
  note_taken_in(state);
}

void take_in(self_pointer self, const new_readings& part) {
  const auto parts = part.parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i + 1 < parts.size()) parts[i + 1].flow->readings->fetch_ahead(parts[i + 1].of_flow);
    take_in(self, part.group, parts[i]);
  }
  ask_for_time(self->state);
}

void take_in(self_pointer self, const new_config& part) {
  auto& state = self->state;
  if (part.sequence <= state.applied_sequence) return;
  let_time_pass(self, part.sequence, part.under_way);
  state.applied_sequence = part.sequence;
  state.watched = part.config->thresholds.configured() || !part.config->rules.empty();
  if (part.config->stream) {
    std::vector<event> found;
    state.core->follow(**part.config->stream, part.received_at_us, found);
    if (!found.empty()) tell(self, found_events{nullptr, state.parts.sensor, std::move(found), part.under_way});
  }
  auto place = state.core->watch(needs_of(*part.config), part.received_at_us);
  tell(self, new_config{part.sequence, part.received_at_us, part.config, part.under_way, place.at_us, state.core->floor_us(),
                        std::move(place.newer), state.core->take_anomaly_changes()});
  note_taken_in(state);
}

void take_in(self_pointer self, const new_command& part) {
  auto& state = self->state;
  if (part.sequence <= state.applied_sequence) return;
  let_time_pass(self, part.sequence, part.under_way);
  state.applied_sequence = part.sequence;
  auto placed = part;
  if (std::holds_alternative<hold_judging>(part.command->what)) state.core->hold();
  if (const auto* const past = std::get_if<hand_over>(&part.command->what)) {
    std::vector<event> found;
    placed.is_due = state.core->take_over(*past, part.received_at_us, found, placed.rows);
    if (!found.empty()) tell(self, found_events{nullptr, state.parts.sensor, std::move(found), part.under_way});
  }
  placed.at_us = state.core->place_us(part.received_at_us);
  placed.floor_us = state.core->floor_us();
  placed.anomalies = state.core->take_anomaly_changes();
  tell(self, std::move(placed));
  note_taken_in(state);
}

/// Passed on in any case: the threshold actor may wait for a tick that comes late to it.
void take_in(self_pointer self, const new_tick& part) {
  auto& state = self->state;
  state.asked_us = INT64_MAX;
  let_time_pass(self, part.at.sequence + 1, part.under_way);
  state.applied_sequence = std::max(state.applied_sequence, part.at.sequence);
  auto passed = part;
  passed.anomalies = state.core->take_anomaly_changes();
  tell(self, std::move(passed));
  ask_for_time(state);
  note_taken_in(state);
}

void take_in(self_pointer self, const view_request& request) {
  const auto& state = self->state;
  sensor_view view{state.core->cut(request.range), state.core->latest(), {}, {}, state.core->edge()};
  if (request.more == view_more::detection) view.detection = state.core->detection();
  if (request.more == view_more::status) {
    view.status = state.core->status();
    view.status->restarts = state.parts.restarts;
    view.status->applied_sequence = state.applied_sequence;
  }
  request.answer.set(std::move(view));
}

void take_in(self_pointer self, const persist_request& request) {
  auto& state = self->state;
  if (state.applied_sequence == state.persisted_sequence) {
    // The last saved state may still be on its way: the answer follows it.
    self->send(state.parts.behind->front(), drain_order{request.stored});
    return;
  }
  if (state.core->head_size() >= limits::checkpoint_block_readings) state.core->seal_head();
  send_state(self, request.stored);
}

/// Where none came since, that were all. Nobody is told: what is stored meanwhile has them still, and then they are judged once more.
void take_in(self_pointer self, const backlog_judged& part) {
  auto& state = self->state;
  if (part.late_count == state.core->late_count()) state.late = {};
}

void take_in(self_pointer self, const retire_order& part) {
  if (self->state.parts.backlog) self->state.parts.backlog->erase(self->state.parts.sensor);
  self->send(self->state.parts.behind->front(), part);
  self->quit();
}

/// What a stored state's alarm board watches. The board may have seen later entries than the sensor: the threshold actor skips
/// what the sensor passes on for those.
alarm_needs needs_of_stored(std::string_view board_bytes) {
  judged_alarms alarms;
  if (!board_bytes.empty() && !alarms.decode(board_bytes))
    throw std::runtime_error(
        "the stored alarms cannot be read: they are damaged or of a newer version, restore the newest snapshot");
  return alarms.needs();
}

/// Takes over the stored state. Throws when it cannot be read; the supervisor reports that.
void restore(self_pointer self, const restore_order& order) {
  auto& state = self->state;
  if (order.state) {
    const auto stored = split_saved(*order.state);
    std::string_view bytes = stored.sensor;
    std::uint8_t watched = 0;
    if (!get_byte(bytes, watched) || !state.core->decode(bytes) || !get_late_span(bytes, state.late))
      throw std::runtime_error(fmt::format(
          "the stored state of sensor {} cannot be read: it is damaged or of a newer version, restore the newest snapshot",
          state.parts.sensor));
    state.watched = watched != 0;
    // Decode the board even when it watches nothing: a damaged board must fail its sensor, not the shard that adopts it.
    const auto needs = needs_of_stored(stored.board().bytes);
    if (state.watched || needs.anomalies || needs.quality) state.core->watch_again(needs);
    state.applied_sequence = state.persisted_sequence = order.applied_sequence;
    const auto& keeping = state.parts.behind->keeping;
    for (std::size_t i = 0; i < std::min(keeping.size(), stored.parts.size()); ++i)
      self->send(keeping[i], adopt_order{state.parts.sensor, stored.parts[i].applied_sequence, std::string(stored.parts[i].bytes),
                                         order.under_way});
  }
  tell_backlog(state);
  state.restored = true;
  tell_judging(state);
  for (const auto& missed : order.missed) std::visit([self](const auto& part) { take_in(self, part); }, missed);
  for (const auto& kept : std::exchange(state.kept_back, {}))
    std::visit([self](const auto& message) { take_in(self, message); }, kept);
  ask_for_time(state);
}

template <class Message>
void keep_back(sensor_actor_state& state, const Message& message) {
  state.kept_back.emplace_back(message);
}
/// Other sensors do not wait for a sensor that is being rebuilt.
void keep_back(sensor_actor_state& state, new_readings part) {
  part.turn.reset();
  state.kept_back.emplace_back(std::move(part));
}

/// What comes before the sensor stands where storage says is kept back.
template <class Message>
void receive(self_pointer self, const Message& message) {
  if (self->state.restored)
    take_in(self, message);
  else
    keep_back(self->state, message);
}
void receive(self_pointer self, const restore_order& order) { restore(self, order); }
void receive(self_pointer self, const blocks_written& blocks) { self->state.core->written(blocks.number); }

}  // namespace

sensor_actor::behavior_type sensor(self_pointer self, sensor_parts parts, const stream_rules& rules) {
  self->state.core = std::make_unique<sensor_state>(parts.sensor, rules);
  self->state.parts = std::move(parts);
  fail_loudly(self, "sensor", self->state.parts.sensor);
  return {
      [self](const new_readings& part) { receive(self, part); },
      [self](const sensor_order& order) { std::visit([self](const auto& each) { receive(self, each); }, order.what); },
  };
}

}  // namespace factory
