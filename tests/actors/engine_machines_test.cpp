// The machine detector at work: on the facade over everything, on a real directory.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "actors/engine/engine.hpp"
#include "actors/support/messages.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t deadline_ms = 60'000;
constexpr std::size_t presses_sensors = 3, rows_of_a_day = 1'440;

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
  static std::vector<finding> of_machine(const engine& it) {
    anomaly_query asked;
    asked.detector = event_source::machine;
    return it.events().anomalies(asked).value().rows;
  }
};

TEST_F(engine_machines, a_state_of_a_machine_is_found_once_whatever_starts_again_between) {
  const temporary_directory whole, pieces;
  constexpr auto rows = 3 * rows_of_a_day;
  std::uint64_t digest = 0;
  {
    const auto it = open(whole);
    make_press(*it);
    ingest(*it, 0, rows, 240);
    const auto found = of_machine(*it);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].open());
    EXPECT_EQ(found[0].stated->key.rule, 1U);
    const auto& culprits = std::get<episode_detail>(found[0].ended->detail).contributions;
    ASSERT_FALSE(culprits.empty());
    EXPECT_EQ(culprits[0].sensor, 2U);
    digest = it->events().digest();
  }
  {
    auto it = open(pieces);
    make_press(*it);
    for (std::size_t row = 0; row < rows; row += 500) {
      ingest(*it, row, std::min(rows, row + 500), 7);
      if (row % 1'000 == 0) {
        ASSERT_TRUE(it->checkpoint());
      }
      it.reset();
      it = open(pieces);
    }
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->events().digest(), digest);
  }
}

TEST_F(engine_machines, a_machine_is_learned_anew_when_its_sensors_change_and_what_was_open_ends) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
  ASSERT_EQ(of_machine(*it).size(), 1U);
  EXPECT_TRUE(of_machine(*it)[0].open());
  EXPECT_TRUE(it->watch_of(1)->seen->machine->is_ready);
  it->create(std::vector{sensor_entry{0, 1, "speed", "", {}, 0}}).value();
  EXPECT_FALSE(of_machine(*it)[0].open());
  const auto watch = it->watch_of(1);
  ASSERT_TRUE(watch);
  EXPECT_EQ(watch->sources.size(), 4U);
  ASSERT_TRUE(it->remove_sensor(4));
  EXPECT_EQ(it->watch_of(1)->sources.size(), 3U);
  ASSERT_TRUE(it->remove_sensor(3));
  ASSERT_TRUE(it->remove_sensor(2));
  EXPECT_FALSE(it->watch_of(1));
}

void set(stream_settings& settings, setting what, double value) {
  settings.set(setting_place::of_detector(detector::machine, what), value);
}

TEST_F(engine_machines, a_machine_or_its_factory_switches_it_off_and_on) {
  const temporary_directory directory;
  {
    const auto it = open(directory);
    make_press(*it);
    ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
    ASSERT_EQ(of_machine(*it).size(), 1U);
    auto works = it->entities().find_factory(1).value();
    set(works.settings, setting::on, 0);
    ASSERT_TRUE(it->update(works));
    EXPECT_FALSE(it->watch_of(1));
    EXPECT_FALSE(of_machine(*it)[0].open());
    auto press = it->entities().find_machine(1).value();
    set(press.settings, setting::on, 1);
    ASSERT_TRUE(it->update(press));
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_FALSE(it->watch_of(1)->seen->machine->is_ready) << "it learns anew";
  }
  const auto it = open(directory, false);
  ASSERT_TRUE(it->settle(deadline_ms));
  EXPECT_TRUE(it->watch_of(1)) << "the machine's own setting stands over the daemon's";
}

TEST_F(engine_machines, a_sensitivity_changed_amid_the_readings_stands_at_one_place_whatever_starts_again) {
  const temporary_directory whole, pieces;
  constexpr auto before = 2 * rows_of_a_day + 760, rows = 3 * rows_of_a_day;
  const auto change = [](engine& it) {
    auto press = it.entities().find_machine(1).value();
    set(press.settings, setting::sensitivity, 0.01);
    ASSERT_TRUE(it.update(press));
  };
  std::uint64_t digest = 0;
  {
    const auto it = open(whole);
    make_press(*it);
    ingest(*it, 0, before, 240);
    EXPECT_TRUE(of_machine(*it).at(0).open());
    change(*it);
    ingest(*it, before, before + 60, 60);
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_FALSE(of_machine(*it).at(0).open()) << "the fault goes on, and is no longer one";
    ingest(*it, before + 60, rows, 240);
    EXPECT_EQ(it->watch_of(1)->seen->machine->sensitivity, 0.01);
    digest = it->events().digest();
  }
  {
    auto it = open(pieces);
    make_press(*it);
    ingest(*it, 0, before, 500);
    ASSERT_TRUE(it->checkpoint());
    change(*it);
    it.reset();
    it = open(pieces);
    ingest(*it, before, rows, 70);
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->events().digest(), digest);
  }
}

TEST_F(engine_machines, false_alarms_make_it_less_sensitive_until_they_are_taken_back) {
  const temporary_directory directory;
  const auto it = open(directory);
  make_press(*it);
  ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
  const auto state = of_machine(*it).at(0).stated->key;
  const auto judge = [&](const char* verdict) { ASSERT_TRUE(it->give_feedback(state, verdict, "", "Ann")); };
  const auto sensitivity = [&] {
    ASSERT_TRUE(it->settle(deadline_ms));
    EXPECT_EQ(it->watch_of(1)->seen->machine->sensitivity, it->entities().machine_detector_of(1).sensitivity);
  };
  judge("false_alarm");
  sensitivity();
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 0.9);
  judge("false_alarm");
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 0.9);
  judge("confirmed");
  sensitivity();
  EXPECT_DOUBLE_EQ(it->entities().machine_detector_of(1).sensitivity, 1);
  EXPECT_TRUE(it->entities().find_machine(1)->settings.empty()) << "it is inherited again";
}

TEST_F(engine_machines, one_switch_turns_it_off_and_ends_what_was_open) {
  const temporary_directory directory;
  {
    const auto it = open(directory);
    make_press(*it);
    ingest(*it, 0, 2 * rows_of_a_day + 800, 200);
    ASSERT_EQ(of_machine(*it).size(), 1U);
  }
  {
    const auto it = open(directory, false);
    EXPECT_FALSE(it->watch_of(1));
    EXPECT_FALSE(of_machine(*it)[0].open());
  }
  const auto it = open(directory);
  ASSERT_TRUE(it->settle(deadline_ms));
  EXPECT_FALSE(it->watch_of(1)->seen->machine->is_ready);
}

}  // namespace
}  // namespace factory::test
