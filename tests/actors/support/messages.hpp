#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "actors/interfaces.hpp"
#include "support/times.hpp"

namespace factory::test {

/// Readings of one sensor.
using timed_values = std::vector<std::pair<std::int64_t, double>>;

inline std::shared_ptr<const reading_batch> batch_of(sensor_id sensor, const timed_values& rows) {
  auto batch = std::make_shared<reading_batch>();
  for (const auto& [time_us, value] : rows) {
    batch->event_time_us.push_back(time_us);
    batch->value.push_back(value);
  }
  batch->slices.push_back({sensor, 0, static_cast<std::uint32_t>(rows.size())});
  return batch;
}

/// One reading of each of `count` sensors.
inline std::shared_ptr<const reading_batch> wide_batch(sensor_id first, std::size_t count, std::int64_t time_us, double value) {
  auto batch = std::make_shared<reading_batch>();
  batch->event_time_us.assign(count, time_us);
  batch->value.assign(count, value);
  for (std::uint32_t row = 0; row < count; ++row) batch->slices.push_back({first + row, row, row + 1});
  return batch;
}

/// Readings a second apart from noon on; values go round 20 to 29.
inline timed_values calm(std::size_t first, std::size_t count) {
  timed_values rows;
  for (std::size_t i = first; i < first + count; ++i)
    rows.emplace_back(ten_us + static_cast<std::int64_t>(i) * second_us, 20 + static_cast<double>(i % 10));
  return rows;
}

/// Likewise, with values that do not compress.
inline timed_values rough(std::size_t first, std::size_t count) {
  timed_values rows = calm(first, count);
  std::mt19937_64 random(first);
  for (auto& [time_us, value] : rows) value = static_cast<double>(random());
  return rows;
}

/// Makes the messages that the committer would send.
struct committer {
  progress counts;

  new_readings readings(std::uint64_t sequence, sensor_id sensor, const timed_values& rows,
                        std::optional<std::int64_t> received_at_us = {}) {
    const auto received_us = received_at_us.value_or(rows.empty() ? ten_us : rows.back().first);
    const journal_entry entry{sequence, received_us, batch_of(sensor, rows), nullptr, nullptr};
    const auto* const alone = &entry;
    return {group_of({&alone, 1}, counts), 0, 1};
  }
  static new_config config(std::uint64_t sequence, sensor_config wanted) {
    return {sequence, ten_us, std::make_shared<const sensor_config>(std::move(wanted))};
  }
};

/// Stands in for the store: what was handed over, in order.
struct recorded_store {
  struct step {
    std::optional<saved_sensor> snapshot;
    std::function<void()> written;
    std::vector<event> events;
  };
  std::vector<step> steps;

  persistence face() {
    return {[this](saved_sensor snapshot, std::function<void()> written) {
              steps.push_back({std::move(snapshot), std::move(written), {}});
            },
            [this](std::vector<event> found) {
              steps.push_back({{}, {}, std::move(found)});
            }};
  }
  std::vector<event> events() const {
    std::vector<event> all;
    for (const auto& each : steps) all.insert(all.end(), each.events.begin(), each.events.end());
    return all;
  }
  std::vector<saved_sensor> snapshots() const {
    std::vector<saved_sensor> all;
    for (const auto& each : steps)
      if (each.snapshot) all.push_back(*each.snapshot);
    return all;
  }
};

}  // namespace factory::test
