// Commands of operators: journal entries that reach the actors of their sensor, and come to pass once.
#include "pipelines/command/command.hpp"

#include <gtest/gtest.h>

#include "actors/engine/engine.hpp"
#include "actors/support/population.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t commanded_us = ten_us + 1'000'000 * second_us;
const event_key breach_at_noon{1, ten_us, event_source::max_threshold, 0, event_kind::alert_raised};

journal_entry seen_by(std::string who, std::int64_t received_at_us = commanded_us) {
  auto command = std::make_shared<operator_command>();
  command->sensor = 1;
  command->who = std::move(who);
  command->what = acknowledge_alert{breach_at_noon, 95, 90, severity::medium, {}};
  journal_entry entry;
  entry.received_at_us = received_at_us;
  entry.command = std::move(command);
  return entry;
}

struct plant_with_a_breach {
  plant_with_a_breach() {
    plant.commit({1, {{}, 90.0}, {}});
    plant.commit(1, {{ten_us, 95}}, commanded_us);
  }
  std::optional<event> acknowledged() { return plant.events.find(breach_at_noon).value().value().acknowledged; }
  std::uint64_t count_of_events() { return plant.events.query({}).value().size(); }

  running_population plant{1};
};

TEST(acknowledgement, reaches_the_event_log_and_the_first_one_stays) {
  plant_with_a_breach it;
  it.plant.entries.append(seen_by("Ann", commanded_us + 1), durability::buffered).value();
  it.plant.entries.append(seen_by("Ben", commanded_us + 2), durability::buffered).value();
  ASSERT_TRUE(it.plant.sensors->settle(1, 60'000));
  ASSERT_TRUE(it.acknowledged());
  EXPECT_EQ(it.acknowledged()->who, "Ann");
  EXPECT_EQ(it.acknowledged()->recorded_at_us, commanded_us + 1);
  EXPECT_EQ(it.acknowledged()->value, 95);
  EXPECT_EQ(it.count_of_events(), 2U);
}

TEST(acknowledgement, is_there_once_when_its_sensor_or_its_shard_is_rebuilt) {
  plant_with_a_breach it;
  it.plant.fail(1);
  it.plant.entries.append(seen_by("Ann"), durability::buffered).value();
  it.plant.view(1);
  ASSERT_TRUE(it.plant.sensors->settle(1, 60'000));
  EXPECT_TRUE(it.acknowledged());
  it.plant.fail(1);
  it.plant.view(1);
  ASSERT_TRUE(it.plant.sensors->settle(1, 60'000));
  EXPECT_EQ(it.acknowledged()->who, "Ann");
  EXPECT_EQ(it.count_of_events(), 2U);
}

TEST(acknowledgement, of_a_sensor_without_an_actor_comes_to_pass) {
  plant_with_a_breach it;
  it.plant.view(1);
  ASSERT_TRUE(it.plant.sensors->retire(1, 60'000));
  it.plant.entries.append(seen_by("Ann"), durability::buffered).value();
  ASSERT_TRUE(it.plant.sensors->settle(1, 60'000));
  EXPECT_TRUE(it.acknowledged());
}

journal_entry shelved_by(std::string who, std::int64_t until_us) {
  auto command = std::make_shared<operator_command>();
  command->sensor = 1;
  command->who = std::move(who);
  limit_order order;
  order.what = limit_order::action::shelve;
  order.alert = breach_at_noon;
  order.until_us = until_us;
  command->what = order_limit{order};
  journal_entry entry;
  entry.received_at_us = commanded_us;
  entry.command = std::move(command);
  return entry;
}

TEST(shelving, is_there_once_when_its_sensor_is_rebuilt_and_ends_at_its_time_by_the_tick_behind_it) {
  plant_with_a_breach it;
  const auto alert = [&] { return it.plant.events.find(breach_at_noon).value().value(); };
  it.plant.entries.append(shelved_by("Ann", commanded_us + 5), durability::buffered).value();
  it.plant.fail(1);
  it.plant.view(1);
  ASSERT_TRUE(it.plant.sensors->settle(1, 60'000));
  EXPECT_EQ(state_of(alert()), alert_state::shelved);
  EXPECT_EQ(alert().repeated.at(0).who, "Ann");
  journal_entry tick;
  tick.tick = true;
  tick.received_at_us = commanded_us + 9;
  it.plant.entries.append(std::move(tick), durability::buffered).value();
  it.plant.fail(1);
  it.plant.view(1);
  it.plant.settle();
  EXPECT_EQ(state_of(alert()), alert_state::active_unacknowledged);
  ASSERT_EQ(it.count_of_events(), 3U);
  EXPECT_EQ(alert().repeated.at(1).at_us, commanded_us + 5);
}

/// An engine on a directory whose journal holds what nobody has taken in yet, as after a kill.
struct engine_after_a_kill : testing::Test {
  void open() {
    engine_config config;
    config.data_dir = directory.path();
    running = engine::open(config).value();
  }
  temporary_directory directory;
  std::unique_ptr<engine> running;
};

TEST_F(engine_after_a_kill, an_acknowledgement_that_is_only_in_the_journal_is_found_again) {
  open();
  running->create(std::vector{factory_entry{0, "works", "Ulm", 0}}).value();
  running->create(std::vector{machine_entry{0, 1, "mill", "CNC", {}, 0}}).value();
  running->create(std::vector{sensor_entry{0, 1, "s", "C", {{}, 90.0}, 0}}).value();
  ASSERT_TRUE(running->ingest(reading_batch(*batch_of(1, {{ten_us, 95}})), durability::fsync));
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(running->acknowledge({1, ten_us + 1, event_source::max_threshold, 0, event_kind::alert_raised}, "Ann").error().code,
            errc::not_found);
  running.reset();
  {
    auto db = database::open(directory.path(), {}).value();
    journal entries(*db);
    entries.start([](std::span<const journal_entry* const>) {});
    entries.append(seen_by("Ann"), durability::fsync).value();
  }
  open();
  EXPECT_EQ(running->acknowledge(breach_at_noon, "Ben")->acknowledged->who, "Ann");
  running.reset();
  open();
  EXPECT_EQ(running->events().query({})->size(), 2U);
}

}  // namespace
}  // namespace factory::test
