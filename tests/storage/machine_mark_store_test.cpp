#include "storage/streams/machine_mark_store.hpp"

#include "pipelines/machine/limits.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/streams/machine_watch_store.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <numeric>
#include <string>

namespace factory {
namespace {

constexpr stream_key of_press{machine_watches, 2, 7};

struct machine_marks : testing::Test {
  void write(const stream_key& key, std::int64_t place, std::string judge) {
    writer.write(saved_mark{key, {place, std::move(judge)}});
    std::promise<void> reached;
    writer.barrier([&] { reached.set_value(); });
    reached.get_future().wait();
  }
  std::string newest_until(std::int64_t place, const stream_key& key = of_press) {
    const auto found = store.newest_until(key, place).value();
    return found ? found->judge + "@" + std::to_string(found->place) : "none";
  }
  std::size_t count() {
    std::size_t all = 0;
    for (auto place = INT64_MAX;; ++all) {
      const auto found = store.newest_until(of_press, place).value();
      if (!found) return all;
      place = found->place - 1;
    }
  }

  test::temporary_directory directory;
  std::unique_ptr<database> db = database::open(directory.path(), {}).value();
  event_log events{*db};
  store_writer writer{*db, events};
  machine_mark_store store{*db};

  void SetUp() override { writer.start(); }
};

TEST_F(machine_marks, the_newest_up_to_a_place_is_found_of_that_watch_alone) {
  write(of_press, -5, "a");
  write(of_press, 10, "b");
  write({machine_watches, 1, 7}, 3, "of an earlier watch");
  write({machine_watches, 2, 6}, 20, "of another machine");
  EXPECT_EQ(newest_until(INT64_MAX), "b@10");
  EXPECT_EQ(newest_until(10), "b@10");
  EXPECT_EQ(newest_until(9), "a@-5");
  EXPECT_EQ(newest_until(-6), "none");
}

TEST_F(machine_marks, one_that_comes_again_after_a_crash_stands_for_those_behind_it) {
  write(of_press, 10, "a");
  write(of_press, 20, "b");
  write(of_press, 15, "c");
  EXPECT_EQ(newest_until(INT64_MAX), "c@15");
  EXPECT_EQ(newest_until(14), "a@10");
}

TEST_F(machine_marks, those_behind_a_change_are_replaced) {
  for (std::int64_t place = 10; place <= 50; place += 10) write(of_press, place, "old");
  ASSERT_TRUE(store.replace(of_press, 20, {{35, "new"}, {60, "new"}}));
  EXPECT_EQ(newest_until(INT64_MAX), "new@60");
  EXPECT_EQ(newest_until(59), "new@35");
  EXPECT_EQ(newest_until(34), "old@20");
  ASSERT_TRUE(store.replace(of_press, 9, {}));
  EXPECT_EQ(count(), 0U);
}

TEST_F(machine_marks, only_so_many_are_kept_the_first_the_last_and_the_new_ones_close) {
  for (std::int64_t place = 1; place <= 500; ++place) write(of_press, place, "x");
  EXPECT_EQ(count(), limits::watch_marks);
  EXPECT_EQ(newest_until(INT64_MAX), "x@500");
  EXPECT_EQ(newest_until(499), "x@499");
  EXPECT_EQ(newest_until(1), "x@1");
  std::int64_t gap_of_newest = 0, gap_of_oldest = 0, place = 500;
  for (std::size_t i = 0; i < limits::watch_marks - 1; ++i) {
    const auto before = store.newest_until(of_press, place - 1).value()->place;
    (i < 4 ? gap_of_newest : gap_of_oldest) = std::max(i < 4 ? gap_of_newest : gap_of_oldest, place - before);
    EXPECT_LE(place - before, 2 + (500 - before) / 3) << "never far for its age, at " << place;
    place = before;
  }
  EXPECT_LE(gap_of_newest, 4);
  EXPECT_GT(gap_of_oldest, 20);
}

TEST_F(machine_marks, as_many_in_one_go_leave_the_same_number) {
  std::vector<machine_mark> all;
  for (std::int64_t place = 1; place <= 200; ++place) all.push_back({place, "y"});
  ASSERT_TRUE(store.replace(of_press, 0, all));
  EXPECT_EQ(count(), limits::watch_marks);
}

TEST_F(machine_marks, those_of_watches_that_are_gone_go) {
  write(of_press, 1, "a");
  write({machine_watches, 1, 7}, 3, "b");
  ASSERT_TRUE(store.keep_only([](const stream_key& key) { return key == of_press; }));
  EXPECT_EQ(newest_until(INT64_MAX), "a@1");
  EXPECT_EQ(newest_until(INT64_MAX, {machine_watches, 1, 7}), "none");
}

TEST(machine_watch_store, records_of_older_versions_read_as_what_they_were) {
  const machine_watch_entry entry{7, 3, 20, {1, 2}, 0.5, 40};
  for (const int version : {3, 2, 1}) {
    const test::temporary_directory directory;
    auto db = database::open(directory.path(), {}).value();
    journal entries(*db);
    entries.start([](auto) {});
    auto write = machine_watch_store::write_of(entry);
    auto& bytes = write.second.value();
    bytes.front() = static_cast<char>(version);
    if (version < 3) bytes.pop_back();                // since event
    if (version < 2) bytes.resize(bytes.size() - 8);  // sensitivity
    journal_entry of;
    of.config = std::make_shared<const config_change>();
    ASSERT_TRUE(entries.append(std::move(of), durability::buffered, {write}));
    machine_watch_store store(*db);
    ASSERT_TRUE(store.load());
    auto expected = entry;
    if (version < 3) expected.since_event = 0;
    if (version < 2) expected.sensitivity = 1;
    EXPECT_EQ(store.find(7), expected) << version;
  }
}

}  // namespace
}  // namespace factory
