#include "storage/catalog/catalog.hpp"

#include "storage/catalog/catalog_records.hpp"
#include "storage/support/catalog_fixture.hpp"

#include "pipelines/model/limits.hpp"
#include "pipelines/select/glob.hpp"

#include <gtest/gtest.h>

#include <random>

namespace factory {
namespace {

using test::catalog_fixture;

label_set labels_of(std::initializer_list<label> all) {
  label_set labels;
  for (const label& one : all) labels.put(one);
  return labels;
}

template <class Entry>
std::vector<std::uint32_t> ids_of(const std::vector<Entry>& entries) {
  std::vector<std::uint32_t> ids;
  for (const Entry& entry : entries) ids.push_back(entry.id);
  return ids;
}
using ids = std::vector<std::uint32_t>;

machine_entry a_labelled_machine(factory_id of, std::string name, std::string type, label_set labels = {}) {
  machine_entry machine;
  machine.factory = of;
  machine.name = std::move(name);
  machine.type = std::move(type);
  machine.labels = std::move(labels);
  return machine;
}
sensor_entry a_labelled_sensor(machine_id on, std::string name, std::string unit, label_set labels = {}) {
  sensor_entry sensor;
  sensor.machine = on;
  sensor.name = std::move(name);
  sensor.unit = std::move(unit);
  sensor.labels = std::move(labels);
  return sensor;
}
std::vector<factory_entry> two_factories() {
  std::vector<factory_entry> two(2);
  two[0].name = "A";
  two[1].name = "B";
  return two;
}

/// Two factories; presses 1 and 2 in the first, an oven 3 in the second; on each the sensors `temp` and `bearing_a`: 1 to 6.
class labelled_plant : public ::testing::Test {
 protected:
  labelled_plant() {
    it_.create(two_factories());
    it_.create<machine_entry>({a_labelled_machine(1, "P1", "press", labels_of({{"line", "3"}, {"shift", "a"}})),
                               a_labelled_machine(1, "P2", "press"),
                               a_labelled_machine(2, "O1", "oven", labels_of({{"line", "3"}}))});
    for (const machine_id machine : {1U, 2U, 3U})
      it_.create<sensor_entry>(
          {a_labelled_sensor(machine, "temp", "C"), a_labelled_sensor(machine, "bearing_a", "K", labels_of({{"shift", "b"}}))});
  }
  ids select(const selector& which) { return ids_of(it_.entities().select(which)); }
  ids with(std::initializer_list<label> all) { return select({.labels = labels_of(all)}); }

