#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/flow/wake.hpp"
#include "actors/streams/limits.hpp"
#include "actors/streams/machine_actor.hpp"
#include "actors/streams/stream_actor.hpp"
#include "actors/streams/stream_population.hpp"

namespace factory {

/// REQUIRES: the caller holds mutex_.
void stream_population::spawn(instance& it) {
  it.actor = it.live->is_watch() ? system_.spawn(machine_actor, it.live, ports_, times_)
                                 : system_.spawn(stream, it.live, ports_, times_);
  caf::anon_send(supervisor_,
                 watch_order{watch_order::kind::sensor, it.number, caf::actor_cast<caf::strong_actor_ptr>(it.actor)});
}

void stream_population::on_failure(std::uint32_t number) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(number);
  bell_.ring();
}

/// Replaces the actors that have failed: each new one begins at the stored state and gets the entries behind it from the journal.
void stream_population::restart_failed() {
  const std::lock_guard lock(mutex_);
  for (const auto number : std::exchange(failures_, {})) {
    const auto at = std::ranges::find_if(all_, [number](const auto& each) { return each.second->number == number; });
    if (at == all_.end() || at->second->is_down) continue;
    auto& failed = *at->second;
    failed.behind = true;
    failed.next.reset();  // the journal has it
    failed.actor = stream_actor{};
    ++failed.restarts;
    failed.in_a_row = failed.live->applied.load() > failed.known_sequence ? 1 : failed.in_a_row + 1;
    failed.known_sequence = dispatched_sequence_;
    if (failed.in_a_row <= limits::stream_restarts_in_a_row) {
      to_restore_.push_back(at->second);
      continue;
    }
    failed.is_down = true;
    failed.failure =
        fmt::format("it failed {} times in a row, the last time after entry {}; see the log. {}", failed.in_a_row,
                    failed.live->applied.load(),
                    failed.live->is_watch() ? "Start factoryd again." : "Change the pipeline, or start factoryd again.");
    spdlog::error("an instance of pipeline {} (machine {}) stays down", at->first.pipeline, at->first.machine);
  }
}

/// Gives instances their actors, each of which stands where its stored state does.
void stream_population::restore(const std::vector<std::shared_ptr<instance>>& all) {
  if (all.empty()) return;
  // What the old actors handed over must be stored before the states are read.
  auto [reached, waiter] = reply<bool>::make();
  store_barrier_([reached = std::move(reached)] { reached.set(true); });
  const auto hopeless = [this] { return stopping_.load(); };
  while (!waiter.wait_for(limits::query_deadline_ms, hopeless))
    if (hopeless()) return;
  for (const auto& each : all) restore(*each);
}

void stream_population::restore(instance& which) {
  auto stored = states_.get(which.live->key);
  const std::lock_guard lock(mutex_);
  if (stopping_ || which.is_down) return;
  if (!stored) {
    which.is_down = true;
    which.failure = stored.error().message;
    spdlog::error("an instance of pipeline {} stays down: {}", which.live->key.pipeline, which.failure);
    return;
  }
  stream_restore order;
  order.under_way = under_way(counts_);
  which.sent_sequence = which.live->saved.load();
  if (*stored) {
    which.live->saved = which.sent_sequence = order.applied_sequence = (*stored)->applied_sequence;
    order.state = std::make_shared<const std::string>(std::move((*stored)->state));
  }
  spawn(which);
  caf::anon_send(which.actor, std::move(order));
}

/// How many readings it gave, each as often as it has instances.
std::uint64_t stream_population::give(const journal_entry& entry, std::span<const std::shared_ptr<instance>> to,
                                      const route_table& routes) {
  if (entry.tick)
    for (const auto& each : to)
      if (each->sent_sequence < entry.sequence) add_tick(*each, entry);
  if (entry.config && !entry.config->machines.empty())
    for (const auto& each : to) {
      const auto changed = entry.config->sensitivity_of(each->live->key.machine);
      if (changed && each->live->is_watch() && each->sent_sequence < entry.sequence) add_sensitivity(*each, entry, *changed);
    }
  std::uint64_t given = 0;
  if (!entry.readings) return given;
  for (const auto& rows : entry.readings->slices) {
    if (rows.sensor >= routes.size()) break;
    for (const auto& [each, source] : routes[rows.sensor]) {
      if (!each->takes_now || each->sent_sequence >= entry.sequence) continue;
      add(*each, entry, rows, source);
      given += rows.end - rows.begin;
    }
  }
  return given;
}

