// The same readings give the same findings on one thread and on eight, in any order within the lateness, in bodies of any size, and across
// restarts.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "actors/engine/engine.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr sensor_id ordered_sensors = 12;

/// An engine with limits on most of its sensors.
struct plant {
  explicit plant(std::size_t threads) {
    config.data_dir = directory.path();
    config.worker_threads = threads;
    config.z_threshold = 2.5;
    config.journal_bytes_per_checkpoint = 20'000;
    config.jobs.rollup_every_us = config.jobs.rewrite_every_us = 0;
    open();
    running->create(std::vector{factory_entry{0, "works", "Ulm", 0}}).value();
    running->create(std::vector{machine_entry{0, 1, "mill", "CNC", {}, 0}}).value();
    std::vector<sensor_entry> wanted;
    for (sensor_id id = 1; id <= ordered_sensors; ++id) {
      sensor_entry sensor{0, 1, "s" + std::to_string(id), "C", {}, 0};
      if (id % 4 != 0) sensor.thresholds.max = 60.0 + id;
      if (id % 3 != 0) sensor.thresholds.min = 40.0 - id;
      wanted.push_back(sensor);
    }
    running->create(std::move(wanted)).value();
  }
  void open() {
    running.reset();
    running = engine::open(config).value();
  }
  void send(std::span<const reading> rows) {
    batch_builder builder;
    for (const auto& row : rows) builder.append(row.sensor, row.event_time_us, row.value);
    running->ingest(builder.finish(), durability::buffered).value();
  }
  std::uint64_t digest() {
    EXPECT_TRUE(running->settle(60'000));
    return running->events().digest();
  }

  temporary_directory directory;
  engine_config config;
  std::unique_ptr<engine> running;
};

std::vector<reading> readings_of_all(std::mt19937& random, std::size_t count) {
  std::normal_distribution<double> noise(0, 4);
  std::vector<reading> rows;
  for (std::size_t i = 0; i < count; ++i)
    for (sensor_id id = 1; id <= ordered_sensors; ++id)
      rows.push_back({id, ten_us + static_cast<std::int64_t>(i) * second_us, 50 + noise(random) + (random() % 30 == 0 ? 25 : 0)});
  return rows;
}

/// Each reading as late as is allowed at most, some wrong at first, some twice.
std::vector<reading> disordered(std::mt19937& random, const std::vector<reading>& rows) {
  std::multimap<std::int64_t, reading> by_arrival;
  for (const auto& row : rows) {
    const auto late = [&] { return random() % 6 == 0 ? static_cast<std::int64_t>(random() % 29) * second_us : 0; };
    const auto arrival_us = row.event_time_us + late(), corrected_us = arrival_us + late();
    if (random() % 12 == 0) by_arrival.emplace(arrival_us, reading{row.sensor, row.event_time_us, row.value + 20});
    by_arrival.emplace(corrected_us, row);
    if (random() % 12 == 0) by_arrival.emplace(corrected_us + 1, row);
  }
  std::vector<reading> out;
  for (const auto& [arrival_us, row] : by_arrival) out.push_back(row);
  return out;
}

TEST(any_order_engine, gives_one_digest_on_any_threads_in_any_bodies_and_across_restarts) {
  std::mt19937 random(7);
  const auto rows = readings_of_all(random, 150);
  plant ordered(1);
  ordered.send(rows);
  const auto wanted = ordered.digest();
  EXPECT_GT(ordered.running->events().count().alerts, 40U);

  struct way {
    std::size_t threads, body;
    bool in_order, restarts;
  };
  for (const auto& [threads, body, in_order, restarts] :
       {way{8, 10'000, true, false}, way{8, 1, false, false}, way{1, 10'000, false, false}, way{8, 97, false, true}}) {
    plant other(threads);
    const auto sent = in_order ? rows : disordered(random, rows);
    for (std::size_t at = 0; at < sent.size(); at += body) {
      other.send(std::span(sent).subspan(at, std::min(body, sent.size() - at)));
      if (restarts && at % (97 * 11) == 0) other.open();
    }
    EXPECT_EQ(other.digest(), wanted) << threads << " threads, bodies of " << body;
    for (sensor_id id = 1; id <= ordered_sensors; ++id) EXPECT_EQ(other.running->status(id).value().late, 0U);
  }
}

}  // namespace
}  // namespace factory::test
