// Pipelines on the facade over everything, on a real directory.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "actors/engine/engine.hpp"
#include "actors/engine/limits.hpp"
#include "actors/support/messages.hpp"
#include "pipelines/support/stream_reference.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/log_of_test.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t settle_ms = 60'000;

const std::string difference_of_bearings = R"({"name":"bearing difference", "per":"machine",
  "sources":{"a":{"machine_type":"press","name":"bearing_a"}, "b":{"machine_type":"press","name":"bearing_b"}},
  "steps":[{"align":{"tolerance_ms":1000}}, {"compute":"a - b"}, {"window":{"tumbling_ms":60000},"aggregate":"mean"}],
  "sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})";

std::string over_sensor(sensor_id sensor, const std::string& name, const std::string& steps) {
  return R"({"name":")" + name + R"(","sources":{"a":{"sensor_id":)" + std::to_string(sensor) + R"(}},"steps":[)" + steps +
         R"(],"sinks":[{"sensor":{"name":")" + name + R"("}}]})";
}
const std::string minutely_mean = R"({"window":{"tumbling_ms":60000},"aggregate":"mean"})";

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

TEST_F(engine_streams, a_pipeline_fills_a_sensor_of_each_machine) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->instances.size(), 2U);
  const auto filled = sensor_named(2, "bearing_difference");
  EXPECT_EQ(made->instances[1].sinks, std::vector<sensor_id>{filled});
  ingest(3, {{ten_us, 50.0}, {ten_us + 30 * second_us, 60.0}, {ten_us + 61 * second_us, 99.0}});
  ingest(4, {{ten_us, 49.0}, {ten_us + 30 * second_us, 57.0}, {ten_us + 61 * second_us, 99.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  EXPECT_TRUE(readings(sensor_named(1, "bearing_difference")).empty());
  ingest(4, {{ten_us + 30 * second_us, 59.0}});  // corrected within the lateness
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  const auto reports = running->report_of_pipeline(made->id);
  ASSERT_EQ(reports.size(), 2U);
  ASSERT_TRUE(reports[1].seen);
  EXPECT_EQ(reports[1].seen->counts.in, 7U);
  EXPECT_EQ(reports[1].seen->counts.out, 1U);
  EXPECT_EQ(reports[1].state, stream_condition::running);
}

TEST_F(engine_streams, a_machine_that_comes_later_has_an_instance) {
  begin(1);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto machine = add_press();
  const auto filled = sensor_named(machine, "bearing_difference");
  ASSERT_NE(filled, 0U);
  ingest(4, {{ten_us, 5.0}, {ten_us + 60 * second_us, 5.0}});
  ingest(5, {{ten_us, 4.0}, {ten_us + 60 * second_us, 4.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_EQ(running->find_pipeline(made.id)->instances.size(), 2U);
}

TEST_F(engine_streams, a_filled_sensor_is_the_source_of_another_pipeline) {
  begin(1);
  const auto minutes = running->create_pipeline(over_sensor(1, "minutes", minutely_mean)).value();
  const auto hours = running->create_pipeline(
      over_sensor(minutes.instances[0].sinks[0], "hours", R"({"window":{"tumbling_ms":3600000},"aggregate":"max"})"));
  ASSERT_TRUE(hours) << hours.error().message;
  timed_values rows;
  for (int minute = 0; minute < 62; ++minute) rows.emplace_back(ten_us + minute * 60 * second_us, minute);
  ingest(1, rows);
  constexpr auto hour_us = 3'600 * second_us;
  EXPECT_EQ(readings(hours->instances[0].sinks[0]), (std::map<std::int64_t, double>{{ten_us / hour_us * hour_us, 59.0}}));
  EXPECT_EQ(readings(minutes.instances[0].sinks[0]).size(), 61U);
}

TEST_F(engine_streams, a_window_emptied_by_bad_quality_takes_its_derived_reading_back_and_all_that_comes_of_it) {
  begin(1);
  const auto minutes = running->create_pipeline(over_sensor(1, "minutes", minutely_mean)).value();
  const auto filled = minutes.instances[0].sinks[0];
  const auto twice =
      running->create_pipeline(over_sensor(filled, "twice", R"({"compute":"a * 2"})")).value().instances[0].sinks[0];
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}, {ten_us + 120 * second_us, 5.0}});
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}, {ten_us + 60 * second_us, 6.0}}));
  auto turned = *batch_of(1, {{ten_us + 60 * second_us, 3.0}});
  turned.flags = {flag_bad};
  ASSERT_TRUE(running->ingest(reading_batch(turned), durability::buffered));
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  open();
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  ingest(1, {{ten_us + 60 * second_us, 3.0}});
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}, {ten_us + 60 * second_us, 6.0}}));
}