/// Gives the instances that are behind the next entries of the journal. False when none could take any.
bool stream_population::catch_up(caf::execution_unit& by) {
  std::vector<std::shared_ptr<instance>> behind;
  std::shared_ptr<const route_table> routes;
  std::uint64_t from = UINT64_MAX, to = 0;
  {
    const std::lock_guard lock(mutex_);
    renew_routes(by);
    routes = routes_;
    if (!has_room_for_all()) return false;
    for (const auto& [key, each] : all_) {
      if (!each->behind || each->is_down || !each->actor || !each->has_room()) continue;
      behind.push_back(each);
      from = std::min(from, each->sent_sequence);
    }
    if (behind.empty()) return false;
    from = std::max(from, entries_.floor());
    to = std::min(dispatched_sequence_, from + catch_up_entries_);
  }
  // Nobody else touches `next` and `sent_sequence` of an instance that is behind.
  std::uint64_t given = 0;
  if (to > from) {
    for (const auto& each : behind) each->takes_now = true;
    const auto read = entries_.read(from + 1, to, [&](const journal_entry& entry) { given += give(entry, behind, *routes); });
    for (const auto& each : behind) each->takes_now = false;
    if (!read) {
      spdlog::error("pipelines cannot catch up: {}", read.error().message);
      return false;
    }
    if (given > limits::stream_catch_up_readings) catch_up_entries_ = std::max<std::uint64_t>(1, catch_up_entries_ / 2);
    if (given < limits::stream_catch_up_readings / 4)
      catch_up_entries_ = std::min(limits::stream_catch_up_entries, catch_up_entries_ * 2);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& each : behind) {
    if (!each->behind || each->is_down) continue;
    send(*each, by);
    each->sent_sequence = std::max(each->sent_sequence, to);
    if (each->sent_sequence < dispatched_sequence_) continue;
    each->behind = false;
    send_by(by, each->actor, stream_caught_up{under_way(counts_)});
  }
  return true;
}

std::optional<std::chrono::steady_clock::time_point> stream_population::next_look(bool moved) const {
  using clock = std::chrono::steady_clock;
  constexpr auto between_looks = std::chrono::milliseconds(20);
  constexpr auto held_for = std::chrono::milliseconds(limits::watch_held_ms);
  const std::lock_guard lock(mutex_);
  if (moved || !failures_.empty() || !to_restore_.empty()) return clock::now();
  if (std::ranges::any_of(all_, [](const auto& each) { return each.second->behind && !each.second->is_down; }))
    return clock::now() + between_looks;
  return held_.empty() ? std::nullopt : std::optional(held_since_ + held_for);
}

/// Lower in priority than the sensors' workers, whose priority is lower than that of who reads, commits and alerts.
void stream_population::give_loop() {
  constexpr int nicer_by = 10;
  constexpr auto held_for = std::chrono::milliseconds(limits::watch_held_ms);
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
  for (bool moved = false;;) {
    if (const auto at_latest = next_look(moved); !moved) bell_.wait_until(at_latest);
    if (stopping_) return;
    run_here own(system_);
    std::vector<std::shared_ptr<instance>> to_restore;
    {
      const std::lock_guard lock(mutex_);
      pass_on(own);
      if (!held_.empty() && std::chrono::steady_clock::now() >= held_since_ + held_for) send_held(own);
      to_restore = std::exchange(to_restore_, {});
    }
    own.run();
    restart_failed();
    restore(to_restore);
    moved = catch_up(own);
    own.run();
  }
}

}  // namespace factory
