// Settings of detection on factories, machines and sensors: who inherits what, and what a change tells the sensors.
#include "storage/catalog/catalog.hpp"

#include "pipelines/model/coding.hpp"
#include "storage/base/record.hpp"
#include "storage/catalog/catalog_records.hpp"
#include "storage/support/catalog_fixture.hpp"

#include <gtest/gtest.h>

#include <map>

namespace factory {
namespace {

using test::catalog_fixture;

const auto z_threshold = setting_place::of_rules(setting::z_threshold);
const auto spike_on = setting_place::of_detector(detector::spike, setting::on);
const auto spike_sensitivity = setting_place::of_detector(detector::spike, setting::sensitivity);
const auto watched = setting_place::of_detector(detector::machine, setting::on);
const auto watched_closely = setting_place::of_detector(detector::machine, setting::sensitivity);

/// Two factories; machines 1 and 2 in the first, 3 in the second; sensors 1 and 2 on machine 1, then one a machine.
class settings_of : public testing::Test {
 protected:
  settings_of() {
    std::vector<factory_entry> two(2);
    two[0].name = "A";
    two[1].name = "B";
    it_.create(two);
    for (const factory_id factory : {1, 1, 2}) {
      machine_entry machine;
      machine.factory = factory;
      machine.name = "M" + std::to_string(++machines_);
      it_.create<machine_entry>({machine});
    }
    for (const machine_id machine : {1, 1, 2, 3}) {
      sensor_entry sensor;
      sensor.machine = machine;
      sensor.name = "s" + std::to_string(++sensors_);
      sensor.usual = usual_;
      it_.create<sensor_entry>({sensor});
    }
  }
  /// Commits it; the sensors that got a config, with their z threshold, and the machines.
  template <class Entry>
  std::string change(Entry entry, setting_place at, std::optional<double> value) {
    value ? entry.settings.set(at, *value) : entry.settings.clear(at);
    auto staged = catalog_fixture::must(it_.entities().stage_update(entry));
    std::string told;
    for (const auto& config : staged.config.configs)
      told += std::to_string(config.sensor) + ":" + std::to_string((*config.stream)->z_threshold).substr(0, 3) + " ";
    for (const auto& each : staged.config.machines)
      told += "m" + std::to_string(each.machine) + ":" + std::to_string(each.sensitivity).substr(0, 3) + " ";
    it_.put(std::move(staged));
    return told;
  }
  factory_entry factory(factory_id id) { return it_.entities().find_factory(id).value(); }
  machine_entry machine(machine_id id) { return it_.entities().find_machine(id).value(); }
  sensor_entry sensor(sensor_id id) { return it_.entities().find_sensor(id).value(); }
  stream_rules rules(sensor_id id) { return **sensor(id).stream; }