TEST_F(engine_streams, a_pipeline_that_would_feed_itself_is_refused) {
  begin(1);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto second = running->create_pipeline(over_sensor(first.instances[0].sinks[0], "second", minutely_mean)).value();
  const auto changed = running->update_pipeline(
      first.id, R"({"sources":{"a":{"sensor_id":)" + std::to_string(second.instances[0].sinks[0]) + "}}}");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().field, "sources");
  EXPECT_EQ(running->find_pipeline(first.id)->version, 1U);
}

TEST_F(engine_streams, a_second_sensor_that_a_source_finds_ends_no_instance) {
  begin(2);
  const auto made = running
                        ->create_pipeline(R"({"name":"means","per":"machine","sources":{"a":{"name":"bearing_a*"}},"steps":[)" +
                                          minutely_mean + R"(],"sinks":[{"sensor":{"name":"means"}}]})")
                        .value();
  ingest(1, {{ten_us, 1.0}, {ten_us + 50 * second_us, 3.0}});
  running->create(std::vector{sensor_entry{0, 1, "bearing_a_old", "C", {}, 0}}).value();
  EXPECT_EQ(running->find_pipeline(made.id)->instances, made.instances);
  open();
  EXPECT_EQ(running->find_pipeline(made.id)->instances, made.instances);
  ingest(1, {{ten_us + 60 * second_us, 0.0}});
  EXPECT_EQ(readings(made.instances[0].sinks[0]), (std::map<std::int64_t, double>{{ten_us, 2.0}})) << "of both times";
  EXPECT_TRUE(running->left_out_of_pipeline(made.id).first.empty());
  const auto third = running->create(std::vector{machine_entry{0, 1, "press 3", "press", {}, 0}}).value()[0].id;
  running->create(std::vector{sensor_entry{0, third, "bearing_a1", "C", {}, 0}, sensor_entry{0, third, "bearing_a2", "C", {}, 0}})
      .value();
  EXPECT_EQ(running->find_pipeline(made.id)->instances.size(), 2U) << "nobody knows which of the two it would be";
  const auto left_out = running->left_out_of_pipeline(made.id).first;
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_EQ(left_out[0].machine, third);
  EXPECT_EQ(left_out[0].reason, "sources.a: machine 3 has 2 such sensors: name bearing_a*");
  ASSERT_TRUE(running->remove_sensor(sensor_named(third, "bearing_a2")));
  EXPECT_TRUE(running->left_out_of_pipeline(made.id).first.empty());
  EXPECT_EQ(running->find_pipeline(made.id)->instances.size(), 3U);
}

