#include <spdlog/spdlog.h>

#include <algorithm>
#include <caf/scoped_actor.hpp>
#include <utility>

#include "actors/sensor_population.hpp"
#include "pipelines/limits.hpp"

namespace factory {

void sensor_population::on_failure(const watch_order& failed) {
  {
    const std::lock_guard lock(failures_mutex_);
    failures_.push_back(failed);
  }
  failures_changed_.notify_all();
}

void sensor_population::rebuild_loop() {
  for (;;) {
    watch_order failed;
    {
      std::unique_lock lock(failures_mutex_);
      failures_changed_.wait(lock, [this] { return stopping_ || !failures_.empty(); });
      if (stopping_) return;
      failed = failures_.front();
      failures_.pop_front();
    }
    if (failed.what == watch_order::kind::shard) {
      std::unique_lock lock(shards_mutex_);
      const auto& now = shards_[failed.id];
      const bool current = now.anomalies.address() == failed.who || now.thresholds.address() == failed.who;
      lock.unlock();
      if (current) rebuild_shard(failed.id);
    } else if (const auto now = directory_.find(failed.id); now && now.address() == failed.who) {
      rebuild_sensor(failed.id);
    }
  }
}

/// Replaces both actors of the shard and rebuilds its sensors, which die with it: their windows stand where the lost alarms do not.
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
  caf::anon_send_exit(old.anomalies, caf::exit_reason::kill);
  caf::anon_send_exit(old.thresholds, caf::exit_reason::kill);
  for (const auto& actor : ended) waiting->wait_for(actor);
  waiting->wait_for(old.anomalies, old.thresholds);
  for (const auto sensor_number : sensors) rebuild_sensor(sensor_number);
}

void sensor_population::rebuild_sensor(sensor_id sensor_number) {
  auto& record = restart_records_[sensor_number];
  auto actor = spawn_sensor(sensor_number, ++record.restarts);
  restarts_.fetch_add(1);
  directory_.put(sensor_number, actor);  // from here on the new actor keeps back what is dispatched

  shard behind;
  {
    const std::lock_guard lock(shards_mutex_);
    behind = shards_[shard_of(sensor_number)];
  }
  drain(behind);
  auto stored = states_.get(sensor_number);
  if (!stored) {
    spdlog::error("sensor {} cannot be rebuilt: {}", sensor_number, stored.error().message);
    directory_.remove(sensor_number);
    failed_.fetch_add(1);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    return;
  }
  const auto applied_sequence = *stored ? (*stored)->applied_sequence : 0;
  auto order = missed_by(sensor_number, applied_sequence);
  if (*stored) order.state = std::make_shared<const std::string>(std::move((*stored)->state));

  const auto reached = dispatching_sequence_.load();
  record.in_a_row = reached > record.applied_sequence ? 1 : record.in_a_row + 1;
  record.applied_sequence = reached;
  if (record.in_a_row > limits::sensor_restarts_in_a_row) {
    spdlog::error("sensor {} failed {} times in a row and stays down; its readings are safe in the journal", sensor_number,
                  limits::sensor_restarts_in_a_row);
    directory_.remove(sensor_number);
    failed_.fetch_add(1);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    return;
  }
  spdlog::warn("sensor {} restarted from entry {} with {} entries after it", sensor_number, applied_sequence,
               order.missed.size());
  caf::anon_send(actor, std::move(order));
}

/// Waits until what the old actors handed on has reached the store, so that the stored state is the newest there will be.
void sensor_population::drain(const shard& through) {
  auto [passed, waiter] = reply<bool>::make();
  caf::anon_send(through.anomalies, drain_part{std::move(passed)});
  waiter.wait_for(limits::query_deadline_ms);
  auto [stored, stored_waiter] = reply<bool>::make();
  store_barrier_([stored = std::move(stored)] { stored.set(true); });
  stored_waiter.wait_for(limits::query_deadline_ms);
}

restore_order sensor_population::missed_by(sensor_id sensor_number, std::uint64_t applied_sequence) {
  restore_order order;
  order.applied_sequence = applied_sequence;
  // Whatever went to the old actor had its sequence announced before; the new one gets all that is later.
  const auto read = entries_.read(applied_sequence + 1, dispatching_sequence_.load(), [&](const journal_entry& entry) {
    if (entry.readings) {
      const auto& slices = entry.readings->slices;
      const auto found = std::lower_bound(slices.begin(), slices.end(), sensor_number,
                                          [](const slice& rows, sensor_id wanted) { return rows.sensor < wanted; });
      if (found == slices.end() || found->sensor != sensor_number) return;
      order.missed.emplace_back(batch_part{
          std::make_shared<batch_flow>(entry.sequence, entry.received_at_us, entry.readings, nullptr, rebuild_counts_), *found});
    } else if (entry.config) {
      for (const auto& config : entry.config->configs)
        if (config.sensor == sensor_number)
          order.missed.emplace_back(
              config_part{entry.sequence, entry.received_at_us, std::shared_ptr<const sensor_config>(entry.config, &config)});
    }
  });
  if (!read) spdlog::error("sensor {}: the journal cannot be read: {}", sensor_number, read.error().message);
  return order;
}

}  // namespace factory
