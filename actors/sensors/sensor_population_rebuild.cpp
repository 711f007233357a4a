#include <spdlog/spdlog.h>

#include <algorithm>
#include <caf/scoped_actor.hpp>
#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/sensors/sensor_population.hpp"

namespace factory {

namespace {

/// A copy of one sensor's rows as its own entry.
new_readings part_of(const journal_entry& entry, const slice& rows, progress& counts) {
  const auto times = entry.readings->times(rows);
  const auto values = entry.readings->values(rows);
  journal_entry own;
  own.sequence = entry.sequence;
  own.received_at_us = entry.received_at_us;
  const auto flags = entry.readings->flags_of(rows);
  own.readings = std::make_shared<const reading_batch>(reading_batch{{times.begin(), times.end()},
                                                                     {values.begin(), values.end()},
                                                                     {{rows.sensor, 0, static_cast<std::uint32_t>(rows.size())}},
                                                                     {flags.begin(), flags.end()}});
  const auto* const alone = &own;
  return {group_of({&alone, 1}, counts), 0, 1};
}

}  // namespace

void sensor_population::on_failure(const failed_actor& failed) {
  {
    const std::lock_guard lock(failures_mutex_);
    failures_.push_back(failed);
  }
  failures_changed_.notify_all();
}

void sensor_population::rebuild_loop() {
  for (;;) {
    failed_actor failed;
    {
      std::unique_lock lock(failures_mutex_);
      failures_changed_.wait(lock, [this] { return stopping_ || !failures_.empty(); });
      if (stopping_) return;
      failed = failures_.front();
      failures_.pop_front();
    }
    if (failed.what == watch_order::kind::shard) {
      std::unique_lock lock(shards_mutex_);
      const bool current =
          std::ranges::any_of(shards_[failed.id]->stages, [&](const stage_actor& each) { return each.address() == failed.who; });
      lock.unlock();
      if (current) rebuild_shard(failed.id);
    } else if (const auto now = directory_.find(failed.id); now && now.address() == failed.who) {
      rebuild_sensors(shard_of(failed.id), {failed.id});
    }
  }
}

/// Replaces all actors of the shard and rebuilds its sensors: their windows have seen entries that the lost alarm states have not.
void sensor_population::rebuild_shard(std::size_t index) {
  spdlog::warn("analysis shard {} failed; rebuilding it and its sensors from storage", index);
  shard old;
  {
    auto fresh = spawn_shard(index);
    const std::lock_guard lock(shards_mutex_);
    old = std::exchange(shards_[index], std::move(fresh));
  }
  std::vector<sensor_id> sensors;
  caf::scoped_actor waiting{system_};
  std::vector<sensor_actor> ended;
  directory_.for_each([&](sensor_id sensor_number, const sensor_actor& actor) {
    if (shard_of(sensor_number) != index) return;
    sensors.push_back(sensor_number);
    ended.push_back(actor);
  });
  for (const auto& actor : ended) caf::anon_send_exit(actor, caf::exit_reason::kill);
  for (const auto& actor : old->stages) caf::anon_send_exit(actor, caf::exit_reason::kill);
  for (const auto& actor : ended) waiting->wait_for(actor);
  for (const auto& actor : old->stages) waiting->wait_for(actor);
  rebuild_sensors(index, sensors);
  analysis_restarts_.fetch_add(1);
}

/// Sensors of one shard whose actors have ended. One pass over the journal serves them all.
void sensor_population::rebuild_sensors(std::size_t shard_index, const std::vector<sensor_id>& sensors) {
  const auto rebuilding = under_way(counts_.rebuilt);  // ticks are kept until all of them stand where they stood
  // From here on the new actors keep back dispatched entries.
  std::vector<sensor_actor> actors;
  for (const auto sensor_number : sensors) actors.push_back(put_in_place(sensor_number));

  shard behind;
  {
    const std::lock_guard lock(shards_mutex_);
    behind = shards_[shard_index];
  }
  if (!drain_at_last(behind)) return;
  restore_orders orders;
  for (const auto sensor_number : sensors) {
    auto stored = source_.state_of(sensor_number);
    if (!stored) {
      give_up(sensor_number, stored.error().message);
    } else if (failed_too_often(sensor_number)) {
      give_up(sensor_number, "it failed too often in a row");
    } else if (auto& order = orders[sensor_number]; *stored) {
      order.applied_sequence = (*stored)->applied_sequence;
      order.state = std::make_shared<const std::string>(std::move((*stored)->state));
    }
  }
  if (const auto read = add_missed(orders); !read) {
    for (const auto& [sensor_number, order] : orders) give_up(sensor_number, read.error().message);
    return;
  }
  for (std::size_t i = 0; i < sensors.size(); ++i) {
    const auto found = orders.find(sensors[i]);
    if (found == orders.end()) continue;
    spdlog::warn("sensor {} restarted from entry {} with {} entries after it", sensors[i], found->second.applied_sequence,
                 found->second.missed.size());
    found->second.under_way = under_way(counts_.rebuilt);
    caf::anon_send(actors[i], sensor_order{std::move(found->second)});
  }
}

sensor_actor sensor_population::put_in_place(sensor_id sensor_number) {
  auto& record = restart_records_[sensor_number];
  const bool moved = record.taken_in && record.taken_in->load() > record.known_sequence;
  record.in_a_row = moved ? 1 : record.in_a_row + 1;
  ++record.restarts;
  record.taken_in = std::make_shared<std::atomic<std::uint64_t>>(0);
  restarts_.fetch_add(1);
  auto actor = spawn_sensor(sensor_number, record);
  directory_.put(sensor_number, actor);
  return actor;
}

bool sensor_population::failed_too_often(sensor_id sensor_number) {
  auto& record = restart_records_[sensor_number];
  record.known_sequence = dispatching_sequence_.load();
  return record.in_a_row > limits::sensor_restarts_in_a_row;
}

/// The sensor stays down. Its readings are safe in the journal, because its stored state has not seen them.
void sensor_population::give_up(sensor_id sensor_number, std::string_view why) {
  spdlog::error("sensor {} stays down: {}; its readings are safe in the journal", sensor_number, why);
  {
    const std::lock_guard lock(failed_mutex_);
    failed_.insert(sensor_number);  // before it leaves the directory: a checkpoint that misses it there must find it here
  }
  const auto actor = directory_.remove(sensor_number);
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

/// drain() without a deadline: with a state that is not the last one, what the old actor still has under way would be stored over what
/// the new one stores. False when the engine stops.
bool sensor_population::drain_at_last(const shard& through) {
  for (;;) {
    const auto drained = drain(through, limits::query_deadline_ms);
    if (drained || drained.error().code != errc::timed_out) return true;
    spdlog::warn("a failed sensor waits for what it handed on before: {}", drained.error().message);
    const std::lock_guard lock(failures_mutex_);
    if (stopping_) return false;
  }
}

/// Waits until these actors have handled all that was sent to them, and what they found is in RocksDB. unavailable: one of them has
/// failed, and nothing more will come from it.
expected<void> sensor_population::drain(const shard& through, std::int64_t deadline_ms, drain_order asked) const {
  auto [passed, waiter] = reply<bool>::make();
  asked.done = std::move(passed);
  caf::anon_send(through->front(), std::move(asked));
  auto done = waiter.wait_for(deadline_ms);
  if (!done && done.error().code == errc::timed_out) return tl::unexpected(std::move(done.error()));
  auto [stored, stored_waiter] = reply<bool>::make();
  source_.barrier([stored = std::move(stored)] { stored.set(true); });
  if (auto reached = stored_waiter.wait_for(deadline_ms); !reached) return tl::unexpected(std::move(reached.error()));
  if (!done) return tl::unexpected(std::move(done.error()));
  return {};
}

/// Reads what was set aside and the journal once and gives each order the entries of its sensor after its state. Copies only that sensor's rows, so that
/// no whole batch is kept in memory for one sensor.
expected<void> sensor_population::add_missed(restore_orders& orders) {
  if (orders.empty()) return {};
  auto from = UINT64_MAX;
  for (const auto& [sensor_number, order] : orders) from = std::min(from, order.applied_sequence);
  const auto order_of = [&](sensor_id sensor_number, std::uint64_t sequence) -> restore_order* {
    const auto found = orders.find(sensor_number);
    return found == orders.end() || sequence <= found->second.applied_sequence ? nullptr : &found->second;
  };
  // Every entry that went to the old actors had its sequence announced before; the new actors get all later ones.
  std::vector<tick> ticks;
  const auto add = [&](const journal_entry& entry) {
    if (entry.readings) {
      for (const auto& rows : entry.readings->slices)
        if (auto* order = order_of(rows.sensor, entry.sequence))
          order->missed.emplace_back(part_of(entry, rows, counts_.rebuilt));
    } else if (entry.config) {
      for (const auto& config : entry.config->configs)
        if (auto* order = order_of(config.sensor, entry.sequence))
          order->missed.emplace_back(new_config{entry.sequence, entry.received_at_us,
                                                std::shared_ptr<const sensor_config>(entry.config, &config),
                                                under_way(counts_.rebuilt)});
    } else if (entry.command) {
      if (auto* order = order_of(entry.command->sensor, entry.sequence))
        order->missed.emplace_back(new_command{entry.sequence, entry.received_at_us, entry.command, under_way(counts_.rebuilt)});
    } else if (entry.tick) {
      ticks.push_back({entry.sequence, entry.received_at_us});
    }
  };
  if (auto aside = source_.read_aside(add); !aside) return aside;
  auto read = source_.read(from + 1, dispatching_sequence_.load(), add);
  ticks_->put_again(ticks);
  return read;
}

}  // namespace factory