TEST_F(engine_streams, a_machine_whose_units_or_names_do_not_fit_takes_nothing_from_the_others) {
  begin(2);
  const auto first = running->create_pipeline(difference_of_bearings).value();
  auto second = difference_of_bearings;
  for (const std::string name : {"bearing difference", "bearing_difference"})
    second.replace(second.find(name), name.size(), "second");
  const auto later = running->create_pipeline(second).value();
  auto changed = running->entities().find_sensor(sensor_named(1, "bearing_b")).value();
  changed.unit = "F";
  ASSERT_TRUE(running->update(changed));
  EXPECT_EQ(running->find_pipeline(first.id)->instances.size(), 1U);
  ASSERT_EQ(running->left_out_of_pipeline(first.id).first.size(), 1U);
  EXPECT_EQ(running->left_out_of_pipeline(first.id).first[0].reason,
            "steps[1].compute: a is in C and b in F: they cannot be added or subtracted");

  const auto machine = running->create(std::vector{machine_entry{0, 1, "press 3", "press", {}, 0}}).value()[0].id;
  running->create(std::vector{sensor_entry{0, machine, "bearing_difference", "K", {}, 0}}).value();
  const auto fourth = running->create(std::vector{machine_entry{0, 1, "press 4", "press", {}, 0}}).value()[0].id;
  std::vector<sensor_entry> sensors;
  for (const auto each : {machine, fourth})
    for (const std::string name : {"bearing_a", "bearing_b"}) sensors.push_back({0, each, name, "C", {}, 0});
  running->create(sensors).value();
  EXPECT_EQ(sensor_named(fourth, "bearing_difference"), running->find_pipeline(first.id)->instances.back().sinks[0]);
  EXPECT_EQ(running->find_pipeline(later.id)->instances.size(), 3U) << "also on the machine where the first one is left out";
  ASSERT_EQ(running->left_out_of_pipeline(first.id).first.size(), 2U);
  EXPECT_EQ(running->left_out_of_pipeline(first.id).first[1].machine, machine);
  EXPECT_EQ(running->left_out_of_pipeline(first.id).first[1].reason,
            "sinks[0].sensor.name: Sensor 'bearing_difference' already exists on this machine");
}

TEST_F(engine_streams, of_many_machines_that_are_left_out_the_first_are_kept_and_logged_and_all_are_counted) {
  const log_of_test log;
  begin(0);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  std::vector<machine_entry> presses(limits::left_out_kept + 50, machine_entry{0, 1, {}, "press", {}, 0});
  for (auto& each : presses) each.name = "press " + std::to_string(&each - presses.data());
  std::vector<sensor_entry> sensors;
  const auto machines = running->create(presses).value();
  for (const auto& each : machines)
    for (const auto* const unit : {"C", "F"})
      sensors.push_back({0, each.id, unit == std::string("C") ? "bearing_a" : "bearing_b", unit, {}, 0});
  running->create(sensors).value();
  const auto left_out = running->left_out_of_pipeline(made.id);
  EXPECT_EQ(left_out.count, presses.size());
  ASSERT_EQ(left_out.first.size(), limits::left_out_kept);
  EXPECT_EQ(left_out.first.back().machine, limits::left_out_kept);
  EXPECT_EQ(log.lines(), limits::left_out_logged + 1) << log.text();
  EXPECT_NE(log.text().find("no instance for 150 machines"), std::string::npos) << log.text();
  auto more = presses.front();
  more.name = "another";
  const auto machine = running->create(std::vector{more}).value()[0].id;
  running->create(std::vector{sensor_entry{0, machine, "bearing_a", "C", {}, 0}}).value();
  running->create(std::vector{sensor_entry{0, machine, "bearing_b", "F", {}, 0}}).value();
  EXPECT_EQ(running->left_out_of_pipeline(made.id).count, presses.size() + 1);
  EXPECT_EQ(log.lines(), limits::left_out_logged + 1) << "one more is no news";
  running.reset();
}

TEST_F(engine_streams, machines_that_cannot_have_the_sensor_are_left_out_at_once_and_the_others_come_into_being_together) {
  const log_of_test log;
  begin(1);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  std::vector<machine_entry> presses(300, machine_entry{0, 1, {}, "press", {}, 0});
  for (auto& each : presses) each.name = "another " + std::to_string(&each - presses.data());
  std::vector<sensor_entry> sensors;
  const auto machines = running->create(presses).value();
  for (const auto& each : machines)
    for (const auto* const name : {"bearing_a", "bearing_b", "bearing_difference"})
      if (each.id % 2 == 0 || name != std::string("bearing_difference")) sensors.push_back({0, each.id, name, "C", {}, 0});
  const auto next_entry = [&] {
    return running->ingest(reading_batch(*batch_of(1, {{ten_us, 1.0}})), durability::buffered)->sequence;
  };
  const auto before = next_entry();
  running->create(sensors).value();
  EXPECT_EQ(running->left_out_of_pipeline(made.id).count, 150U);
  EXPECT_EQ(running->find_pipeline(made.id)->instances.size(), 151U);
  EXPECT_EQ(running->report_of_pipeline(made.id).size(), 151U);
  EXPECT_EQ(next_entry() - before, 4U) << "the sensors, the machine detectors, the instances, the reading";
  running.reset();
}

