// Entries that wait in line while the actors are busy: a query still sees them, and short entries of other sensors overtake them.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <utility>
#include <vector>

#include "actors/engine/limits.hpp"
#include "actors/support/population.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::uint64_t entry_count = limits::groups_under_way + 2;
constexpr sensor_id wide = limits::overtaking_readings + 1;

/// Both of CAF's threads are held up, and entries of sensor 3 and some more come meanwhile: some in their mailboxes, the rest in line.
struct line_test : testing::Test {
  line_test() {
    plant.commit({1, {{}, 90.0}, {}});
    plant.view(1);
    for (int worker = 1; worker <= 2; ++worker) {
      plant.runtime.system().spawn(  // with an argument: see deterministic.hpp
          [](caf::event_based_actor*, line_test* test) {
            test->held.fetch_add(1);
            test->free_again.wait();
          },
          this);
      running_population::await([&] { return held.load() == worker; });
    }
    for (std::size_t i = 0; i < entry_count; ++i)
      plant.commit(wide_batch(3, wide, ten_us + static_cast<std::int64_t>(i) * second_us, 20), ten_us + 1'000 * second_us);
  }
  ~line_test() override { release(); }
  void release() {
    if (!std::exchange(free, true)) released.set_value();
  }

  std::promise<void> released;
  std::shared_future<void> free_again = released.get_future().share();
  std::atomic<int> held{0};
  bool free = false;
  running_population plant{50, 2};
};

TEST_F(line_test, a_query_finds_what_was_acknowledged_before_it_although_it_waited) {
  auto asked = plant.sensors->ask(3, {}, view_more::status).value();
  release();
  EXPECT_EQ(asked.wait_for(60'000)->status->accepted, entry_count);
}

TEST_F(line_test, a_checkpoint_stores_the_states_behind_all_that_it_lets_the_journal_forget) {
  const auto target = plant.sensors->pass_on();
  EXPECT_EQ(target, plant.entries.last_sequence());
  auto stored = std::async(std::launch::async, [&] { return plant.sensors->persist_all(60'000); });
  release();
  ASSERT_TRUE(stored.get());
  plant.settle();
  EXPECT_EQ(plant.states.get(3).value()->applied_sequence, target);
}

TEST_F(line_test, new_limits_come_behind_the_readings_that_were_committed_before_them) {
  plant.commit({3, {{}, 10.0}, {}});
  release();
  plant.settle();
  EXPECT_EQ(plant.view(3).status->accepted, entry_count);
  EXPECT_EQ(plant.events.count().alerts, 0U) << "the readings of sensor 3 came before its limits";
}

TEST_F(line_test, a_reading_of_another_sensor_is_an_alert_before_they_are_taken_in) {
  plant.commit(1, {{ten_us, 95}}, ten_us);
  running_population::await([&] { return plant.events.count().alerts == 1; });
  EXPECT_EQ(plant.sensors->counts().processed_readings(), 1U);
}

TEST_F(line_test, a_reading_of_one_of_their_sensors_waits_with_them) {
  plant.commit(3, {{ten_us + 500 * second_us, 20}}, ten_us + 1'000 * second_us);
  EXPECT_EQ(plant.sensors->counts().processed_readings(), 0U);
  release();
  plant.settle();
  EXPECT_EQ(plant.view(3).status->accepted, entry_count + 1);
  EXPECT_EQ(plant.view(3).status->out_of_order, 0U);
}

/// As at a stop that ends before everything is processed.
TEST_F(line_test, what_is_in_mailboxes_when_the_population_ends_counts_itself_out) {
  plant.sensors.reset();
  EXPECT_FALSE(plant.counts.readings.idle());
  release();
  running_population::await([&] { return plant.counts.readings.idle(); });
}

TEST_F(line_test, only_some_of_a_commit_group_overtake_them) {
  std::vector<journal_entry> group;
  std::vector<const journal_entry*> pointers;
  for (sensor_id id = 3 + wide; id < 3 + wide + limits::overtaking_entries + 2; ++id)
    group.push_back({plant.entries.last_sequence() + id, ten_us, batch_of(id, calm(0, 1)), nullptr, nullptr});
  for (const auto& each : group) pointers.push_back(&each);
  plant.sensors->dispatch(pointers, nullptr);
  EXPECT_EQ(plant.sensors->counts().processed_readings(), limits::overtaking_entries);
  release();
  plant.settle();
  EXPECT_EQ(plant.sensors->counts().processed_readings(), entry_count * wide + group.size());
}

}  // namespace
}  // namespace factory::test
