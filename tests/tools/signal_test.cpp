#include "simulate/signal.hpp"

#include "simulate/ledger.hpp"
#include "simulate/plant.hpp"

#include "pipelines/alarm/alarm.hpp"
#include "pipelines/stats/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t start_us = 20'000 * day_us;  // midnight of a day in 2024
constexpr std::int64_t step_us = 10 * second_us;
constexpr fault_policy no_faults{6 * hour_us, 0};

signal_shape some_shape() { return {100, 50, 600, 5, 10, 300, cycle_form::sine, 3, 2, 60, 10, 0}; }

std::vector<std::optional<double>> take(sensor_signal signal, std::size_t count) {
  std::vector<std::optional<double>> readings(count);
  for (auto& reading : readings) reading = signal.next();
  return readings;
}

double mean_of(const signal_shape& shape, std::int64_t begin_us, int hours) {
  sensor_signal signal(shape, 1, no_faults, begin_us, step_us);
  double sum = 0;
  for (int i = 0; i < hours * 360; ++i) sum += signal.next().value();
  return sum / (hours * 360);
}

TEST(sensor_signal, same_seed_same_readings_and_another_seed_others) {
  const fault_policy policy{hour_us, 0.5};
  const auto one = take(sensor_signal(some_shape(), 1, policy, start_us, step_us), 5'000);
  EXPECT_EQ(one, take(sensor_signal(some_shape(), 1, policy, start_us, step_us), 5'000));
  EXPECT_NE(one, take(sensor_signal(some_shape(), 2, policy, start_us, step_us), 5'000));
}

TEST(sensor_signal, gives_the_same_readings_wherever_it_starts) {
  const fault_policy policy{hour_us, 0.7};
  for (std::uint64_t key = 1; key <= 20; ++key) {
    const auto whole = take(sensor_signal(some_shape(), key, policy, start_us, step_us), 4'000);
    for (const std::size_t from : {1U, 100U, 777U, 2'345U, 3'999U}) {
      const auto part = take(sensor_signal(some_shape(), key, policy, start_us + from * step_us, step_us), 4'000 - from);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + from)) << "sensor " << key << " from " << from;
    }
  }
}

TEST(sensor_signal, reads_at_multiples_of_its_step) {
  sensor_signal signal(some_shape(), 1, no_faults, start_us + 1, step_us);
  EXPECT_EQ(signal.next_time_us(), start_us + step_us);
  signal.next();
  EXPECT_EQ(signal.next_time_us(), start_us + 2 * step_us);
}

TEST(sensor_signal, readings_are_multiples_of_the_resolution_and_never_below_the_floor) {
  auto shape = some_shape();
  shape.idle = -30;
  std::set<double> seen;
  for (const auto& reading : take(sensor_signal(shape, 1, no_faults, start_us, step_us), 8'640)) {
    ASSERT_GE(*reading, 0.0);
    ASSERT_EQ(*reading, std::round(*reading * 10) / 10);
    seen.insert(*reading);
  }
  EXPECT_GT(seen.size(), 50U);
}

TEST(sensor_signal, follows_the_shifts) {
  EXPECT_DOUBLE_EQ(load_at(start_us + 3 * hour_us, 600), 0.55);
  EXPECT_DOUBLE_EQ(load_at(start_us + 12 * hour_us, 600), 1.0);
  EXPECT_DOUBLE_EQ(load_at(start_us + 20 * hour_us, 600), 0.9);
  EXPECT_DOUBLE_EQ(load_at(start_us + 6 * hour_us, 600), 0.55);
  EXPECT_NEAR(load_at(start_us + 6 * hour_us + 300 * second_us, 600), 0.775, 1e-6) << "half way up";
  auto shape = some_shape();
  shape.daily_swing = 0;
  EXPECT_NEAR(mean_of(shape, start_us + 8 * hour_us, 4) - mean_of(shape, start_us + 1 * hour_us, 4), 50 * 0.45, 0.5);
}

TEST(sensor_signal, its_noise_has_the_deviation_and_the_memory_that_were_asked_for) {
  signal_shape shape;
  shape.noise = 3;
  shape.noise_memory_s = 50;
  shape.floor = -1e9;
  shape.steps_per_unit = 1'000;
  std::vector<double> values;
  for (const auto& reading : take(sensor_signal(shape, 9, no_faults, start_us, step_us), 200'000)) values.push_back(*reading);
  const auto found = describe(values);
  EXPECT_NEAR(found.mean, 0, 0.1);
  EXPECT_NEAR(found.std_dev, 3, 0.1);
  double products = 0;
  for (std::size_t i = 5; i < values.size(); ++i) products += values[i] * values[i - 5];  // 50 s apart
  EXPECT_NEAR(products / static_cast<double>(values.size()) / 9, 0.5 * std::exp(-1.0), 0.03);
}

TEST(faults, lie_where_the_plan_says_and_nowhere_else) {
  const fault_policy policy{hour_us, 0.6};
  std::set<fault_kind> kinds;
  for (std::uint64_t key = 1; key <= 60; ++key) {
    const auto shape = some_shape();
    const auto planned = plan_faults(policy, key, start_us, start_us + day_us, step_us, shape.fault_scale());
    sensor_signal healthy(shape, key, no_faults, start_us, step_us);
    sensor_signal faulty(shape, key, policy, start_us, step_us);
    std::optional<double> held;
    for (std::int64_t t = start_us; t < start_us + day_us; t += step_us) {
      const auto right = healthy.next();
      const auto shown = faulty.next();
      const auto under =
          std::find_if(planned.begin(), planned.end(), [&](const auto& f) { return f.begin_us <= t && t < f.end_us; });
      ASSERT_EQ(faulty.active_fault().has_value(), under != planned.end());
      if (under == planned.end()) {
        ASSERT_EQ(shown, right);
        continue;
      }
      kinds.insert(under->kind);
      const double limit = std::max(0.0, *right + under->size);
      switch (under->kind) {
        case fault_kind::spike:
        case fault_kind::level_shift: ASSERT_NEAR(shown.value(), limit, 0.1); break;
        case fault_kind::drift: {
          const double share = static_cast<double>(t - under->begin_us) / static_cast<double>(under->end_us - under->begin_us);
          ASSERT_NEAR(shown.value(), std::max(0.0, *right + share * under->size), 0.1);
          break;
        }
        case fault_kind::stuck:
          if (t == under->begin_us) held = right;
          ASSERT_EQ(shown, held);
          break;
        case fault_kind::drop_out: ASSERT_FALSE(shown); break;
      }
    }
  }
  EXPECT_EQ(kinds.size(), 5U) << "every kind occurs";
}

TEST(faults, stay_within_their_slot_and_on_the_step) {
  const fault_policy policy{600 * second_us, 1};
  for (std::uint64_t key = 1; key <= 500; ++key) {
    for (const std::int64_t step : {std::int64_t{1'000}, second_us, 7 * second_us, 60 * second_us}) {
      const auto slot = start_us / policy.slot_us + static_cast<std::int64_t>(key);
      const auto found = fault_of_slot(policy, key, slot, step, 10);
      if (!found) continue;
      EXPECT_GE(found->begin_us, slot * policy.slot_us);
      EXPECT_LE(found->end_us, (slot + 1) * policy.slot_us);
      EXPECT_LT(found->begin_us, found->end_us);
      EXPECT_EQ(found->begin_us % step, 0);
      EXPECT_EQ(found->end_us % step, 0);
    }
  }
}

TEST(plant, is_the_same_for_the_same_seed_and_has_unique_names) {
  const auto plant = plan_plant(1, 9, 13);
  ASSERT_EQ(plant.size(), 9U);
  std::set<std::string> factories;
  std::set<std::uint64_t> keys;
  for (const auto& factory : plant) {
    factories.insert(factory.name);
    std::set<std::string> machines;
    for (const auto& machine : factory.machines) {
      machines.insert(machine.name);
      for (const auto& sensor : machine.sensors) keys.insert(sensor.key);
    }
    EXPECT_EQ(machines.size(), 13U);
  }
  EXPECT_EQ(factories.size(), 9U);
  EXPECT_EQ(keys.size(), 9U * 13 * 5);
  EXPECT_EQ(plan_plant(1, 1, 1)[0].machines[0].sensors[0].shape.idle, plant[0].machines[0].sensors[0].shape.idle);
  EXPECT_NE(plan_plant(2, 1, 1)[0].machines[0].sensors[0].key, plant[0].machines[0].sensors[0].key);
}

TEST(plant, a_healthy_sensor_never_raises_an_alert_and_a_faulty_plant_does) {
  int alerts_of_faults = 0;
  for (const auto& factory : plan_plant(1, 2, 6)) {
    for (const auto& machine : factory.machines) {
      for (const auto& sensor : machine.sensors) {
        for (const auto& policy : {no_faults, fault_policy{6 * hour_us, 0.5}}) {
          alarm_board board;
          std::vector<event> found;
          board.configure({1, sensor.thresholds, {sensor.rules.begin(), sensor.rules.end()}}, INT64_MIN, 0, 0, found);
          ASSERT_TRUE(sensor.thresholds.configured() || !sensor.rules.empty());
          sensor_signal signal(sensor.shape, sensor.key, policy, start_us, step_us);
          for (int i = 0; i < 2 * 8'640; ++i) {
            const auto t = signal.next_time_us();
            if (const auto value = signal.next()) board.observe(t, *value, 0, found);
          }
          if (policy.probability > 0)
            alerts_of_faults += static_cast<int>(found.size());
          else
            EXPECT_TRUE(found.empty()) << machine.name << " " << sensor.name << " read " << found[0].value;
        }
      }
    }
  }
  EXPECT_GT(alerts_of_faults, 100);
}

TEST(ledger, tells_people_and_programs_where_the_faults_are) {
  const ledger_entry entry{
      7, "North Plant / Press 1 / vibration", "mm/s", {fault_kind::drift, start_us, start_us + hour_us, 2.5}};
  EXPECT_EQ(to_line(entry),
            "2024-10-04T00:00:00Z to 2024-10-04T01:00:00Z  drift       of +2.5 mm/s  sensor 7 (North Plant / Press 1 / "
            "vibration)");
  const auto json = to_json(std::span(&entry, 1));
  for (const auto* const part : {R"("sensor_id": 7)", R"("kind": "drift")", R"("begin": "2024-10-04T00:00:00Z")",
                                 R"("begin_us": 1728000000000000)", R"("end_us": 1728003600000000)", R"("size": 2.5)"})
    EXPECT_NE(json.find(part), std::string::npos) << part << " in " << json;
  EXPECT_EQ(to_json({}), "[]\n");
}

}  // namespace
}  // namespace factory