TEST_F(engine_streams, an_instance_that_would_come_to_feed_itself_is_left_out) {
  begin(1);
  const auto over_name = [](const std::string& from, const std::string& to) {
    return R"({"name":"to )" + to + R"(","per":"machine","sources":{"a":{"name":")" + from +
           R"("}},"steps":[],"sinks":[{"sensor":{"name":")" + to + R"("}}]})";
  };
  const auto rename = [this](sensor_id sensor, const std::string& name) {
    auto entry = running->entities().find_sensor(sensor).value();
    entry.name = name;
    ASSERT_TRUE(running->update(entry));
  };
  const auto first = running->create_pipeline(over_name("late_*", "one")).value();
  const auto second = running->create_pipeline(over_name("one", "late_2")).value();
  const auto third = running->create_pipeline(over_name("late_2", "three")).value();
  const auto source = running->create(std::vector{sensor_entry{0, 1, "late_1", "C", {}, 0}}).value()[0].id;
  ASSERT_EQ(running->find_pipeline(third.id)->instances.size(), 1U);
  EXPECT_EQ(running->find_pipeline(first.id)->instances.size(), 1U) << "late_2, of which it is a source, takes nothing from it";
  rename(source, "early");
  const auto left_out = running->left_out_of_pipeline(first.id).first;
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_NE(left_out[0].reason.find("would be computed from itself"), std::string::npos) << left_out[0].reason;
  EXPECT_TRUE(running->find_pipeline(first.id)->instances.empty());
  EXPECT_TRUE(running->report_of_pipeline(first.id).empty());
  EXPECT_EQ(running->find_pipeline(second.id)->instances.size(), 1U);
  EXPECT_EQ(running->find_pipeline(third.id)->instances.size(), 1U);
  open();
  EXPECT_EQ(running->left_out_of_pipeline(first.id).first, left_out);
  ASSERT_TRUE(running->remove_pipeline(first.id));
  EXPECT_TRUE(running->left_out_of_pipeline(first.id).first.empty());
}

TEST_F(engine_streams, a_change_begins_anew_with_the_same_sensor_and_a_new_name_changes_nothing) {
  begin(1);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}, {ten_us + 119 * second_us, 5.0}});
  EXPECT_EQ(running->update_pipeline(made.id, R"({"name":"another"})")->version, 1U);
  ingest(1, {{ten_us + 120 * second_us, 1.0}});
  const auto filled = made.instances[0].sinks[0];
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}, {ten_us + 60 * second_us, 4.0}}));
  const auto changed =
      running->update_pipeline(made.id, R"({"steps":[{"window":{"tumbling_ms":60000},"aggregate":"max"}]})").value();
  EXPECT_EQ(changed.version, 2U);
  EXPECT_EQ(changed.instances[0].sinks[0], filled);
  ingest(1, {{ten_us + 180 * second_us, 7.0}, {ten_us + 190 * second_us, 9.0}, {ten_us + 240 * second_us, 0.0}});
  EXPECT_EQ(readings(filled).at(ten_us + 180 * second_us), 9.0);
}

