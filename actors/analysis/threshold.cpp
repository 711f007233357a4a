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

using watched_sensor = threshold_actor_state::watched_sensor;

void hand_over(threshold_actor_state& state, std::vector<event> found) {
  if (!found.empty()) state.store.write_events(std::move(found));
}

std::optional<std::int64_t> due_of(const watched_sensor& watched) {
  const auto due_us = watched.alarms.due_us();
  return due_us == INT64_MAX ? std::nullopt : std::optional(due_us);
}

/// What has come to pass by the ticks before entry `before`.
void let_time_pass(threshold_actor_state& state, watched_sensor& watched, std::uint64_t before, std::vector<event>& found) {
  const auto pass = [&](const tick& at) { watched.alarms.advance(at.at_us, at.at_us, found); };
  factory::let_time_pass(
      *state.ticks, watched.applied_sequence, before, [&] { return due_of(watched); }, pass);
}

/// To be called when the board has taken something in.
void ask_for_time(threshold_actor_state& state, sensor_id sensor, watched_sensor& watched) {
  const auto due_us = watched.alarms.due_us();
  if (due_us >= watched.asked_us) return;
  watched.asked_us = due_us;
  state.ticks->wait(sensor, watched.applied_sequence, due_us);
}

void tell_shelves(const threshold_actor_state& state, sensor_id sensor, watched_sensor& watched) {
  if (watched.told_shelves == watched.alarms.shelves()) return;
  watched.told_shelves = watched.alarms.shelves();
  if (state.store.tell_shelves) state.store.tell_shelves(sensor, watched.told_shelves);
}

/// Lets the board take in an entry that it has not seen, at its place among the ticks.
template <class TakeIn>
void at_its_place(threshold_actor_state& state, sensor_id sensor, std::uint64_t sequence, TakeIn take_in) {
  auto& watched = state.sensors[sensor];
  if (sequence <= watched.applied_sequence) return;
  std::vector<event> found;
  let_time_pass(state, watched, sequence, found);
  watched.applied_sequence = sequence;
  take_in(watched.alarms, found);
  hand_over(state, std::move(found));
  tell_shelves(state, sensor, watched);
  ask_for_time(state, sensor, watched);
}

void observe(threshold_actor_state& state, const alarm_readings& part) {
  const auto& flow = *part.flow;
  at_its_place(state, part.sensor, flow.sequence, [&](judged_alarms& alarms, std::vector<event>& found) {
    if (part.begin_anew) alarms.begin_anew();
    alarms.observe(part.rows, part.floor_us, flow.received_at_us, found);
  });
}

/// A sensor that was never watched takes no room here.
void configure(threshold_actor_state& state, const new_config& part) {
  const auto& config = *part.config;
  if (!config.thresholds.configured() && config.rules.empty() && !state.sensors.contains(config.sensor)) return;
  at_its_place(state, config.sensor, part.sequence, [&](judged_alarms& alarms, std::vector<event>& found) {
    alarms.observe(part.newer, part.floor_us, part.received_at_us, found);
    alarms.configure(config, part.at_us, part.floor_us, part.received_at_us, found);
  });
}

void pass_time(threshold_actor_state& state, const new_tick& part) {
  const auto found_sensor = state.sensors.find(part.sensor);
  if (found_sensor == state.sensors.end()) return;
  auto& watched = found_sensor->second;
  watched.asked_us = INT64_MAX;
  std::vector<event> found;
  let_time_pass(state, watched, part.at.sequence + 1, found);
  hand_over(state, std::move(found));
  tell_shelves(state, part.sensor, watched);
  ask_for_time(state, part.sensor, watched);
}

/// What a command does to the alarms of its sensor: one overload for each kind of command. `alarms` is null when the sensor has none here.
void carry_out(const acknowledge_alert& asked, const new_command& part, judged_alarms* alarms, std::vector<event>& found) {
  auto seen = acknowledgement_of(asked, part.command->who, part.received_at_us);
  if (alarms != nullptr) {
    limit_order order;
    order.what = limit_order::action::acknowledge;
    order.alert = with_kind(asked.alert, event_kind::alert_raised);
    alarms->obey(std::move(order), part.at_us, part.floor_us, part.received_at_us, found);
    if (auto now = alarms->detail_of(asked.alert.source, asked.alert.rule); !now.hushed.empty()) {
      now.limit = asked.limit;
      now.comment = asked.comment;
      seen.detail = std::move(now);
    }
  }
  found.push_back(std::move(seen));
}

void carry_out(const judge_anomaly& given, const new_command& part, judged_alarms*, std::vector<event>& found) {
  found.push_back(feedback_of(given, part.command->who, part.received_at_us));
}

void carry_out(const order_limit& asked, const new_command& part, judged_alarms* alarms, std::vector<event>& found) {
  if (alarms == nullptr) return;
  auto order = asked.order;
  order.who = part.command->who;
  alarms->obey(std::move(order), part.at_us, part.floor_us, part.received_at_us, found);
}

void obey(threshold_actor_state& state, const new_command& part) {
  const auto& command = *part.command;
  const auto carry_out_all = [&](judged_alarms* alarms, std::vector<event>& found) {
    std::visit([&](const auto& asked) { carry_out(asked, part, alarms, found); }, command.what);
  };
  if (state.sensors.contains(command.sensor))
    return at_its_place(state, command.sensor, part.sequence,
                        [&](judged_alarms& alarms, std::vector<event>& found) { carry_out_all(&alarms, found); });
  std::vector<event> found;
  carry_out_all(nullptr, found);
  hand_over(state, std::move(found));
}

void hand_to_store(threshold_actor_state& state, const save_order& part) {
  auto snapshot = *part.snapshot;
  std::string board_bytes;
  auto board_sequence = snapshot.applied_sequence;
  if (const auto found = state.sensors.find(snapshot.sensor); found != state.sensors.end()) {
    // The state tells that all entries up to its own are seen, ticks among them.
    std::vector<event> by_now;
    let_time_pass(state, found->second, snapshot.applied_sequence + 1, by_now);
    hand_over(state, std::move(by_now));
    tell_shelves(state, snapshot.sensor, found->second);
    found->second.alarms.encode(board_bytes);
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
  if (!watched.alarms.decode(bytes))
    throw std::runtime_error(fmt::format("the stored alarms of sensor {} cannot be read", part.sensor));
  watched.applied_sequence = part.applied_sequence;
  watched.asked_us = INT64_MAX;
  tell_shelves(state, part.sensor, watched);
  ask_for_time(state, part.sensor, watched);
}

}  // namespace

threshold_actor::behavior_type threshold(self_pointer self, persistence store, std::shared_ptr<tick_book> ticks) {
  self->state.store = std::move(store);
  self->state.ticks = std::move(ticks);
  fail_loudly(self, "the threshold actor");
  return {
      [self](const alarm_readings& part) { observe(self->state, part); },
      [self](const new_config& part) { configure(self->state, part); },
      [self](const new_command& part) { obey(self->state, part); },
      [self](const new_tick& part) { pass_time(self->state, part); },
      [self](const save_order& part) { hand_to_store(self->state, part); },
      [self](const adopt_order& part) { adopt(self->state, part); },
      [](const drain_order& part) { part.done.set(true); },
      [self](const retire_order& part) {
        self->state.sensors.erase(part.sensor);
        if (self->state.store.tell_shelves) self->state.store.tell_shelves(part.sensor, {});
        part.done.set(true);
      },
  };
}

}  // namespace factory
