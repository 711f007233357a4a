// Time as the actors see it: which tick ends a wait follows from the entries alone.
#include "actors/flow/tick_book.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "actors/engine/limits.hpp"
#include "actors/engine/ticker.hpp"

namespace factory::test {
namespace {

struct tick_book_test : testing::Test {
  using told_tick = std::pair<sensor_id, tick>;
  std::vector<told_tick> told;
  tick_book book{[this](sensor_id sensor, const tick& at) { told.emplace_back(sensor, at); }};
};

TEST_F(tick_book_test, tells_who_waits_of_the_first_tick_that_is_late_enough_and_nobody_else) {
  book.wait(1, 5, 100);
  book.wait(2, 5, 200);
  EXPECT_EQ(book.due_us(), 100);
  book.put({6, 99});
  EXPECT_TRUE(told.empty());
  book.put({7, 100});
  EXPECT_EQ(told, (std::vector<told_tick>{{1, {7, 100}}}));
  book.put({8, 150});
  EXPECT_EQ(told.size(), 1U) << "a wish is fulfilled once";
  EXPECT_EQ(book.due_us(), 200);
}

TEST_F(tick_book_test, keeps_the_earliest_wish_of_a_sensor) {
  book.wait(1, 5, 100);
  book.wait(1, 6, 300);
  book.wait(1, 7, 50);
  EXPECT_EQ(book.waiting(), 1U);
  EXPECT_EQ(book.due_us(), 50);
  book.forget(1);
  EXPECT_EQ(book.due_us(), std::nullopt);
}

TEST_F(tick_book_test, tells_at_once_of_a_tick_that_was_committed_before_the_actor_came_to_wait_for_it) {
  book.put({7, 100});
  book.put({9, 200});
  book.wait(1, 8, 150);
  EXPECT_EQ(told, (std::vector<told_tick>{{1, {9, 200}}}));
  book.wait(1, 9, 150);
  EXPECT_EQ(told.size(), 1U) << "of later ones only";
}

TEST_F(tick_book_test, finds_the_first_tick_between_two_entries) {
  for (const tick& each : {tick{3, 10}, {5, 20}, {8, 15}, {9, 30}}) book.put(each);
  EXPECT_EQ(book.first(3, 9, 12), (tick{5, 20}));
  EXPECT_EQ(book.first(5, 9, 12), (tick{8, 15}));
  EXPECT_EQ(book.first(5, 9, 16), std::nullopt);
  EXPECT_EQ(book.first(5, 10, 16), (tick{9, 30}));
}

TEST_F(tick_book_test, forgets_when_nothing_is_under_way_and_is_bounded) {
  book.put({3, 10});
  book.forget_when([] { return false; });
  EXPECT_EQ(book.size(), 1U);
  book.forget_when([] { return true; });
  EXPECT_EQ(book.size(), 0U);
  for (std::uint64_t i = 1; i <= limits::ticks_kept + 5; ++i) book.put({i, 10});
  EXPECT_EQ(book.size(), limits::ticks_kept);
  EXPECT_EQ(book.first(0, UINT64_MAX, 0), (tick{6, 10}));
}

TEST_F(tick_book_test, takes_old_ticks_again_for_who_is_rebuilt) {
  book.put({7, 70});
  book.put_again({{3, 30}, {7, 70}});
  EXPECT_EQ(book.size(), 2U);
  EXPECT_EQ(book.first(0, UINT64_MAX, 0), (tick{3, 30}));
}

TEST_F(tick_book_test, a_tick_is_written_only_when_somebody_waits_and_it_is_time) {
  std::vector<std::int64_t> written;
  const auto write = [&](std::int64_t now_us) { written.push_back(now_us); };
  const auto due_us = [this] { return book.due_us(); };
  EXPECT_FALSE(ticker::turn(due_us, 100, write));
  book.wait(1, 0, 200);
  EXPECT_FALSE(ticker::turn(due_us, 199, write));
  EXPECT_TRUE(ticker::turn(due_us, 200, write));
  EXPECT_EQ(written, std::vector<std::int64_t>{200});
}

/// An actor that is told to wait by some of its entries, and notes what ends each wait.
struct delayed {
  std::uint64_t applied = 0;
  std::optional<std::int64_t> due;
  std::vector<std::pair<std::uint64_t, std::int64_t>> passed;  // sequence of the tick, instant that was waited for

  void pass(const tick_book& book, std::uint64_t before) {
    let_time_pass(
        book, applied, before, [&] { return due; },
        [&](const tick& at) {
          passed.emplace_back(at.sequence, *due);
          due.reset();
        });
  }
};

struct scripted_entry {
  bool is_tick = false;
  std::int64_t at_us = 0;                ///< of the tick
  std::optional<std::int64_t> due = {};  ///< else: what the entry lets the actor wait for; nullopt: for nothing any more
};

std::vector<scripted_entry> any_script(std::mt19937& random) {
  std::vector<scripted_entry> script;
  std::int64_t now_us = 0;
  for (int i = 0; i < 60; ++i) {
    now_us += static_cast<std::int64_t>(random() % 10);
    if (random() % 3 == 0)
      script.push_back({true, now_us});
    else if (random() % 4 == 0)
      script.push_back({});
    else
      script.push_back({false, 0, now_us + static_cast<std::int64_t>(random() % 30)});
  }
  return script;
}

/// The committer goes ahead of the actor as far as chance has it.
std::vector<std::pair<std::uint64_t, std::int64_t>> run(const std::vector<scripted_entry>& script, std::mt19937& random) {
  struct message {
    std::uint64_t sequence;
    bool is_tick;
    std::optional<std::int64_t> due;
  };
  std::deque<message> mailbox;
  tick_book book([&](sensor_id, const tick& at) { mailbox.push_back({at.sequence, true, {}}); });
  delayed actor;
  const auto handle_one = [&] {
    const auto next = mailbox.front();
    mailbox.pop_front();
    if (next.is_tick) {
      actor.pass(book, next.sequence + 1);
    } else {
      actor.pass(book, next.sequence);
      actor.applied = next.sequence;
      actor.due = next.due;
    }
    if (actor.due) book.wait(1, actor.applied, *actor.due);
  };
  std::uint64_t sequence = 0;
  for (const auto& each : script) {
    ++sequence;
    if (each.is_tick)
      book.put({sequence, each.at_us});
    else
      mailbox.push_back({sequence, false, each.due});
    while (!mailbox.empty() && random() % 3 == 0) handle_one();
  }
  while (!mailbox.empty()) handle_one();
  return actor.passed;
}

TEST(time_that_passes, ends_the_same_waits_by_the_same_ticks_however_far_the_actor_lags_behind) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto script = any_script(random);
    const auto first = run(script, random);
    for (int again = 0; again < 10; ++again) ASSERT_EQ(run(script, random), first) << "seed " << seed;
  }
}

}  // namespace
}  // namespace factory::test
