// Machines as entries of the catalog: whether they are in operation, and what their sensors learn of it.
#include "storage/catalog/catalog.hpp"

#include "storage/support/catalog_entries.hpp"
#include "storage/support/catalog_fixture.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/catalog/catalog_records.hpp"

namespace factory {
namespace {

using namespace test;

TEST(catalog, sensors_learn_whether_their_machine_is_in_operation) {
  catalog_fixture it;
  it.seed(2);
  auto machine = *it.entities().find_machine(1);
  machine.name = "renamed";
  EXPECT_TRUE(it.entities().stage_update(machine)->config.configs.empty());
  machine.status = machine_status::maintenance;
  auto stopped = *it.entities().stage_update(machine);
  ASSERT_EQ(stopped.config.configs.size(), 2U);
  EXPECT_TRUE(stopped.config.configs[1].suppressed);
  it.put(std::move(stopped));
  EXPECT_TRUE(it.entities().config_of(1).suppressed);
  machine.status = machine_status::offline;
  EXPECT_TRUE(it.entities().stage_update(machine)->config.configs.empty()) << "as quiet as before";
  auto created = *it.entities().stage_create(std::vector{a_sensor(1, "new")}, 0);
  EXPECT_TRUE(created.change.config.configs[0].suppressed);
  it.put(std::move(created.change));
  it.create<machine_entry>({a_machine(1, "running")});
  auto sensor = *it.entities().find_sensor(1);
  sensor.machine = 2;
  auto moved = *it.entities().stage_update(sensor);
  ASSERT_EQ(moved.config.configs.size(), 1U);
  EXPECT_FALSE(moved.config.configs[0].suppressed);
}

TEST(catalog, a_machine_that_stood_still_before_that_was_told_is_told_once) {
  using namespace std::string_literals;
  catalog_fixture it;
  it.seed(1);
  auto machine = *it.entities().find_machine(1);
  machine.status = machine_status::maintenance;
  it.update(machine);
  EXPECT_TRUE(it.entities().untold_machines().empty());
  auto old = encode(machine);
  old.pop_back();  // no settings: their number
  old.front() = 3;
  ASSERT_TRUE(test::commit(it.db(), {{"m\0\0\0\x01"s, old}}));
  it.reopen();
  EXPECT_EQ(it.entities().untold_machines(), std::vector<machine_id>{1});
  EXPECT_FALSE(it.entities().config_of(1).suppressed) << "as its sensor knows it";
  auto told = *it.entities().stage_update(*it.entities().find_machine(1));
  ASSERT_EQ(told.config.configs.size(), 1U);
  EXPECT_TRUE(told.config.configs[0].suppressed);
  it.put(std::move(told));
  EXPECT_TRUE(it.entities().untold_machines().empty());
  it.reopen();
  EXPECT_TRUE(it.entities().untold_machines().empty());
  EXPECT_TRUE(it.entities().config_of(1).suppressed);
}

TEST(catalog, the_texts_of_a_machine_status_are_fixed) {
  for (const auto status : {machine_status::operational, machine_status::maintenance, machine_status::offline}) {
    EXPECT_EQ(parse_machine_status(to_text(status)), status);
  }
  EXPECT_EQ(to_text(machine_status::operational), "OPERATIONAL");
  EXPECT_FALSE(parse_machine_status("operational"));
}

}  // namespace
}  // namespace factory
