#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/saved_state.hpp"
#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/shared_value.hpp"

namespace factory {

namespace {

struct watched_sensor {
  judged_alarms alarms;
  std::uint64_t applied_sequence = 0;             ///< newest entry that the alarms have seen
  std::int64_t asked_us = INT64_MAX;              ///< the instant that the tick book knows of
  shared_value<std::vector<shelf>> told_shelves;  ///< as tell_shelves knows them
};

struct threshold_state {
  std::unordered_map<sensor_id, watched_sensor> sensors;
  persistence store;
  std::shared_ptr<tick_book> ticks;
};

void pass_on(threshold_state& state, std::vector<event> found) {
  if (!found.empty()) state.store.write_events(std::move(found));
}

std::optional<std::int64_t> due_of(const watched_sensor& watched) {
  const auto due_us = watched.alarms.due_us();
  return due_us == INT64_MAX ? std::nullopt : std::optional(due_us);
}

/// What has come to pass by the ticks before entry `before`.
void let_time_pass(threshold_state& state, watched_sensor& watched, std::uint64_t before, std::vector<event>& found) {
  const auto pass = [&](const tick& at) { watched.alarms.advance(at.at_us, at.at_us, found); };
  factory::let_time_pass(
      *state.ticks, watched.applied_sequence, before, [&] { return due_of(watched); }, pass);
}

/// To be called when the board has taken something in.
void ask_for_time(threshold_state& state, sensor_id sensor, watched_sensor& watched) {
  const auto due_us = watched.alarms.due_us();
  if (due_us >= watched.asked_us) return;
  watched.asked_us = due_us;
  state.ticks->wait(sensor, watched.applied_sequence, due_us);
}

void tell_shelves(const threshold_state& state, sensor_id sensor, watched_sensor& watched) {
  const auto& shelves = watched.alarms.shelves();
  if (watched.told_shelves.read() == shelves) return;
  watched.told_shelves.change() = shelves;
  if (state.store.tell_shelves) state.store.tell_shelves(sensor, shelves);
}

/// Lets the board take in an entry that it has not seen, at its place among the ticks.
template <class TakeIn>
void at_its_place(threshold_state& state, sensor_id sensor, std::uint64_t sequence, TakeIn take_in) {
  auto& watched = state.sensors[sensor];
  if (sequence <= watched.applied_sequence) return;
  std::vector<event> found;
  let_time_pass(state, watched, sequence, found);
  watched.applied_sequence = sequence;
  take_in(watched.alarms, found);
  pass_on(state, std::move(found));
  tell_shelves(state, sensor, watched);
  ask_for_time(state, sensor, watched);
}

void observe(threshold_state& state, const alarm_readings& part) {
  const auto& flow = *part.flow;
  at_its_place(state, part.sensor, flow.sequence, [&](judged_alarms& alarms, std::vector<event>& found) {
    if (part.begin_anew) alarms.begin_anew();
    alarms.observe(part.rows, part.floor_us, flow.received_at_us, found, part.anomalies);
  });
}

/// A sensor that was never watched takes no room here.
void configure(threshold_state& state, const new_config& part) {
  const auto& config = *part.config;
  if (!config.thresholds.configured() && config.rules.empty() && !state.sensors.contains(config.sensor)) return;
  at_its_place(state, config.sensor, part.sequence, [&](judged_alarms& alarms, std::vector<event>& found) {
    alarms.observe(part.newer, part.floor_us, part.received_at_us, found, part.anomalies);
    alarms.configure(config, part.at_us, part.floor_us, part.received_at_us, found);
  });
}

void pass_time(threshold_state& state, const new_tick& part) {
  const auto found_sensor = state.sensors.find(part.sensor);
  if (found_sensor == state.sensors.end()) return;
  auto& watched = found_sensor->second;
  watched.asked_us = INT64_MAX;
  std::vector<event> found;
  let_time_pass(state, watched, part.at.sequence + 1, found);
  if (!part.anomalies.empty()) watched.alarms.observe({}, INT64_MIN, part.at.at_us, found, part.anomalies);
  pass_on(state, std::move(found));
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

void carry_out(const hold_judging&, const new_command& part, judged_alarms* alarms, std::vector<event>&) {
  if (alarms != nullptr && part.floor_us != INT64_MIN) alarms->hold(part.floor_us - 1);
}

void carry_out(const hand_over& past, const new_command& part, judged_alarms* alarms, std::vector<event>& found) {
  if (alarms != nullptr)
    return alarms->take_over(past, part.is_due, part.rows, part.anomalies, part.floor_us, part.received_at_us, found);
  std::ranges::copy_if(past.events, std::back_inserter(found), [](const event& each) { return is_of_alarms(each.key); });
}

void obey(threshold_state& state, const new_command& part) {
  const auto& command = *part.command;
  const auto carry_out_all = [&](judged_alarms* alarms, std::vector<event>& found) {
    std::visit([&](const auto& asked) { carry_out(asked, part, alarms, found); }, command.what);
  };
  if (state.sensors.contains(command.sensor))
    return at_its_place(state, command.sensor, part.sequence, [&](judged_alarms& alarms, std::vector<event>& found) {
      if (!part.anomalies.empty() && !std::holds_alternative<hand_over>(command.what))
        alarms.observe({}, part.floor_us, part.received_at_us, found, part.anomalies);
      carry_out_all(&alarms, found);
    });
  std::vector<event> found;
  carry_out_all(nullptr, found);
  pass_on(state, std::move(found));
}

void look(const threshold_state& state, const drain_order& part) {
  if (!part.alarms) return;
  if (const auto found = state.sensors.find(part.about); found != state.sensors.end()) found->second.alarms.encode(*part.alarms);
}

void save(threshold_state& state, saved_sensor& snapshot) {
  std::string board_bytes;
  auto board_sequence = snapshot.applied_sequence;
  if (const auto found = state.sensors.find(snapshot.sensor); found != state.sensors.end()) {
    // The state tells that all entries up to its own are seen, ticks among them.
    std::vector<event> by_now;
    let_time_pass(state, found->second, snapshot.applied_sequence + 1, by_now);
    pass_on(state, std::move(by_now));
    tell_shelves(state, snapshot.sensor, found->second);
    found->second.alarms.encode(board_bytes);
    board_sequence = std::max(board_sequence, found->second.applied_sequence);
  }
  put_stage_part(snapshot.state, board_sequence, board_bytes);
}

void adopt(threshold_state& state, const adopt_order& part) {
  if (part.bytes.empty()) return;
  auto& watched = state.sensors[part.sensor];
  if (watched.applied_sequence >= part.applied_sequence && watched.applied_sequence != 0) return;
  std::string_view bytes = part.bytes;
  if (!watched.alarms.decode(bytes))
    throw std::runtime_error(fmt::format("the stored alarms of sensor {} cannot be read", part.sensor));
  watched.applied_sequence = part.applied_sequence;
  watched.asked_us = INT64_MAX;
  tell_shelves(state, part.sensor, watched);
  ask_for_time(state, part.sensor, watched);
}

class threshold_stage final : public stage {
 public:
  explicit threshold_stage(const stage_parts& parts) : state_{{}, parts.store, parts.ticks} {}
  void observe(const alarm_readings& part) override { factory::observe(state_, part); }
  void configure(const new_config& part) override { factory::configure(state_, part); }
  void obey(const new_command& part) override { factory::obey(state_, part); }
  void pass_time(const new_tick& part) override { factory::pass_time(state_, part); }
  void adopt(const adopt_order& part) override { factory::adopt(state_, part); }
  void save(saved_sensor& snapshot) override { factory::save(state_, snapshot); }
  void look(const drain_order& part) override { factory::look(state_, part); }
  void forget(sensor_id sensor) override {
    state_.sensors.erase(sensor);
    if (state_.store.tell_shelves) state_.store.tell_shelves(sensor, {});
  }

 private:
  threshold_state state_;
};

}  // namespace

std::unique_ptr<stage> make_threshold_stage(const stage_parts& parts) { return std::make_unique<threshold_stage>(parts); }

}  // namespace factory
