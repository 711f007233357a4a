#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/engine/engine.hpp"
#include "actors/support/messages.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/await.hpp"

namespace factory::test {

/// An engine with one machine, opened again at will.
struct engine_test : testing::Test {
  void open() {
    engine_config config;
    config.data_dir = directory.path();
    config.worker_threads = 2;
    config.in_flight_readings = 100'000;
    config.journal_bytes_per_checkpoint = 20'000;
    config.jobs.rollup_every_us = config.jobs.rewrite_every_us = 0;
    change(config);
    running.reset();
    running = engine::open(config).value();
  }
  void begin(std::size_t sensor_count) {
    open();
    running->create(std::vector{factory_entry{0, "works", "Ulm", 0}}).value();
    running->create(std::vector{machine_entry{0, 1, "mill", "CNC", {}, 0}}).value();
    std::vector<sensor_entry> wanted;
    for (std::size_t i = 0; i < sensor_count; ++i) wanted.push_back({0, 1, "s" + std::to_string(i), "C", {{}, 90.0}, 0});
    running->create(std::move(wanted)).value();
  }
  expected<ingest_receipt> ingest(sensor_id id, const timed_values& rows) {
    return running->ingest(reading_batch(*batch_of(id, rows)), durability::buffered);
  }
  /// Of readings of the first sensor.
  correction correct(std::int64_t begin_us, std::int64_t end_us, reading_change change, std::string reason = "testing") {
    correction asked;
    asked.sensors = {1};
    asked.begin_us = begin_us;
    asked.end_us = end_us;
    asked.change = change;
    asked.reason = std::move(reason);
    asked.by = "Ada";
    return running->correct(std::move(asked)).value();
  }
  /// What came of it, or of its revert.
  consequences followed(std::uint64_t step) {
    const auto known = running->consequences_of(step, 60'000);
    EXPECT_TRUE(known.has_value());
    return known.value_or(consequences{});
  }
  void judged() {
    ASSERT_TRUE(running->settle(60'000));
    await([this] { return running->past_is_judged(); }, "that the past is judged");
    ASSERT_TRUE(running->settle(60'000));
  }

  /// What differs from the usual.
  virtual void change(engine_config&) const {}

  temporary_directory directory;
  std::unique_ptr<engine> running;
};

}  // namespace factory::test
