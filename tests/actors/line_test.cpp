// Entries that wait in line while the actors are busy: who asks finds them.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <utility>

#include "actors/support/population.hpp"
#include "pipelines/limits.hpp"

namespace factory::test {
namespace {

constexpr std::uint64_t entry_count = limits::groups_under_way + 2;

/// Both of CAF's threads are held up by what sensors 1 and 2 found, and the entries of sensor 3 come meanwhile: some in its mailbox,
/// the rest in line.
struct line_test : testing::Test {
  line_test() {
    plant.before_events = [this] {
      held.fetch_add(1);
      free_again.wait();
    };
    for (sensor_id id = 1; id <= 2; ++id) {
      plant.commit({id, {{}, 90.0}, {}});
      plant.commit(id, {{noon_us, 95}}, noon_us);
      running_population::await([&] { return held.load() == static_cast<int>(id); });
    }
    for (std::size_t i = 0; i < entry_count; ++i) plant.commit(3, calm(i, 1), noon_us + 1'000 * second_us);
  }
  ~line_test() override { release(); }
  void release() {
    if (!std::exchange(free, true)) released.set_value();
  }

  std::promise<void> released;
  std::shared_future<void> free_again = released.get_future().share();
  std::atomic<int> held{0};
  bool free = false;
  running_population plant{3, 2};
};

TEST_F(line_test, a_query_finds_what_was_acknowledged_before_it_although_it_waited) {
  auto asked = plant.sensors->ask(3, {}, true).value();
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
  EXPECT_EQ(plant.events.count().alerts, 2U) << "the readings of sensor 3 came before its limits";
}

}  // namespace
}  // namespace factory::test