  catalog_fixture it_;
};

TEST_F(labelled_plant, finds_machines_by_all_of_their_labels) {
  const catalog& entities = it_.entities();
  EXPECT_EQ(ids_of(entities.machines_labelled(labels_of({{"line", "3"}}))), (ids{1, 3}));
  EXPECT_EQ(ids_of(entities.machines_labelled(labels_of({{"line", "3"}, {"shift", "a"}}))), (ids{1}));
  EXPECT_EQ(ids_of(entities.machines_labelled(labels_of({{"line", "3"}}), 2)), (ids{3}));
  EXPECT_EQ(ids_of(entities.machines_labelled(labels_of({{"line", "4"}}))), (ids{}));
  EXPECT_EQ(ids_of(entities.machines_labelled({})), (ids{1, 2, 3}));
}

TEST_F(labelled_plant, finds_sensors_by_their_labels_and_those_of_their_machines) {
  EXPECT_EQ(with({{"shift", "b"}}), (ids{2, 4, 6}));
  EXPECT_EQ(with({{"line", "3"}}), (ids{1, 2, 5, 6}));
  EXPECT_EQ(with({{"shift", "a"}}), (ids{1})) << "sensor 2 says otherwise";
  EXPECT_EQ(with({{"line", "3"}, {"shift", "b"}}), (ids{2, 6}));
  EXPECT_EQ(select({.machine = 1, .labels = labels_of({{"line", "3"}})}), (ids{1, 2}));
}

TEST_F(labelled_plant, finds_sensors_by_the_rest_of_a_selector) {
  EXPECT_EQ(select({.factory = 1}), (ids{1, 2, 3, 4}));
  EXPECT_EQ(select({.factory = 1, .machine_type = "oven"}), (ids{}));
  EXPECT_EQ(select({.machine_type = "press", .name = "bearing_a"}), (ids{2, 4}));
  EXPECT_EQ(select({.name = "bearing_*"}), (ids{2, 4, 6}));
  EXPECT_EQ(select({.unit = "C"}), (ids{1, 3, 5}));
  EXPECT_EQ(select({.unit = "C", .sensors = {1, 2, 99}}), (ids{1}));
  EXPECT_EQ(select({.factory = 9}), (ids{}));
}

TEST_F(labelled_plant, keeps_its_index_when_labels_change_and_over_a_restart) {
  auto machine = *it_.entities().find_machine(1);
  machine.labels = labels_of({{"line", "4"}});
  it_.update(machine);
  auto sensor = *it_.entities().find_sensor(1);
  sensor.labels = labels_of({{"line", "3"}});
  it_.update(sensor);
  it_.put(*it_.entities().stage_delete_sensor(6));
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(with({{"line", "3"}}), (ids{1, 5})) << pass;
    EXPECT_EQ(with({{"line", "4"}}), (ids{2})) << pass;
    EXPECT_EQ(ids_of(it_.entities().machines_labelled(labels_of({{"line", "3"}}))), (ids{3})) << pass;
    it_.reopen();
  }
  EXPECT_EQ(it_.entities().find_sensor(1)->labels, sensor.labels);
}

TEST_F(labelled_plant, refuses_labels_that_are_not_as_they_must_be) {
  label_set many;
  for (std::size_t i = 0; i <= limits::labels_per_entity; ++i) many.put({"k" + std::to_string(i), "v"});
  for (const label_set& bad : {labels_of({{"my line", "3"}}), labels_of({{"line", ""}}), labels_of({{"line", "\xff"}}), many}) {
    auto machine = *it_.entities().find_machine(1);
    machine.labels = bad;
    EXPECT_EQ(it_.entities().stage_update(machine).error().field, "labels");
    auto sensor = *it_.entities().find_sensor(1);
    sensor.labels = bad;
    EXPECT_EQ(it_.entities().stage_update(sensor).error().field, "labels");
    sensor.name = "new";
    EXPECT_EQ(it_.entities().stage_create(std::vector{sensor}, 0).error().field, "labels");
  }
}

TEST(catalog, machines_and_sensors_stored_before_there_were_labels_have_none) {
  const machine_entry machine{3, 2, "Press", "press", machine_status::maintenance, 17, 30, {}};
  const sensor_entry sensor{4, 3, "temp", "C", {1.0, {}}, 17, 0, {}};
  for (const char version : {'\1', '\2'}) {
    auto old_machine = encode(machine), old_sensor = encode(sensor);
    old_machine.resize(old_machine.size() - 2);  // no labels, no settings: their numbers
    old_sensor.resize(old_sensor.size() - 3);    // nor rules of its stream
    if (version == '\1') {
      old_machine.resize(old_machine.size() - 2);
      old_sensor.resize(old_sensor.size() - 2);
    }
    old_machine[0] = old_sensor[0] = version;
    auto read_machine = a_labelled_machine(1, "", "", labels_of({{"a", "b"}}));
    auto read_sensor = a_labelled_sensor(1, "", "", labels_of({{"a", "b"}}));
    ASSERT_TRUE(decode(old_machine, read_machine));
    ASSERT_TRUE(decode(old_sensor, read_sensor));
    EXPECT_TRUE(read_machine.labels.empty());
    EXPECT_TRUE(read_sensor.labels.empty());
    EXPECT_EQ(read_machine.status, machine.status);
    EXPECT_EQ(read_sensor.thresholds, sensor.thresholds);
    EXPECT_EQ(read_sensor.retention, version == '\1' ? retention_days{} : sensor.retention);
    EXPECT_FALSE(decode(old_sensor + "x", read_sensor));
  }
}

/// What select() finds must be what comparing with every sensor finds.
TEST(catalog, finds_by_selector_what_comparing_with_all_finds) {
  std::mt19937 random(5);
  const auto some = [&](std::uint32_t n) { return 1 + static_cast<std::uint32_t>(random() % n); };
  const auto word = [&] { return std::string(1, "abc"[random() % 3]); };
  const auto labels = [&] {
    label_set all;
    for (auto left = random() % 3; left > 0; --left) all.put({word(), word()});
    return all;
  };
  catalog_fixture it;
  it.create(two_factories());
  std::vector<machine_entry> machines;
  for (int i = 0; i < 12; ++i) machines.push_back(a_labelled_machine(some(2), std::to_string(i), word(), labels()));
  it.create(machines);
  std::vector<sensor_entry> sensors;
  for (int i = 0; i < 200; ++i) sensors.push_back(a_labelled_sensor(some(12), word() + std::to_string(i), word(), labels()));
  it.create(sensors);
  std::size_t found = 0;
  for (int run = 0; run < 500; ++run) {
    selector which;
    if (random() % 4 == 0) which.factory = some(2);
    if (random() % 4 == 0) which.machine = some(12);
    if (random() % 4 == 0) which.machine_type = word();
    if (random() % 4 == 0) which.name = random() % 2 == 0 ? word() + "*" : word() + std::to_string(random() % 200);
    if (random() % 4 == 0) which.unit = word();
    if (random() % 2 == 0) which.labels = labels();
    if (random() % 8 == 0) which.sensors = {some(100), 100 + some(100)};
    ids wanted;
    for (const sensor_entry& sensor : it.entities().sensors()) {
      const auto machine = *it.entities().find_machine(sensor.machine);
      if (which.matches(
              {sensor.id, machine.id, machine.factory, sensor.name, sensor.unit, machine.type, &sensor.labels, &machine.labels}))
        wanted.push_back(sensor.id);
    }
    ASSERT_EQ(ids_of(it.entities().select(which)), wanted) << to_text(which);
    found += wanted.size();
  }
  EXPECT_GT(found, 5'000U);
}

}  // namespace
}  // namespace factory
