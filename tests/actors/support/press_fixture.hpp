#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "actors/engine/engine.hpp"
#include "actors/support/messages.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {

inline constexpr std::int64_t deadline_ms = 60'000;
inline constexpr std::size_t presses_sensors = 3, rows_of_a_day = 1'440;

/// Three sensors of a press that follow one load, a reading a minute; a fault of the second one in the hours from 12 to 14 of the third day.
struct engine_machines : testing::Test {
  static engine_config config_of(const std::filesystem::path& directory) {
    engine_config config;
    config.data_dir = directory;
    config.worker_threads = 2;
    config.jobs.rollup_every_us = config.jobs.rewrite_every_us = 0;
    return config;
  }
  static std::unique_ptr<engine> open(const temporary_directory& directory, bool on = true) {
    auto config = config_of(directory.path());
    config.machine_detector = on;
    return engine::open(config).value();
  }
  static void make_press(engine& it) {
    it.create(std::vector{factory_entry{0, "works", "Ulm", 0}}).value();
    it.create(std::vector{machine_entry{0, 1, "press", "press", {}, 0}}).value();
    std::vector<sensor_entry> sensors;
    for (const auto* const name : {"current", "temperature", "pressure"}) sensors.push_back({0, 1, name, "", {}, 0});
    it.create(std::move(sensors)).value();
  }
  static double value_at(std::size_t row, std::size_t sensor) {
    std::mt19937 noise(static_cast<unsigned>(row * presses_sensors + sensor) * 2'654'435'761U);
    const double own = static_cast<double>(noise() % 1'000) / 1'000;
    const double load = std::sin(static_cast<double>(row) / 20);
    const bool faulty = sensor == 1 && row >= 2 * rows_of_a_day + 720 && row < 2 * rows_of_a_day + 840;
    return 50 + 4 * load + own + (faulty ? 25 : 0);
  }
  static void ingest(engine& it, std::size_t begin, std::size_t end, std::size_t portion) {
    for (auto row = begin; row < end; row += portion) {
      const auto until = std::min(end, row + portion);
      reading_batch batch;
      for (std::size_t sensor = 0; sensor < presses_sensors; ++sensor) {
        const auto first = static_cast<std::uint32_t>(batch.value.size());
        for (auto i = row; i < until; ++i) {
          batch.event_time_us.push_back(ten_us + static_cast<std::int64_t>(i) * minute_us);
          batch.value.push_back(value_at(i, sensor));
        }
        batch.slices.push_back({static_cast<sensor_id>(sensor + 1), first, static_cast<std::uint32_t>(batch.value.size())});
      }
      ASSERT_TRUE(it.ingest(std::move(batch), durability::buffered));
    }
    ASSERT_TRUE(it.settle(deadline_ms));
  }
  /// A reading of a row.
  struct cell {
    std::size_t row, sensor;
    double value;
  };
  static std::int64_t time_of(std::size_t row) { return ten_us + static_cast<std::int64_t>(row) * minute_us; }
  static std::vector<cell> cells(std::size_t begin, std::size_t end) {
    std::vector<cell> all;
    for (auto row = begin; row < end; ++row)
      for (std::size_t sensor = 0; sensor < presses_sensors; ++sensor) all.push_back({row, sensor, value_at(row, sensor)});
    return all;
  }
  /// In this order, in bodies of so many readings.
  static void ingest_cells(engine& it, const std::vector<cell>& all, std::size_t portion) {
    for (std::size_t i = 0; i < all.size(); i += portion) {
      std::map<std::size_t, std::vector<cell>> by_sensor;
      for (auto k = i; k < std::min(all.size(), i + portion); ++k) by_sensor[all[k].sensor].push_back(all[k]);
      reading_batch batch;
      for (const auto& [sensor, some] : by_sensor) {
        const auto first = static_cast<std::uint32_t>(batch.value.size());
        for (const auto& each : some) {
          batch.event_time_us.push_back(time_of(each.row));
          batch.value.push_back(each.value);
        }
        batch.slices.push_back({static_cast<sensor_id>(sensor + 1), first, static_cast<std::uint32_t>(batch.value.size())});
      }
      ASSERT_TRUE(it.ingest(std::move(batch), durability::buffered));
    }
    ASSERT_TRUE(it.settle(deadline_ms));
  }
  static std::vector<finding> of_machine(const engine& it) {
    anomaly_query asked;
    asked.detector = event_source::machine;
    return it.events().anomalies(asked).value().rows;
  }
};

}  // namespace factory::test
