// What instances derive goes into the journal in entries of many, in order, once.
#include "actors/streams/derived_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <mutex>

#include "actors/engine/actor_runtime.hpp"
#include "actors/streams/limits.hpp"
#include "support/await.hpp"

namespace factory::test {
namespace {

/// A writer over a journal that commits when it is told to.
struct derived_writer_test : testing::Test {
  derived_writer_test() {
    for (auto& each : instances) each = std::make_shared<live_stream>();
  }
  expected<journal::ticket> write(reading_batch batch, journal::waker wake) {
    const std::lock_guard lock(mutex);
    if (refusing) return fail(errc::unavailable, "the disk is full");
    entries.push_back(std::move(batch));
    waiting = std::move(wake);
    return journal::ticket();
  }
  void put(std::size_t instance, std::vector<derived_reading> readings, std::shared_ptr<void> credit = {}) {
    const auto& by = instances.at(instance);
    writer.put({by, {}, by->handed.fetch_add(1) + 1, std::move(readings), {std::move(credit)}});
  }
  std::size_t entry_count() {
    const std::lock_guard lock(mutex);
    return entries.size();
  }
  void await_entries(std::size_t count) {
    await([&] { return entry_count() == count; }, "an entry");
  }
  void commit() {
    journal::waker woken;
    {
      const std::lock_guard lock(mutex);
      woken = std::exchange(waiting, nullptr);
    }
    (*woken)();
  }

  std::mutex mutex;
  std::vector<reading_batch> entries;
  journal::waker waiting;
  bool refusing = false;
  std::array<std::shared_ptr<live_stream>, 3> instances;
  actor_runtime runtime{2};
  derived_writer writer{runtime.system(),
                        [this](reading_batch batch, journal::waker wake) { return write(std::move(batch), std::move(wake)); }};
};

TEST_F(derived_writer_test, what_many_instances_derive_while_an_entry_is_under_way_is_the_next_entry) {
  put(0, {{9, 1, 1.0}});
  await_entries(1);
  put(0, {{9, 2, 2.0}, {9, 3, 3.0}});
  put(1, {{7, 2, 7.0}});
  put(0, {{9, 2, 20.0, flag_excluded}});
  put(2, {{8, 5, 8.0}});
  EXPECT_EQ(entry_count(), 1U);
  EXPECT_EQ(instances[0]->written.load(), 0U);
  commit();
  await_entries(2);
  EXPECT_EQ(instances[0]->written.load(), 1U);
  const auto& batch = entries[1];
  ASSERT_EQ(batch.slices.size(), 3U);
  EXPECT_EQ(batch.slices[0].sensor, 7U);
  EXPECT_EQ(batch.slices[2].sensor, 9U);
  EXPECT_EQ(batch.slices[2].end - batch.slices[2].begin, 2U);
  EXPECT_EQ(batch.event_time_us, (std::vector<std::int64_t>{2, 5, 2, 3}));
  EXPECT_EQ(batch.value, (std::vector<double>{7.0, 8.0, 20.0, 3.0}));
  EXPECT_EQ(batch.flags, (std::vector<std::uint8_t>{0, 0, flag_excluded, 0}));
  commit();
  await([&] { return writer.count().waiting == 0; }, "the commit");
  EXPECT_EQ(instances[0]->written.load(), 3U);
  EXPECT_EQ(instances[1]->written.load(), 1U);
  EXPECT_EQ(writer.count().entries, 2U);
  EXPECT_EQ(writer.count().hand_overs, 5U);
}

TEST_F(derived_writer_test, credits_are_held_until_the_commit) {
  const auto credit = std::make_shared<int>();
  put(0, {{9, 1, 1.0}}, credit);
  await_entries(1);
  EXPECT_EQ(credit.use_count(), 2);
  commit();
  await([&] { return credit.use_count() == 1; }, "the credit");
}

TEST_F(derived_writer_test, what_is_refused_is_written_again) {
  {
    const std::lock_guard lock(mutex);
    refusing = true;
  }
  put(0, {{9, 1, 1.0}});
  put(0, {{9, 1, 2.0}});
  {
    const std::lock_guard lock(mutex);
    refusing = false;
  }
  await([&] { return entry_count() > 0; }, "the entry");
  commit();
  await(
      [&] {
        if (writer.count().waiting == 0) return true;
        const std::lock_guard lock(mutex);
        return waiting != nullptr;
      },
      "the second");
  if (writer.count().waiting != 0) commit();
  await([&] { return writer.count().waiting == 0; }, "the commit");
  EXPECT_EQ(entries.back().value, std::vector<double>{2.0});
  EXPECT_EQ(instances[0]->written.load(), 2U);
}

TEST_F(derived_writer_test, an_ended_instance_writes_nothing_more) {
  put(0, {{9, 1, 1.0}});
  await_entries(1);
  put(0, {{9, 2, 2.0}});
  put(1, {{7, 2, 7.0}});
  instances[0]->is_over = true;
  commit();
  await_entries(2);
  EXPECT_EQ(entries[1].value, std::vector<double>{7.0});
  commit();
  await([&] { return writer.count().waiting == 0; }, "the commit");
}

TEST_F(derived_writer_test, there_is_room_up_to_the_limit) {
  put(0, {{9, 0, 1.0}});
  await_entries(1);
  EXPECT_TRUE(writer.has_room());
  std::vector<derived_reading> many;
  for (std::size_t i = 0; i < limits::derived_readings_waiting; ++i) many.push_back({9, static_cast<std::int64_t>(i), 1.0});
  put(1, std::move(many));
  EXPECT_FALSE(writer.has_room());
}

}  // namespace
}  // namespace factory::test
