// Supervision: a failed actor is rebuilt from storage, and no other actor notices.
#include <gtest/gtest.h>

#include "actors/engine/limits.hpp"
#include "actors/support/population.hpp"
#include "storage/base/limits.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t restarted_us = ten_us + 1'000'000 * second_us;

/// The view of a sensor that got these readings and never failed.
sensor_status undisturbed(sensor_id id, const timed_values& rows) {
  sensor_state state(id, stream_rules{});
  const auto batch = batch_of(id, rows);
  state.apply(restarted_us, *batch, batch->slices.front());
  return state.status();
}

void expect_same(const sensor_status& got, const sensor_status& wanted) {
  EXPECT_EQ(got.accepted, wanted.accepted);
  EXPECT_EQ(got.duplicate, wanted.duplicate);
  EXPECT_EQ(got.out_of_order, wanted.out_of_order);
  EXPECT_EQ(got.watermark_us, wanted.watermark_us);
  EXPECT_EQ(got.count_window.mean, wanted.count_window.mean) << "to the last bit";
  EXPECT_EQ(got.count_window.std_dev, wanted.count_window.std_dev);
}

TEST(restart, a_failing_sensor_loses_no_reading_counts_none_twice_and_touches_no_other) {
  running_population plant(4);
  constexpr std::size_t entries = 200, per_entry = 50;
  constexpr sensor_id failing = 2;
  for (std::size_t i = 0; i < entries; ++i) {
    for (sensor_id id = 1; id <= 4; ++id) plant.commit(id, calm(i * per_entry, per_entry), restarted_us);
    if (i % 20 == 5)
      plant.view(failing);  // progress between two failures, however slow the machine; otherwise the sensor would stay down
    if (i % 20 == 10) plant.fail(failing);
    if (i % 50 == 30) plant.sensors->persist_all(60'000);  // false when the sensor is down just then
  }
  plant.fail(failing);
  const auto wanted = undisturbed(1, calm(0, entries * per_entry));
  const auto seen = plant.view(failing);
  EXPECT_GT(seen.status->restarts, 0U);
  expect_same(*seen.status, wanted);
  for (const sensor_id id : {1U, 3U, 4U}) {
    const auto other = *plant.view(id).status;
    EXPECT_EQ(other.restarts, 0U);
    expect_same(other, wanted);
  }
}

TEST(restart, a_sensor_rebuilt_behind_a_snapshot_starts_from_it) {
  running_population plant(1);
  plant.commit(1, calm(0, limits::head_readings), restarted_us);
  ASSERT_TRUE(plant.sensors->persist_all(60'000));
  plant.commit(1, calm(limits::head_readings, 10), restarted_us);
  plant.settle();
  ASSERT_EQ(plant.states.get(1).value()->applied_sequence, 1U);
  plant.fail(1);
  const auto seen = plant.view(1);
  EXPECT_EQ(seen.cut.head.size(), 10U);
  expect_same(*seen.status, undisturbed(1, calm(0, limits::head_readings + 10)));
}

TEST(restart, limits_are_in_force_again_and_an_active_alert_is_raised_once) {
  running_population plant(1);
  plant.commit({1, {{}, 90.0}, {}});
  plant.commit(1, {{ten_us, 95}}, restarted_us);
  plant.view(1);
  plant.fail(1);
  plant.commit(1, {{ten_us + 1, 96}, {ten_us + 2, 50}, {ten_us + 3, 97}}, restarted_us);
  plant.view(1);
  plant.settle();
  EXPECT_EQ(plant.events.count().alerts, 2U);
  EXPECT_EQ(plant.events.count().active_alerts, 1U);
}

TEST(restart, an_analysis_actor_that_fails_takes_its_shard_along_and_finds_everything_once) {
  running_population plant(6, 2);
  std::atomic<int> failures{3};
  plant.before_events = [&failures] {
    if (failures.fetch_sub(1) > 0) throw std::runtime_error("the actor fails where it found something");
  };
  for (sensor_id id = 1; id <= 6; ++id) plant.commit({id, {{}, 90.0}, {}});
  constexpr std::size_t entries = 40, per_entry = 50;
  timed_values all;
  for (std::size_t i = 0; i < entries; ++i) {
    auto rows = calm(i * per_entry, per_entry);
    rows[7].second = 95;
    for (sensor_id id = 1; id <= 6; ++id) plant.commit(id, rows, restarted_us);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  const auto wanted = undisturbed(1, all);
  running_population::await([&] { return failures.load() <= 0 && plant.sensors->restart_count() >= 3; });
  for (sensor_id id = 1; id <= 6; ++id) expect_same(*plant.view(id).status, wanted);
  // A sensor answers while its shard's failure is still on the way to the rebuilder.
  running_population::await([&] {
    plant.settle();
    return plant.events.count().alerts >= 6U * entries;
  });
  EXPECT_EQ(plant.events.count().alerts, 6U * entries);
  running_population::await([&] { return plant.sensors->analysis_restart_count() >= 1; });
}

TEST(restart, a_sensor_that_fails_in_the_moment_it_is_started_is_rebuilt_too) {
  constexpr sensor_id count = 300;
  running_population plant(0);
  const auto damaged = std::make_shared<const std::string>("no state");
  for (sensor_id id = 1; id <= count; ++id) plant.sensors->start(id, 1, damaged);
  running_population::await([&] { return plant.sensors->restart_count() == count; });
}

TEST(restart, a_sensor_that_fails_again_and_again_stays_down_while_the_others_work) {
  running_population plant(2);
  plant.commit(1, calm(0, 10), restarted_us);
  plant.view(1);
  plant.writer.write(saved_sensor{1, 1, "no state", {}}, [] {});
  plant.settle();
  plant.fail(1);
  std::size_t row = 0;
  running_population::await([&] {
    plant.commit(1, calm(10 + row, 1), restarted_us);  // new entries that the sensor never reaches are no progress
    plant.commit(2, calm(row++, 1), restarted_us);
    return plant.sensors->failed_count() == 1;
  });
  EXPECT_EQ(plant.sensors->restart_count(), limits::sensor_restarts_in_a_row + 1);
  EXPECT_EQ(plant.sensors->ask(1, {}).error().code, errc::unavailable);
  EXPECT_EQ(plant.view(2).status->accepted, row);
  EXPECT_EQ(plant.view(2).status->restarts, 0U);
  EXPECT_TRUE(plant.sensors->persist_all(60'000)) << "of all others";
  EXPECT_EQ(plant.sensors->failed(), std::set<sensor_id>{1});
  EXPECT_EQ(plant.sensors->failed_among(*batch_of(1, calm(0, 1))), 1U);
  EXPECT_EQ(plant.sensors->failed_among(*batch_of(2, calm(0, 1))), std::nullopt);
}

TEST(restart, failures_with_readings_taken_in_between_are_not_in_a_row) {
  running_population plant(1);
  constexpr std::size_t failures = 2 * limits::sensor_restarts_in_a_row;
  for (std::size_t i = 0; i < failures; ++i) {
    plant.commit(1, calm(i, 1), restarted_us);
    EXPECT_EQ(plant.view(1).status->accepted, i + 1);
    plant.fail(1);
    running_population::await([&] { return plant.sensors->restart_count() == i + 1; });
    plant.view(1);  // rebuilt: what comes now is new
  }
  EXPECT_EQ(plant.view(1).status->restarts, failures);
  EXPECT_EQ(plant.sensors->failed_count(), 0U);
}

}  // namespace
}  // namespace factory::test
