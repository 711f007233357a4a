#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/engine/limits.hpp"
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
  wakes_.notify_all();
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
  const auto hopeless = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
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

void stream_population::give(const journal_entry& entry, const std::map<const instance*, std::shared_ptr<instance>>& to,
                             const route_table& routes) {
  if (entry.tick)
    for (const auto& [address, each] : to)
      if (each->sent_sequence < entry.sequence) add_tick(*each, entry);
  if (entry.config && !entry.config->machines.empty())
    for (const auto& [address, each] : to) {
      const auto changed = entry.config->sensitivity_of(each->live->key.machine);
      if (changed && each->live->is_watch() && each->sent_sequence < entry.sequence) add_sensitivity(*each, entry, *changed);
    }
  if (!entry.readings) return;
  for (const auto& rows : entry.readings->slices) {
    if (rows.sensor >= routes.size()) break;
    for (const auto& [each, source] : routes[rows.sensor])
      if (to.contains(each.get()) && each->sent_sequence < entry.sequence) add(*each, entry, rows, source);
  }
}

/// Gives the instances that are behind the next entries of the journal. False when none could take any.
bool stream_population::catch_up() {
  std::map<const instance*, std::shared_ptr<instance>> behind;
  std::shared_ptr<const route_table> routes;
  std::uint64_t from = UINT64_MAX, to = 0;
  {
    const std::lock_guard lock(mutex_);
    routes = routes_;
    for (const auto& [key, each] : all_) {
      if (!each->behind || each->is_down || !each->actor || !each->has_room()) continue;
      behind.emplace(each.get(), each);
      from = std::min(from, each->sent_sequence);
    }
    if (behind.empty()) return false;
    from = std::max(from, entries_.floor());
    to = std::min(dispatched_sequence_, from + limits::stream_catch_up_entries);
  }
  // Nobody else touches `next` and `sent_sequence` of an instance that is behind.
  if (to > from) {
    if (auto read = entries_.read(from + 1, to, [&](const journal_entry& entry) { give(entry, behind, *routes); }); !read) {
      spdlog::error("pipelines cannot catch up: {}", read.error().message);
      return false;
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [address, each] : behind) {
    send(*each);
    each->sent_sequence = std::max(each->sent_sequence, to);
    if (each->sent_sequence < dispatched_sequence_) continue;
    each->behind = false;
    caf::anon_send(each->actor, stream_caught_up{under_way(counts_)});
  }
  return true;
}

void stream_population::catch_up_loop() {
  constexpr auto between_looks = std::chrono::milliseconds(20);
  constexpr auto held_for = std::chrono::milliseconds(limits::watch_held_ms);
  bool moved = false;
  for (std::unique_lock lock(mutex_);;) {
    const auto has_work = [this] { return stopping_ || !failures_.empty() || !to_restore_.empty(); };
    const bool some_behind =
        std::ranges::any_of(all_, [](const auto& each) { return each.second->behind && !each.second->is_down; });
    if (!has_work() && !moved) {
      if (some_behind)
        wakes_.wait_for(lock, between_looks, has_work);
      else if (!held_.empty())
        wakes_.wait_until(lock, held_since_ + held_for, has_work);
      else
        wakes_.wait(lock);
    }
    if (stopping_) return;
    if (!held_.empty() && std::chrono::steady_clock::now() >= held_since_ + held_for) send_held();
    const auto to_restore = std::exchange(to_restore_, {});
    lock.unlock();
    restart_failed();
    restore(to_restore);
    moved = catch_up();
    lock.lock();
  }
}

}  // namespace factory
