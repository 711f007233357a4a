#include <algorithm>
#include <utility>

#include "actors/flow/wake.hpp"
#include "actors/streams/limits.hpp"
#include "actors/streams/stream_population.hpp"

namespace factory {

void stream_population::bell::ring() {
  {
    const std::lock_guard lock(mutex);
    if (std::exchange(rung, true)) return;
  }
  rings.notify_one();
}

void stream_population::bell::wait_until(std::optional<std::chrono::steady_clock::time_point> at_latest) {
  std::unique_lock lock(mutex);
  if (at_latest)
    rings.wait_until(lock, *at_latest, [this] { return rung; });
  else
    rings.wait(lock, [this] { return rung; });
  rung = false;
}

bool stream_population::is_wanted(const journal_entry& entry) const {
  if (entry.tick) return true;
  if (entry.config) return !entry.config->machines.empty();
  if (!entry.readings) return false;
  const auto& routes = *wanted_;
  for (const auto& rows : entry.readings->slices) {
    if (rows.sensor >= routes.size()) return false;  // sorted by sensor
    if (!routes[rows.sensor].empty()) return true;
  }
  return false;
}

/// In line an entry holds no credits: what it counts for is the room of the line.
void stream_population::dispatch(std::span<const journal_entry* const> entries) {
  bool some = false;
  {
    const std::lock_guard lock(line_mutex_);
    line_.sequence = entries.back()->sequence;
    if (!wanted_) return;
    for (const auto* const entry : entries) {
      if (!is_wanted(*entry)) continue;
      some = true;
      if (line_.is_cut) break;
      if (entry->readings) line_.readings += entry->readings->size();
      auto& put = line_.entries.emplace_back();
      put.sequence = entry->sequence;
      put.received_at_us = entry->received_at_us;
      put.readings = entry->readings;
      put.config = entry->config;
      put.tick = entry->tick;
    }
    if (line_.readings > limits::stream_line_readings && line_.entries.size() > 1) {
      line_.entries.clear();
      line_.readings = 0;
      line_.is_cut = true;
    }
  }
  if (some) bell_.ring();
}

bool stream_population::line_is_empty() {
  const std::lock_guard lock(line_mutex_);
  return line_.entries.empty() && !line_.is_cut;
}

/// At least one where the line was cut: nobody is behind yet.
std::uint64_t stream_population::readings_in_line() const {
  const std::lock_guard lock(line_mutex_);
  return std::max<std::uint64_t>(line_.readings, line_.is_cut ? 1 : 0);
}

/// What is in line goes by the routes under which it was put there: of an instance that came since, it is before its beginning, or the journal
/// has it, since the instance is behind.
void stream_population::renew_routes(caf::execution_unit& by) {
  if (!std::exchange(routes_are_old_, false)) return;
  auto table = std::make_shared<route_table>();
  for (const auto& [key, each] : all_)
    for (std::uint32_t source = 0; source < each->live->sources.size(); ++source) {
      const auto sensor = each->live->sources[source];
      if (sensor >= table->size()) table->resize(sensor + 1U);
      (*table)[sensor].push_back({each, source});
    }
  line_of_entries before;
  {
    const std::lock_guard lock(line_mutex_);
    before = std::exchange(line_, {});
    line_.sequence = before.sequence;
    wanted_ = all_.empty() ? nullptr : table;
  }
  pass_on(before, by);
  routes_ = std::move(table);
}

void stream_population::pass_on(caf::execution_unit& by) {
  renew_routes(by);
  line_of_entries taken;
  {
    const std::lock_guard lock(line_mutex_);
    taken = std::exchange(line_, {});
    line_.sequence = taken.sequence;
  }
  pass_on(taken, by);
}

void stream_population::pass_on(const line_of_entries& all, caf::execution_unit& by) {
  if (all.is_cut)
    for (const auto& [key, each] : all_)
      if (!each->behind) fall_behind(*each);
  std::vector<std::shared_ptr<instance>> touched;
  const auto touch = [&](const std::shared_ptr<instance>& it) {
    if (!std::exchange(it->is_touched, true)) touched.push_back(it);
  };
  const auto& routes = *routes_;
  for (const auto& entry : all.entries) {
    if (entry.tick)
      for (const auto& [key, each] : all_)
        if (!each->behind && each->live->due_us.load() <= entry.received_at_us) {
          touch(each);
          add_tick(*each, entry);
        }
    if (entry.config)
      for (const auto& [key, each] : all_)
        if (const auto changed = entry.config->sensitivity_of(key.machine); changed && each->live->is_watch() && !each->behind) {
          touch(each);
          add_sensitivity(*each, entry, *changed);
        }
    if (!entry.readings) continue;
    for (const auto& rows : entry.readings->slices) {
      if (rows.sensor >= routes.size()) break;  // sorted by sensor
      for (const auto& [to, source] : routes[rows.sensor]) {
        if (to->behind || to->is_down) continue;
        touch(to);
        add(*to, entry, rows, source);
      }
    }
  }
  const auto before = dispatched_sequence_;
  dispatched_sequence_ = std::max(dispatched_sequence_, all.sequence);
  const bool has_room = has_room_for_all();
  for (const auto& each : touched) {
    each->is_touched = false;
    if (!has_room || each->live->queued.load() + each->next->values.size() > limits::stream_queued_readings) {
      if (!each->is_held) each->sent_sequence = std::max(each->sent_sequence, before);
      fall_behind(*each);
      continue;
    }
    hand_over(each, by);
  }
}

/// From now on it reads the journal, from behind what was sent to it.
void stream_population::fall_behind(instance& it) {
  if (!it.next) it.sent_sequence = std::max(it.sent_sequence, dispatched_sequence_);
  it.next.reset();
  it.behind = true;
  bell_.ring();
}

bool stream_population::has_room_for_all() const {
  return queued_->load() <= limits::stream_queued_readings_of_all && writer_->has_room();
}

/// Sends what was added.
void stream_population::send(instance& to, caf::execution_unit& by) {
  const auto next = std::exchange(to.next, nullptr);
  if (!next || to.is_down || !to.actor) return;
  const auto weight = next->values.size() + 1;
  to.live->queued.fetch_add(weight);
  queued_->fetch_add(weight);
  const auto let_go = [live = to.live, all = queued_, weight, held = std::move(next->credit)](void*) {
    live->queued.fetch_sub(weight);
    all->fetch_sub(weight);
  };
  next->credit = std::shared_ptr<void>(static_cast<void*>(&counts_), let_go);
  send_by(by, to.actor, std::move(*next));
}

/// Sends what has come for it, or holds it back for a moment. REQUIRES: the instance is not behind.
void stream_population::hand_over(const std::shared_ptr<instance>& to, caf::execution_unit& by) {
  if (!to->live->is_watch() || to->next->parts.size() >= limits::watch_parts_held) {
    send(*to, by);
    to->sent_sequence = dispatched_sequence_;
    return;
  }
  if (to->is_held) return;
  to->is_held = true;
  if (held_.empty()) held_since_ = std::chrono::steady_clock::now();
  held_.push_back(to);
}

void stream_population::send_held(caf::execution_unit& by) {
  for (const auto& each : std::exchange(held_, {})) {
    each->is_held = false;
    if (each->behind || !each->next) continue;
    send(*each, by);
    each->sent_sequence = dispatched_sequence_;
  }
}

}  // namespace factory
