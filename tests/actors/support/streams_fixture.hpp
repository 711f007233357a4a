#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "actors/engine/engine.hpp"
#include "actors/support/messages.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {

inline constexpr std::int64_t settle_ms = 60'000;

inline const std::string difference_of_bearings = R"({"name":"bearing difference", "per":"machine",
  "sources":{"a":{"machine_type":"press","name":"bearing_a"}, "b":{"machine_type":"press","name":"bearing_b"}},
  "steps":[{"align":{"tolerance_ms":1000}}, {"compute":"a - b"}, {"window":{"tumbling_ms":60000},"aggregate":"mean"}],
  "sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})";

inline std::string over_sensor(sensor_id sensor, const std::string& name, const std::string& steps) {
  return R"({"name":")" + name + R"(","sources":{"a":{"sensor_id":)" + std::to_string(sensor) + R"(}},"steps":[)" + steps +
         R"(],"sinks":[{"sensor":{"name":")" + name + R"("}}]})";
}
inline const std::string minutely_mean = R"({"window":{"tumbling_ms":60000},"aggregate":"mean"})";

/// An engine with presses of two bearings each, opened again at will.
struct engine_streams : testing::Test {
  void open() {
    engine_config config;
    config.data_dir = directory.path();
    config.worker_threads = 2;
    config.jobs.rollup_every_us = config.jobs.rewrite_every_us = 0;
    running.reset();
    running = engine::open(config).value();
  }
  void begin(std::size_t presses) {
    open();
    running->create(std::vector{factory_entry{0, "works", "Ulm", 0}}).value();
    for (std::size_t i = 0; i < presses; ++i) add_press();
  }
  machine_id add_press() {
    const auto number = std::to_string(running->entities().machines().size() + 1);
    const auto machine = running->create(std::vector{machine_entry{0, 1, "press " + number, "press", {}, 0}}).value()[0].id;
    running
        ->create(
            std::vector{sensor_entry{0, machine, "bearing_a", "C", {}, 0}, sensor_entry{0, machine, "bearing_b", "C", {}, 0}})
        .value();
    return machine;
  }
  void ingest(sensor_id id, const timed_values& rows) {
    ASSERT_TRUE(running->ingest(reading_batch(*batch_of(id, rows)), durability::buffered));
  }
  sensor_id sensor_named(machine_id machine, const std::string& name) const {
    for (const auto& each : running->entities().sensors(machine))
      if (each.name == name) return each.id;
    return 0;
  }
  std::map<std::int64_t, double> readings(sensor_id id) const {
    EXPECT_TRUE(running->settle(settle_ms));
    std::map<std::int64_t, double> found;
    EXPECT_TRUE(running->scan(id, {INT64_MIN, INT64_MAX}, [&found](const reading_run& run) {
      for (std::size_t i = 0; i < run.size(); ++i)
        if (!is_left_out(run.flags[i])) found[run.event_time_us[i]] = run.value[i];
      return true;
    }));
    return found;
  }

  temporary_directory directory;
  std::unique_ptr<engine> running;
};

}  // namespace factory::test