TEST_F(engine_streams, an_instance_that_comes_back_fills_the_sensor_that_it_filled) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto filled = made.instances[0].sinks[0];
  const auto rename = [this](const std::string& name) {
    auto entry = running->entities().find_sensor(1).value();
    entry.name = name;
    ASSERT_TRUE(running->update(entry));
  };
  rename("under repair");
  ASSERT_EQ(running->find_pipeline(made.id)->instances.size(), 1U);
  open();
  rename("bearing_a");
  EXPECT_TRUE(running->left_out_of_pipeline(made.id).first.empty());
  ASSERT_EQ(running->find_pipeline(made.id)->instances.size(), 2U);
  EXPECT_EQ(running->find_pipeline(made.id)->instances[0].sinks, std::vector{filled});
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"other","unit":"K"}}]})"));
  const auto again = running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->instances[0].sinks, std::vector{filled});
  ingest(1, {{ten_us, 5.0}, {ten_us + 60 * second_us, 5.0}});
  ingest(2, {{ten_us, 4.0}, {ten_us + 60 * second_us, 4.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
}

TEST_F(engine_streams, another_unit_of_a_sink_is_that_of_its_sensors) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto unit_of = [this](sensor_id sensor) { return running->entities().find_sensor(sensor)->unit; };
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"C"}}]})"));
  for (const auto& each : made.instances) EXPECT_EQ(unit_of(each.sinks[0]), "C");
  auto by_hand = running->entities().find_sensor(made.instances[0].sinks[0]).value();
  by_hand.unit = "Kelvin";
  ASSERT_TRUE(running->update(by_hand));
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"name":"another"})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"C"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin") << "the sink says what it said";
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"steps":[{"align":{"tolerance_ms":1000}}, {"compute":"b - a"}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"F"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "F");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"other"}}]})"));
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "K") << "also of a sensor that it fills again";
}

TEST_F(engine_streams, a_sink_that_names_another_machine_fills_a_sensor_there) {
  begin(2);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto on = [&](const std::string& machine) {
    return running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"means")" + machine + "}}]}");
  };
  const auto first = made.instances[0].sinks[0];
  EXPECT_EQ(on(R"(,"machine_id":1)")->instances[0].sinks[0], first) << "it lies there already";
  const auto moved = on(R"(,"machine_id":2)");
  ASSERT_TRUE(moved) << moved.error().message;
  const auto second = moved->instances[0].sinks[0];
  EXPECT_EQ(second, sensor_named(2, "means"));
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}});
  EXPECT_EQ(readings(second), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_TRUE(readings(first).empty());
  EXPECT_EQ(on("")->instances[0].sinks[0], first) << "the machine of its sources again";
  EXPECT_EQ(on(R"(,"machine_id":2)")->instances[0].sinks[0], second);
  const auto nowhere = on(R"(,"machine_id":9)");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().field, "sinks[0].sensor.machine_id");
  auto by_hand = running->entities().find_sensor(second).value();
  by_hand.machine = 1;
  by_hand.name = "moved";
  ASSERT_TRUE(running->update(by_hand));
  const auto kept = running->update_pipeline(made.id, R"({"steps":[]})");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->instances[0].sinks[0], second) << "what somebody has moved stays the instance's";
}

TEST_F(engine_streams, a_pipeline_that_comes_to_be_per_machine_goes_on_with_the_sensor_that_it_has_there) {
  begin(2);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto changed = running->update_pipeline(made.id, R"({"per":"machine","sources":{"a":{"name":"bearing_a"}}})");
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_EQ(changed->instances.size(), 2U);
  EXPECT_EQ(changed->instances[0].sinks, made.instances[0].sinks);
  EXPECT_EQ(changed->instances[1].sinks, std::vector{sensor_named(2, "means")});
  const auto back = running->update_pipeline(made.id, R"({"per":null,"sources":{"a":{"sensor_id":3}}})");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->instances[0].sinks, changed->instances[1].sinks);
}

TEST_F(engine_streams, a_deleted_pipeline_leaves_its_sensors_and_frees_them) {
  begin(1);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto filled = made.instances[0].sinks[0];
  EXPECT_EQ(running->remove_sensor(filled).error().code, errc::conflict);
  ASSERT_TRUE(running->remove_pipeline(made.id));
  EXPECT_EQ(running->find_pipeline(made.id).error().code, errc::not_found);
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}});
  EXPECT_TRUE(readings(filled).empty());
  EXPECT_TRUE(running->remove_sensor(filled));
  open();
  EXPECT_TRUE(running->pipelines().empty());
}

