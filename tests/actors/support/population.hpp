#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "actors/engine/actor_runtime.hpp"
#include "actors/sensors/sensor_population.hpp"
#include "actors/support/messages.hpp"
#include "storage/base/database.hpp"
#include "storage/events/event_log.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/await.hpp"

namespace factory::test {

/// All actors on real threads, over a real journal and store: the engine without its facade.
class running_population {
 public:
  explicit running_population(sensor_id count, std::size_t shards = 1) {
    writer.start();
    population_config config;
    config.shards = shards;
    config.rules.z_threshold = 3;
    persistence store{
        [this](saved_sensor snapshot, std::function<void()> written) { writer.write(std::move(snapshot), std::move(written)); },
        [this](std::vector<event> found) {
          if (before_events) before_events();
          writer.write(std::move(found), [] {});
        }};
    sensors = std::make_unique<sensor_population>(runtime.system(), counts, config, store, source);
    for (sensor_id id = 1; id <= count; ++id) sensors->start(id, 0, nullptr);
    entries.start([this](std::span<const journal_entry* const> group) { sensors->dispatch(group, nullptr); });
  }
  ~running_population() {
    entries.stop();
    sensors.reset();
  }

  void commit(sensor_id id, const timed_values& rows, std::int64_t received_at_us) { commit(batch_of(id, rows), received_at_us); }
  void commit(std::shared_ptr<const reading_batch> readings, std::int64_t received_at_us) {
    journal_entry entry;
    entry.received_at_us = received_at_us;
    entry.readings = std::move(readings);
    entries.append(std::move(entry), durability::buffered).value();
  }
  void commit(sensor_config wanted) {
    journal_entry entry;
    entry.received_at_us = ten_us;
    entry.config = std::make_shared<const config_change>(config_change{{std::move(wanted)}, {}});
    entries.append(std::move(entry), durability::buffered).value();
  }
  /// As if a handler had thrown.
  void fail(sensor_id id) { caf::anon_send_exit(sensors->actor_of(id), caf::exit_reason::unhandled_exception); }
  /// Asks again until the sensor's actor answers.
  sensor_view view(sensor_id id) {
    for (;;)
      if (auto asked = sensors->ask(id, {}, view_more::status))
        if (auto seen = asked->wait_for(60'000)) return std::move(*seen);
  }
  static void await(const std::function<bool()>& condition) { test::await(condition, "the actors"); }
  void settle() {
    ASSERT_TRUE(sensors->wait_until_idle(60'000));
    auto [reached, waiter] = reply<bool>::make();
    writer.barrier([reached = std::move(reached)] { reached.set(true); });
    ASSERT_TRUE(waiter.wait_for(60'000));
  }

  temporary_directory directory;
  std::unique_ptr<database> db = std::move(*database::open(directory.path(), {}));
  event_log events{*db};
  state_store states{*db};
  journal entries{*db};
  store_writer writer{*db, events};
  std::function<void()> before_events;  ///< on an analysis actor's thread
  population_counts counts;
  actor_runtime runtime{2};
  journal_source source{states, entries, [this](std::function<void()> reached) { writer.barrier(std::move(reached)); }};
  std::unique_ptr<sensor_population> sensors;
};

}  // namespace factory::test
