#include "storage/catalog/catalog.hpp"

#include "storage/base/rocks.hpp"
#include "storage/support/catalog_entries.hpp"
#include "storage/support/catalog_fixture.hpp"

#include "pipelines/model/limits.hpp"
#include "storage/base/limits.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "storage/catalog/catalog_records.hpp"

namespace factory {
namespace {

using namespace test;

TEST(catalog, ids_rise_from_one_and_the_time_of_creation_is_given) {
  catalog_fixture it;
  const auto created =
      it.create<factory_entry>({{.id = 77, .name = "A", .location = "", .created_at_us = 5}, a_factory("B")}, 1000);
  ASSERT_EQ(created.size(), 2U);
  EXPECT_EQ(created[0].id, 1U);
  EXPECT_EQ(created[0].created_at_us, 1000);
  EXPECT_EQ(created[1].id, 2U);
  EXPECT_EQ(it.entities().find_factory(2)->name, "B");
  EXPECT_EQ(it.entities().find_factory(3).error().code, errc::not_found);
  EXPECT_EQ(it.entities().find_factory(3).error().message, "Factory not found");
  EXPECT_EQ(it.entities().find_machine(1).error().message, "Machine not found");
  EXPECT_EQ(it.entities().find_sensor(1).error().message, "Sensor not found");
  EXPECT_EQ(it.entities().find_rule(1).error().message, "Rule not found");
}

TEST(catalog, names_lose_the_blanks_at_their_ends) {
  catalog_fixture it;
  const auto created = it.create<factory_entry>({a_factory(" North \t")}, 1000);
  EXPECT_EQ(created.at(0).name, "North");
  EXPECT_EQ(it.entities().stage_create(std::vector{a_factory("North ")}, 1000).error().code, errc::conflict);
  EXPECT_EQ(it.entities().stage_create(std::vector{a_factory(" \n")}, 1000).error().message, "name: must not be empty.");
  auto renamed = created.at(0);
  renamed.name = "South ";
  it.update(renamed);
  EXPECT_EQ(it.entities().find_factory(1)->name, "South");
}

TEST(catalog, everything_is_there_after_a_restart) {
  catalog_fixture it;
  it.seed(3);
  auto sensor = *it.entities().find_sensor(2);
  sensor.thresholds = {-0.0, 90.5};
  sensor.unit =
      "\xc2\xb0"
      "C";
  it.update(sensor);
  auto machine = *it.entities().find_machine(1);
  machine.status = machine_status::maintenance;
  it.update(machine);
  it.create<alert_rule>({a_rule(2), a_rule(3, 1e300)});
  const auto version = it.entities().version();
  it.reopen();
  EXPECT_EQ(it.entities().version(), version);
  EXPECT_EQ(it.entities().factories().size(), 1U);
  EXPECT_EQ(it.entities().factories()[0].location, "Ulm");
  EXPECT_EQ(it.entities().machines()[0].status, machine_status::maintenance);
  const auto back = *it.entities().find_sensor(2);
  EXPECT_EQ(back.unit, sensor.unit);
  EXPECT_TRUE(std::signbit(*back.thresholds.min));
  EXPECT_EQ(back.thresholds.max, 90.5);
  EXPECT_EQ(back.created_at_us, sensor.created_at_us);
  EXPECT_FALSE(it.entities().find_sensor(1)->thresholds.configured());
  EXPECT_EQ(it.entities().config_of(3).rules.at(0)->high, 1e300);
  EXPECT_TRUE(it.entities().known_sensors()->contains(3));
  EXPECT_FALSE(it.entities().known_sensors()->contains(4));
}

TEST(catalog, an_id_is_never_used_again) {
  catalog_fixture it;
  it.seed(2);
  it.create<alert_rule>({a_rule(1)});
  it.put(*it.entities().stage_delete_sensor(2));
  it.put(*it.entities().stage_delete_rule(1));
  EXPECT_EQ(it.create<sensor_entry>({a_sensor(1, "s2")})[0].id, 3U);
  it.put(*it.entities().stage_delete_sensor(3));
  it.reopen();
  EXPECT_EQ(it.create<sensor_entry>({a_sensor(1, "s2")})[0].id, 4U);
  EXPECT_EQ(it.create<alert_rule>({a_rule(1)})[0].id, 2U);
}

TEST(catalog, members_are_checked) {
  catalog_fixture it;
  it.seed(1);
  const double infinite = std::numeric_limits<double>::infinity();
  const auto sensor = [](std::string name, std::string unit, threshold_range thresholds, machine_id on = 1) {
    return sensor_entry{
        .id = 0, .machine = on, .name = std::move(name), .unit = std::move(unit), .thresholds = thresholds, .created_at_us = 0};
  };
  struct row {
    const char* what;
    sensor_entry entry;
    std::string field;
    errc code;
  };
  const std::vector<row> table{
      {"empty name", sensor("", "", {}), "name", errc::invalid},
      {"long name", sensor(std::string(limits::name_bytes + 1, 'x'), "", {}), "name", errc::invalid},
      {"name cut inside a character", sensor("a\xc2", "", {}), "name", errc::invalid},
      {"overlong encoding", sensor("\xc0\xaf", "", {}), "name", errc::invalid},
      {"surrogate", sensor("\xed\xa0\x80", "", {}), "name", errc::invalid},
      {"beyond U+10FFFF", sensor("\xf4\x90\x80\x80", "", {}), "name", errc::invalid},
      {"NUL in the name", sensor(std::string("a\0b", 3), "", {}), "name", errc::invalid},
      {"long unit", sensor("a", std::string(limits::name_bytes + 1, 'x'), {}), "unit", errc::invalid},
      {"min above max", sensor("a", "", {2.0, 1.0}), "min_threshold", errc::invalid},
      {"infinite max", sensor("a", "", {{}, infinite}), "max_threshold", errc::invalid},
      {"NaN min", sensor("a", "", {std::nan(""), {}}), "min_threshold", errc::invalid},
      {"no such machine", sensor("a", "", {}, 9), "machine_id", errc::invalid},
      {"name taken", sensor("s1", "", {}), "name", errc::conflict},
  };
  for (const row& r : table) {
    const auto refused = it.entities().stage_create(std::vector{r.entry}, 0);
    ASSERT_FALSE(refused) << r.what;
    EXPECT_EQ(refused.error().code, r.code) << r.what;
    EXPECT_EQ(refused.error().field, r.field) << r.what;
    sensor_entry update = r.entry;
    if (r.code == errc::conflict) it.create<sensor_entry>({a_sensor(1, "other")});
    update.id = r.code == errc::conflict ? 2 : 1;
    const auto not_updated = it.entities().stage_update(update);
    ASSERT_FALSE(not_updated) << r.what;
    EXPECT_EQ(not_updated.error().code, r.code) << r.what;
    EXPECT_EQ(not_updated.error().field, r.field) << r.what;
  }
  for (const sensor_entry& good :
       {sensor(std::string(limits::name_bytes, 'x'), "", {}), sensor("\xf4\x8f\xbf\xbf", "", {1.0, 1.0})}) {
    EXPECT_TRUE(it.entities().stage_create(std::vector{good}, 0));
  }
}

TEST(catalog, a_control_character_in_a_name_is_called_that) {
  catalog_fixture it;
  it.seed(1);
  for (const std::string& name : {std::string("a\0b", 3), std::string("a\tb"), std::string("a\nb"), std::string("\x1b[2J"),
                                  std::string("a\x7f"), std::string("a\xc2\x85")}) {
    const auto refused = it.entities().stage_create(std::vector{a_sensor(1, name)}, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().field, "name");
    EXPECT_NE(refused.error().message.find("control character"), std::string::npos) << refused.error().message;
  }
  EXPECT_TRUE(it.entities().stage_create(std::vector{a_sensor(1,
                                                              "\xc2\xb0"
                                                              "C outside")},
                                         0));
}

TEST(catalog, names_are_unique_within_their_parent_only) {
  catalog_fixture it;
  it.create<factory_entry>({a_factory("A"), a_factory("B")});
  EXPECT_EQ(it.entities().stage_create(std::vector{a_factory("A")}, 0).error().code, errc::conflict);
  it.create<machine_entry>({a_machine(1, "Press"), a_machine(2, "Press")});
  EXPECT_EQ(it.entities().stage_create(std::vector{a_machine(2, "Press")}, 0).error().code, errc::conflict);
  it.create<sensor_entry>({a_sensor(1, "t"), a_sensor(2, "t")});
  auto moved = *it.entities().find_machine(1);
  moved.factory = 2;
  EXPECT_EQ(it.entities().stage_update(moved).error().code, errc::conflict);
  auto renamed = *it.entities().find_factory(1);
  renamed.name = "C";
  it.update(renamed);
  it.create<factory_entry>({a_factory("A")});  // the old name is free again
  EXPECT_EQ(it.entities().stage_create(std::vector{a_factory("C")}, 0).error().code, errc::conflict);
}

TEST(catalog, an_array_is_all_or_nothing_and_names_the_rows_at_fault) {
  catalog_fixture it;
  it.seed(1);
  const auto refused =
      it.entities().stage_create(std::vector{a_sensor(1, "ok"), a_sensor(5, "x"), a_sensor(1, "ok"), a_sensor(1, "")}, 0);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().rows.size(), 3U);
  EXPECT_EQ(refused.error().rows[0].index, 1U);
  EXPECT_EQ(refused.error().rows[0].field, "machine_id");
  EXPECT_EQ(refused.error().rows[1].index, 2U);
  EXPECT_EQ(refused.error().rows[2].index, 3U);
  EXPECT_EQ(it.entities().sensors().size(), 1U);
  std::vector<sensor_entry> many(limits::row_errors_per_answer + 50, a_sensor(1, ""));
  EXPECT_EQ(it.entities().stage_create(many, 0).error().rows.size(), limits::row_errors_per_answer);
}

TEST(catalog, what_others_belong_to_stays) {
  catalog_fixture it;
  it.seed(1);
  it.create<alert_rule>({a_rule(1)});
  EXPECT_EQ(it.entities().stage_delete_factory(1).error().code, errc::conflict);
  EXPECT_EQ(it.entities().stage_delete_machine(1).error().code, errc::conflict);
  EXPECT_EQ(it.entities().stage_delete_factory(9).error().code, errc::not_found);
  EXPECT_EQ(it.entities().stage_delete_machine(9).error().code, errc::not_found);
  EXPECT_EQ(it.entities().stage_delete_sensor(9).error().code, errc::not_found);
  EXPECT_EQ(it.entities().stage_delete_rule(9).error().code, errc::not_found);
  it.put(*it.entities().stage_delete_sensor(1));
  EXPECT_TRUE(it.entities().rules().empty());
  it.put(*it.entities().stage_delete_machine(1));
  it.put(*it.entities().stage_delete_factory(1));
  it.reopen();
  EXPECT_TRUE(it.entities().factories().empty());
  EXPECT_TRUE(it.entities().sensors().empty());
  EXPECT_TRUE(it.entities().rules().empty());
  EXPECT_FALSE(it.entities().known_sensors()->contains(1));
}

TEST(catalog, sensors_learn_what_concerns_them_and_nothing_else) {
  catalog_fixture it;
  it.seed(0);
  auto created = *it.entities().stage_create(std::vector{a_sensor(1, "a"), a_sensor(1, "b")}, 0);
  ASSERT_EQ(created.change.config.configs.size(), 2U);
  EXPECT_EQ(created.change.config.configs[1].sensor, 2U);
  it.put(std::move(created.change));

  auto sensor = *it.entities().find_sensor(1);
  sensor.name = "renamed";
  auto renamed = *it.entities().stage_update(sensor);
  EXPECT_TRUE(renamed.config.configs.empty());
  it.put(std::move(renamed));
  sensor.thresholds.max = 80;
  auto limited = *it.entities().stage_update(sensor);
  ASSERT_EQ(limited.config.configs.size(), 1U);
  EXPECT_EQ(limited.config.configs[0].thresholds.max, 80);
  it.put(std::move(limited));

  auto ruled = *it.entities().stage_create(std::vector{a_rule(1, 70), a_rule(2), a_rule(1, 60)}, 0);
  ASSERT_EQ(ruled.change.config.configs.size(), 2U);
  EXPECT_EQ(ruled.change.config.configs[0].sensor, 1U);
  EXPECT_EQ(ruled.change.config.configs[0].rules.size(), 2U);
  EXPECT_EQ(ruled.change.config.configs[0].thresholds.max, 80);
  it.put(std::move(ruled.change));

  auto rule = *it.entities().find_rule(3);
  rule.sensor = 2;
  auto moved = *it.entities().stage_update(rule);
  ASSERT_EQ(moved.config.configs.size(), 2U);
  EXPECT_EQ(moved.config.configs[0].rules.size(), 1U);
  EXPECT_EQ(moved.config.configs[1].rules.size(), 2U);
  it.put(std::move(moved));
  EXPECT_EQ(it.entities().config_of(2).rules.size(), 2U);

  auto gone = *it.entities().stage_delete_rule(2);
  ASSERT_EQ(gone.config.configs.size(), 1U);
  EXPECT_EQ(gone.config.configs[0].rules.size(), 1U);
  it.put(std::move(gone));
  const auto removed = *it.entities().stage_delete_sensor(2);
  EXPECT_EQ(removed.config.removed, std::vector<sensor_id>{2});
}

TEST(catalog, a_dropped_change_leaves_nothing_behind) {
  catalog_fixture it;
  it.seed(1);
  const auto version = it.entities().version();
  { const auto dropped = it.entities().stage_create(std::vector{a_factory("B")}, 0); }
  EXPECT_EQ(it.entities().factories().size(), 1U);
  EXPECT_EQ(it.entities().version(), version);
  EXPECT_EQ(it.create<factory_entry>({a_factory("B")})[0].id, 2U);  // its id was not given away
}

TEST(catalog, only_one_change_is_staged_at_a_time) {
  catalog_fixture it;
  std::optional<catalog::staged_entries<factory_entry>> first = *it.entities().stage_create(std::vector{a_factory("A")}, 0);
  std::atomic<bool> second_refused{false};
  std::thread second([&] { second_refused = !it.entities().stage_create(std::vector{a_factory("A")}, 0); });
  EXPECT_TRUE(it.entities().factories().empty());  // reading goes on meanwhile
  it.put(std::move(first->change));
  second.join();
  EXPECT_TRUE(second_refused);
}

TEST(catalog, a_copy_is_told_exactly_what_it_lacks) {
  catalog_fixture it;
  it.seed(3);
  const auto version = it.entities().version();
  EXPECT_TRUE(it.entities().changes_since(version).sensors.empty());
  auto sensor = *it.entities().find_sensor(2);
  sensor.unit = "bar";
  it.update(sensor);
  it.create<alert_rule>({a_rule(1)});
  it.put(*it.entities().stage_delete_sensor(3));
  const auto delta = it.entities().changes_since(version);
  EXPECT_FALSE(delta.complete);
  EXPECT_EQ(delta.version, it.entities().version());
  ASSERT_EQ(delta.sensors.size(), 1U);
  EXPECT_EQ(delta.sensors[0].unit, "bar");
  EXPECT_EQ(delta.rules.size(), 1U);
  EXPECT_EQ(delta.removed_sensors, std::vector<sensor_id>{3});
  it.reopen();
  EXPECT_TRUE(it.entities().changes_since(version).complete);
  EXPECT_EQ(it.entities().changes_since(version).sensors.size(), 2U);
  EXPECT_FALSE(it.entities().changes_since(it.entities().version()).complete);
  EXPECT_TRUE(it.entities().changes_since(it.entities().version() + 1).complete);  // a copy of another catalog
}

TEST(catalog, a_hundred_thousand_sensors_come_in_one_array) {
  catalog_fixture it;
  it.seed(100'000);
  EXPECT_EQ(it.entities().sensors(1).size(), 100'000U);
  EXPECT_TRUE(it.entities().known_sensors()->contains(100'000));
  EXPECT_TRUE(it.entities().changes_since(2).complete);
  it.reopen();
  EXPECT_EQ(it.entities().find_sensor(100'000)->name, "s100000");
  EXPECT_EQ(it.entities().stage_create(std::vector<sensor_entry>(limits::entities_per_body + 1), 0).error().code,
            errc::too_large);
}

TEST(catalog, retention_is_the_sensors_own_else_its_machines_else_its_factorys) {
  catalog_fixture it;
  it.seed(1);
  EXPECT_EQ(it.entities().retention_of(1), std::nullopt);
  auto plant = *it.entities().find_factory(1);
  auto machine = *it.entities().find_machine(1);
  auto sensor = *it.entities().find_sensor(1);
  plant.retention = 400;
  it.update(plant);
  EXPECT_EQ(it.entities().retention_of(1), 400U);
  machine.retention = 30;
  it.update(machine);
  EXPECT_EQ(it.entities().retention_of(1), 30U);
  sensor.retention = 0;
  it.update(sensor);
  it.reopen();
  EXPECT_EQ(it.entities().retention_of(1), 0U);
  sensor.retention.reset();
  it.update(sensor);
  EXPECT_EQ(it.entities().retention_of(1), 30U);
  EXPECT_EQ(it.entities().retention_of(2), std::nullopt);
  machine.retention = 0;
  it.update(machine);
  EXPECT_EQ(it.entities().retention_of(1), 0U) << "for ever, whatever its factory says";
  sensor.retention = limits::retention_days + 1;
  EXPECT_EQ(it.entities().stage_update(sensor).error().field, "retention_days");
}

/// Bytes as the first version of the program wrote them.
TEST(catalog, records_of_version_1_are_read_and_inherit_their_retention) {
  using namespace std::string_literals;
  catalog_fixture it;
  ASSERT_TRUE(test::commit(it.db(), {{"f\0\0\0\x01"s, "\x01\x01\x05Plant\x03Ulm\x90\x03"s},
                                     {"m\0\0\0\x02"s, "\x01\x02\x01\x05Press\x05press\x01\x92\x03"s},
                                     {"s\0\0\0\x03"s,
                                      "\x01\x03\x02\x04"
                                      "Heat\x01"
                                      "C\0\x01\0\0\0\0\0\0\x54\x40\x94\x03"s},
                                     {"nf"s, "\x02"s},
                                     {"nm"s, "\x03"s},
                                     {"ns"s, "\x04"s},
                                     {"v"s, "\x07"s}}));
  it.reopen();
  EXPECT_EQ(it.entities().find_factory(1)->location, "Ulm");
  EXPECT_EQ(it.entities().find_machine(2)->status, machine_status::maintenance);
  const auto sensor = *it.entities().find_sensor(3);
  EXPECT_EQ(sensor.thresholds, (threshold_range{std::nullopt, 80.0}));
  EXPECT_EQ(sensor.created_at_us, 202);
  EXPECT_EQ(sensor.retention, std::nullopt);
  it.update(sensor);  // in the version of today, and what it belongs to as it was
  it.reopen();
  EXPECT_EQ(it.entities().find_sensor(3)->created_at_us, 202);
}

TEST(catalog, a_damaged_record_is_found_at_load) {
  catalog_fixture it;
  it.seed(1);
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"s\x01\x02\x03\x04", "garbage"}, {"z", ""}, {"", ""}, {"nf", "\x80"}}) {
    ASSERT_TRUE(test::commit(it.db(), {{key, value}}));
    catalog fresh(it.db());
    const auto loaded = fresh.load();
    ASSERT_FALSE(loaded) << key;
    EXPECT_EQ(loaded.error().code, errc::corrupt);
    ASSERT_TRUE(test::commit(it.db(), {{key, std::nullopt}}));
  }
}

TEST(catalog_changes, are_applied_on_any_thread_and_the_next_one_waits_for_that) {
  catalog_fixture plant;
  auto staged = plant.entities().stage_create(std::vector{a_factory("one")}, 1).value();
  std::thread committer(
      [&, change = std::make_shared<catalog_change>(std::move(staged.change))] { plant.entities().apply(std::move(*change)); });
  const auto next = plant.entities().stage_create(std::vector{a_factory("two")}, 1);
  committer.join();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->entries.front().id, 2U);
}

}  // namespace
}  // namespace factory