  catalog_fixture it_;
  stream_rules usual_{.z_threshold = 5};
  int machines_ = 0, sensors_ = 0;
};

TEST_F(settings_of, a_sensor_stand_over_its_machines_over_its_factorys_over_the_daemons_member_by_member) {
  EXPECT_EQ(rules(1), usual_);
  EXPECT_EQ(change(factory(1), z_threshold, 4.5), "1:4.5 2:4.5 3:4.5 ");
  EXPECT_EQ(change(machine(1), z_threshold, 4.0), "1:4.0 2:4.0 ");
  EXPECT_EQ(change(sensor(2), z_threshold, 3.5), "2:3.5 ");
  EXPECT_EQ(change(factory(1), z_threshold, 3.0), "3:3.0 ") << "the others have their own";
  EXPECT_EQ(change(machine(1), spike_sensitivity, 0.5), "1:4.0 2:3.5 ");
  EXPECT_EQ(change(sensor(1), spike_on, 0), "1:4.0 ");
  auto wanted = usual_;
  wanted.z_threshold = 4;
  wanted.detect.of(detector::spike).sensitivity = 0.5;
  wanted.detect.of(detector::spike).on = false;
  EXPECT_EQ(rules(1), wanted);
  EXPECT_EQ(rules(4), usual_);
  it_.reopen();
  EXPECT_EQ(rules(1), wanted);
  EXPECT_EQ(**it_.entities().config_of(1).stream, wanted);
  EXPECT_EQ(**it_.entities().select({.machine = 1})[0].stream, wanted);
  EXPECT_EQ(change(machine(1), z_threshold, std::nullopt), "1:3.0 ");
  EXPECT_EQ(change(factory(1), z_threshold, std::nullopt), "1:5.0 3:5.0 ");
}

TEST_F(settings_of, the_place_where_something_comes_to_count_there_at_once) {
  change(factory(2), z_threshold, 2.5);
  change(machine(2), z_threshold, 3.5);
  auto moved = sensor(1);
  moved.machine = 2;
  auto staged = catalog_fixture::must(it_.entities().stage_update(moved));
  ASSERT_EQ(staged.config.configs.size(), 1U);
  EXPECT_EQ((*staged.config.configs[0].stream)->z_threshold, 3.5);
  it_.put(std::move(staged));
  auto elsewhere = machine(1);
  elsewhere.factory = 2;
  staged = catalog_fixture::must(it_.entities().stage_update(elsewhere));
  ASSERT_EQ(staged.config.configs.size(), 1U);
  EXPECT_EQ(staged.config.configs[0].sensor, 2U);
  EXPECT_EQ((*staged.config.configs[0].stream)->z_threshold, 2.5);
  it_.put(std::move(staged));
  sensor_entry late;
  late.machine = 1;
  late.name = "late";
  late.usual = usual_;
  const auto made = it_.create<sensor_entry>({late});
  EXPECT_EQ((*made[0].stream)->z_threshold, 2.5);
}

TEST_F(settings_of, the_machine_detector_are_told_apart_from_those_of_sensors) {
  EXPECT_EQ(change(factory(1), watched_closely, 0.5), "m1:0.5 m2:0.5 ");
  EXPECT_EQ(change(machine(2), watched_closely, 2), "m2:2.0 ");
  EXPECT_EQ(change(machine(2), watched, 0), "");
  EXPECT_TRUE(it_.entities().machine_detector_of(1).on);
  EXPECT_FALSE(it_.entities().machine_detector_of(2).on);
  EXPECT_EQ(it_.entities().machine_detector_of(1).sensitivity, 0.5);
  auto moved = machine(1);
  moved.factory = 2;
  const auto staged = catalog_fixture::must(it_.entities().stage_update(moved));
  ASSERT_EQ(staged.config.machines.size(), 1U);
  EXPECT_EQ(staged.config.machines[0].sensitivity, 1);
}

TEST_F(settings_of, a_sensor_bring_its_frozen_limits_where_their_rules_are_switched_on) {
  const auto freeze = [&](sensor_id id, std::uint32_t version) {
    auto staged = catalog_fixture::must(it_.entities().stage_control_limits(id, {version, 1, 50, 2, 25}));
    const auto configs = staged.config.configs;
    it_.put(std::move(staged));
    return configs;
  };
  const auto nelson = setting_place::of_rules(setting::nelson);
  EXPECT_TRUE(freeze(1, 1).empty()) << "nothing is judged by them";
  const auto before = sensor(1);
  EXPECT_EQ(change(machine(1), nelson, 1), "1:5.0 2:5.0 ");
  EXPECT_TRUE(rules(1).spc.is_at_work());
  EXPECT_EQ(rules(1).spc.against.version, 1U);
  EXPECT_FALSE(rules(2).spc.is_at_work()) << "it has none";
  const auto told = freeze(1, 2);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ((*told[0].stream)->spc.against.version, 2U);
  it_.update(before);  // by somebody who has read it before
  EXPECT_EQ(rules(1).spc.against.version, 2U);
  it_.reopen();
  EXPECT_FALSE(rules(1).spc.is_at_work());
  it_.entities().hold_control_limits(1, {2, 1, 50, 2, 25});
  EXPECT_EQ(rules(1).spc.against.version, 2U);
}

/// As version 4 wrote a sensor: all of its rules, whoever has set them.
TEST_F(settings_of, a_sensor_of_an_older_directory_are_what_in_its_rules_is_not_usual) {
  stream_rules rules;
  rules.z_threshold = 3;
  rules.detect.of(detector::drift).sensitivity = 0.7;
  rules.detect.physical_max = 90;
  std::string record = begin_record(4);
  put_varint(record, 1);
  put_varint(record, 1);
  put_text(record, "s1");
  put_text(record, "");
  put_byte(record, 0);
  put_byte(record, 0);
  put_zigzag(record, 12);
  put_byte(record, 0);
  put_labels(record, {});
  put_byte(record, 1);
  put_stream_rules(record, rules);
  sensor_entry read;
  ASSERT_TRUE(decode(record, read));
  EXPECT_EQ(read.settings.all().size(), 3U);
  ASSERT_TRUE(test::commit(it_.db(), {{record_key(record_kind::sensor, 1), record}}));
  it_.reopen();
  EXPECT_EQ(this->rules(1), rules);
  EXPECT_EQ(change(machine(1), z_threshold, 2), "2:2.0 ") << "what it has is its own";
}

TEST_F(settings_of, a_sensor_without_known_rules_leave_these_alone_until_somebody_sets_one) {
  auto old = sensor(1);
  old.usual.reset();
  it_.update(old);
  EXPECT_FALSE(sensor(1).stream);
  change(machine(1), watched_closely, 0.5);
  EXPECT_FALSE(sensor(1).stream);
  change(machine(1), spike_on, 0);
  ASSERT_TRUE(sensor(1).stream);
  EXPECT_FALSE(rules(1).detect.of(detector::spike).on);
}

}  // namespace
}  // namespace factory
