// For which machines a pipeline has an instance, whatever becomes of the catalog.
#include <string>
#include <vector>

#include "actors/engine/limits.hpp"
#include "actors/support/streams_fixture.hpp"
#include "support/log_of_test.hpp"

namespace factory::test {
namespace {

struct engine_streams_left_out : engine_streams {};

TEST_F(engine_streams_left_out, a_second_sensor_that_a_source_finds_ends_no_instance) {
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

TEST_F(engine_streams_left_out, a_machine_whose_units_or_names_do_not_fit_takes_nothing_from_the_others) {
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

TEST_F(engine_streams_left_out, of_many_machines_that_are_left_out_the_first_are_kept_and_logged_and_all_are_counted) {
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

TEST_F(engine_streams_left_out,
       machines_that_cannot_have_the_sensor_are_left_out_at_once_and_the_others_come_into_being_together) {
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

TEST_F(engine_streams_left_out, an_instance_that_would_come_to_feed_itself_is_left_out) {
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

TEST_F(engine_streams_left_out, what_a_deleted_pipeline_stood_in_the_way_of_comes_into_being) {
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

}  // namespace
}  // namespace factory::test