TEST_F(engine_streams, an_event_ends_with_its_pipeline_and_stands_through_a_restart) {
  begin(1);
  const auto made = running->create_pipeline(R"({"name":"hot","sources":{"a":{"sensor_id":1}},"steps":[],
      "sinks":[{"event":{"when":"value > 5"}},{"sensor":{"name":"same"}}]})");
  ASSERT_TRUE(made) << made.error().message;
  ingest(1, {{ten_us, 9.0}});
  ASSERT_TRUE(running->settle(settle_ms));
  const event_key raised{1, ten_us, event_source::pipeline, pipeline_rule(made->id, 0), event_kind::pipeline_raised, 0};
  const auto found = [&] { return running->events().find(raised).value(); };
  ASSERT_TRUE(found());
  EXPECT_TRUE(found()->open());
  open();
  EXPECT_TRUE(found()->open());
  ASSERT_TRUE(running->update_pipeline(made->id, R"({"sinks":[{"event":{"when":"value > 6"}},{"sensor":{"name":"same"}}]})"));
  EXPECT_FALSE(found()->open());
  ingest(1, {{ten_us, 8.0}});  // the pipeline that is there now finds it anew, though it begins at the same time
  ASSERT_TRUE(running->settle(settle_ms));
  EXPECT_TRUE(found()->open());
  EXPECT_EQ(found()->stated->value, 8.0);
  ASSERT_TRUE(running->remove_pipeline(made->id));
  EXPECT_FALSE(found()->open());
}

TEST_F(engine_streams, several_are_made_together_or_not_at_all) {
  begin(1);
  const auto bad = over_sensor(99, "bad", minutely_mean);
  const auto refused = running->create_pipelines({over_sensor(1, "first", minutely_mean), bad});
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().rows.size(), 1U);
  EXPECT_EQ(refused.error().rows[0].index, 1U);
  EXPECT_EQ(refused.error().rows[0].field, "sources.a.sensor_id");
  EXPECT_TRUE(running->pipelines().empty());
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  const auto same_name =
      running->create_pipelines({over_sensor(1, "first", minutely_mean), over_sensor(2, "bearing_a", minutely_mean)});
  ASSERT_FALSE(same_name);
  ASSERT_EQ(same_name.error().rows.size(), 1U);
  EXPECT_EQ(same_name.error().rows[0].index, 1U);
  EXPECT_EQ(same_name.error().rows[0].field, "sinks[0].sensor.name");
  const auto made = running->create_pipelines({over_sensor(1, "first", minutely_mean), over_sensor(2, "second", minutely_mean)});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->size(), 2U);
  EXPECT_EQ((*made)[1].id, (*made)[0].id + 1);
  EXPECT_EQ((*made)[1].instances[0].sinks[0], sensor_named(1, "second"));
  open();
  EXPECT_EQ(running->pipelines().size(), 2U);
  EXPECT_TRUE(running->derived_sensors()->contains(sensor_named(1, "first")));
}

TEST_F(engine_streams, the_sensors_go_with_the_pipeline_when_asked_for_and_nobody_needs_them) {
  begin(1);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto filled = first.instances[0].sinks[0];
  const auto second = running->create_pipeline(over_sensor(filled, "second", minutely_mean)).value();
  EXPECT_EQ(running->remove_pipeline(first.id, true).error().code, errc::conflict);
  EXPECT_TRUE(running->find_pipeline(first.id));
  ASSERT_TRUE(running->remove_pipeline(second.id, true));
  ASSERT_TRUE(running->remove_pipeline(first.id, true));
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  EXPECT_EQ(sensor_named(1, "second"), 0U);
  EXPECT_EQ(running->derived_sensors(), nullptr);
}

TEST_F(engine_streams, with_a_pipeline_go_also_the_sensors_that_only_former_instances_filled) {
  begin(2);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto renamed = running->update_pipeline(first.id, R"({"sinks":[{"sensor":{"name":"renamed"}}]})").value();
  const auto former = first.instances[0].sinks[0];
  const auto second = running->create_pipeline(over_sensor(former, "second", minutely_mean)).value();
  EXPECT_EQ(running->remove_pipeline(first.id, true).error().code, errc::conflict);
  EXPECT_TRUE(running->find_pipeline(first.id));
  EXPECT_NE(sensor_named(1, "renamed"), 0U) << "all or nothing";
  ASSERT_TRUE(running->remove_pipeline(second.id));
  ASSERT_TRUE(running->remove_pipeline(first.id, true));
  EXPECT_EQ(sensor_named(1, "renamed"), 0U);
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  EXPECT_NE(sensor_named(1, "second"), 0U);
  open();
  EXPECT_EQ(running->entities().sensors().size(), 5U) << "two of each press, and that of the second";
}

TEST_F(engine_streams, what_a_deleted_pipeline_stood_in_the_way_of_comes_into_being) {
  begin(1);
  const auto over_name = [](const std::string& from, const std::string& to) {
    return R"({"name":"to )" + to + R"(","per":"machine","sources":{"a":{"name":")" + from +
           R"("}},"steps":[],"sinks":[{"sensor":{"name":")" + to + R"("}}]})";
  };
  const auto first = running->create_pipeline(over_name("late_*", "one")).value();
  const auto second = running->create_pipeline(over_name("one", "late_2")).value();
  auto source = running->create(std::vector{sensor_entry{0, 1, "late_1", "C", {}, 0}}).value()[0];
  source.name = "early";
  ASSERT_TRUE(running->update(source));
  ASSERT_EQ(running->left_out_of_pipeline(first.id).count, 1U);
  ASSERT_TRUE(running->remove_pipeline(second.id));
  EXPECT_EQ(running->left_out_of_pipeline(first.id).count, 0U);
  EXPECT_EQ(running->find_pipeline(first.id)->instances.size(), 1U);
}

TEST_F(engine_streams, results_are_those_of_the_set_of_readings_through_checkpoints_and_restarts) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    begin(1);
    const auto made = running->create_pipeline(difference_of_bearings).value();
    const auto filled = made.instances[0].sinks[0];
    std::vector<stream_reference::series> sources(2);
    std::int64_t now_us = ten_us;
    for (int step = 0; step < 60; ++step) {
      for (const std::size_t source : {0U, 1U}) {
        timed_values rows;
        for (std::size_t i = 0; i < 1 + random() % 8; ++i) {
          const auto time_us = now_us + static_cast<std::int64_t>(random() % 20) * second_us;
          rows.emplace_back(time_us, static_cast<double>(random() % 100));
          sources[source][time_us] = rows.back().second;
        }
        ingest(static_cast<sensor_id>(source + 1), rows);
      }
      now_us += 5 * second_us;
      if (random() % 10 == 0) {
        ASSERT_TRUE(running->checkpoint());
      }
      if (random() % 15 == 0) open();
    }
    for (const std::size_t source : {0U, 1U}) {  // ends the last window
      sources[source][now_us + 120 * second_us] = 1;
      ingest(static_cast<sensor_id>(source + 1), {{now_us + 120 * second_us, 1.0}});
    }
    auto expected_results = stream_reference::run(parse_pipeline(difference_of_bearings).value(), sources);
    auto found = readings(filled);
    expected_results.erase(std::prev(expected_results.end()));  // the window of the last reading ends when time passes
    if (found.size() > expected_results.size()) found.erase(std::prev(found.end()));
    EXPECT_EQ(found, expected_results) << "seed " << seed;
    running.reset();
    std::filesystem::remove_all(directory.path());
    std::filesystem::create_directory(directory.path());
  }
}

}  // namespace
}  // namespace factory::test
