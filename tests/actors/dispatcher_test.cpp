#include "actors/flow/dispatcher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "actors/engine/limits.hpp"
#include "actors/support/messages.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

/// A line whose groups stay in their mailboxes until the test takes them out.
struct dispatcher_test : testing::Test {
  struct mail {
    std::shared_ptr<const batch_group> group;
    dispatcher::turn its_turn;
    std::vector<std::uint64_t> sequences() const {
      std::vector<std::uint64_t> found;
      for (const auto& flow : group->flows) found.push_back(flow.sequence);
      return found;
    }
  };
  progress counts;
  std::vector<mail> mailboxes;
  std::vector<mail> ran;  // what overtook
  std::shared_ptr<dispatcher> line = std::make_shared<dispatcher>(
      [this](const auto& group, const auto& its_turn) {
        mailboxes.push_back({group, its_turn});
      },
      [this](const auto& group) {
        ran.push_back({group, nullptr});
      });
  std::uint64_t sequence = 0;

  void put(std::size_t readings = 1) {
    line->put({++sequence, ten_us, batch_of(1, calm(0, readings)), nullptr, nullptr}, counts);
    line->send_where_room();
  }
  bool overtakes(std::shared_ptr<const reading_batch> readings) {
    return line->overtakes({++sequence, ten_us, std::move(readings), nullptr, nullptr}, counts);
  }
  void put_in_line(sensor_id first, std::size_t sensors) {
    line->put({++sequence, ten_us, wide_batch(first, sensors, ten_us, 20), nullptr, nullptr}, counts);
    line->send_where_room();
  }
  void fill() {
    while (mailboxes.size() < limits::groups_under_way) put();
  }
  using entries = std::vector<std::uint64_t>;
};

TEST_F(dispatcher_test, passes_an_entry_on_at_once_while_the_actors_are_idle) {
  put();
  ASSERT_EQ(mailboxes.size(), 1U);
  EXPECT_EQ(mailboxes[0].sequences(), entries{1});
  EXPECT_EQ(mailboxes[0].group->parts.size(), 1U);
}

TEST_F(dispatcher_test, keeps_entries_while_every_group_has_a_message_in_some_mailbox) {
  fill();
  put();
  put();
  EXPECT_EQ(mailboxes.size(), limits::groups_under_way);
  EXPECT_EQ(counts.dispatched_readings(), sequence) << "who waits for idle waits for these too";
  auto done = std::move(mailboxes.front().its_turn);
  const auto in_another_mailbox = done;
  done.reset();
  EXPECT_EQ(mailboxes.size(), limits::groups_under_way) << "one message of the group is still in a mailbox";
}

TEST_F(dispatcher_test, sends_what_came_meanwhile_together_when_the_last_message_of_a_group_has_left_its_mailbox) {
  fill();
  const auto first = sequence + 1;
  put();
  put();
  mailboxes.reserve(limits::groups_under_way + 1);  // the group comes while the turn goes
  mailboxes.front().its_turn.reset();
  ASSERT_EQ(mailboxes.size(), limits::groups_under_way + 1);
  EXPECT_EQ(mailboxes.back().sequences(), (entries{first, first + 1}));
}

TEST_F(dispatcher_test, passes_all_on_to_who_asks_however_busy_the_actors_are) {
  fill();
  put();
  line->pass_on();
  ASSERT_EQ(mailboxes.size(), limits::groups_under_way + 1);
  EXPECT_EQ(mailboxes.back().sequences(), entries{sequence});
  line->pass_on();
  EXPECT_EQ(mailboxes.size(), limits::groups_under_way + 1);
}

TEST_F(dispatcher_test, begins_another_group_when_one_has_its_readings) {
  fill();
  put(limits::group_readings);
  put();
  line->pass_on();
  ASSERT_EQ(mailboxes.size(), limits::groups_under_way + 2);
  EXPECT_EQ(mailboxes.back().sequences(), entries{sequence});
}

TEST_F(dispatcher_test, lets_a_short_entry_go_before_long_ones_of_other_sensors) {
  fill();
  put_in_line(100, 50);
  EXPECT_TRUE(overtakes(wide_batch(150, limits::overtaking_readings, ten_us, 20)));
  ASSERT_EQ(ran.size(), 1U);
  EXPECT_EQ(ran[0].sequences(), entries{sequence});
  EXPECT_EQ(ran[0].group->parts.size(), limits::overtaking_readings);
  EXPECT_EQ(mailboxes.size(), limits::groups_under_way);
  line->pass_on();
  EXPECT_EQ(mailboxes.back().sequences(), entries{sequence - 1}) << "it is in line no more";
  ran.clear();
  mailboxes.clear();
  EXPECT_TRUE(counts.idle());
}

TEST_F(dispatcher_test, lets_no_reading_go_before_one_of_the_same_sensor) {
  fill();
  put_in_line(100, 50);
  put_in_line(200, 50);
  EXPECT_FALSE(overtakes(wide_batch(101 - limits::overtaking_readings, limits::overtaking_readings, ten_us, 20)))
      << "its last sensor, the first in line";
  EXPECT_FALSE(overtakes(batch_of(149, calm(0, 1))));
  EXPECT_FALSE(overtakes(batch_of(225, calm(0, 1))));
  EXPECT_TRUE(ran.empty());
  line->pass_on();
  EXPECT_TRUE(overtakes(batch_of(149, calm(0, 1)))) << "what was before it is in the mailbox";
}

TEST_F(dispatcher_test, lets_only_short_entries_go_before_others) {
  fill();
  EXPECT_FALSE(overtakes(wide_batch(100, limits::overtaking_readings + 1, ten_us, 20)));
  EXPECT_FALSE(overtakes(batch_of(100, calm(0, limits::overtaking_readings + 1)))) << "of one sensor, but much work";
}

TEST_F(dispatcher_test, does_not_look_through_a_line_that_is_long) {
  fill();
  for (std::size_t i = 0; i < limits::overtaken_entries; ++i) put();
  EXPECT_TRUE(overtakes(batch_of(100, calm(0, 1))));
  put();
  EXPECT_FALSE(overtakes(batch_of(100, calm(0, 1))));
}

TEST_F(dispatcher_test, sends_nothing_once_closed_and_lets_go_of_what_was_in_line) {
  fill();
  put();
  line->close();
  line->pass_on();
  put();
  EXPECT_FALSE(overtakes(batch_of(100, calm(0, 1))));
  mailboxes.front().its_turn.reset();
  EXPECT_EQ(mailboxes.size(), limits::groups_under_way);
  mailboxes.clear();
  line.reset();
  EXPECT_TRUE(counts.idle());
}

TEST_F(dispatcher_test, may_be_gone_before_the_last_turn_is_let_go) {
  fill();
  line.reset();
  mailboxes.clear();
  EXPECT_TRUE(counts.idle());
}

/// A short entry overtakes readings of other sensors and never those of its own sensors.
TEST(dispatcher, sends_each_entry_once_and_those_of_a_sensor_in_order_whoever_puts_asks_and_lets_go_meanwhile) {
  constexpr std::uint64_t entry_count = 5'000;
  constexpr sensor_id sensors = 30;
  progress counts;
  std::mutex mutex;
  std::vector<std::vector<std::uint64_t>> seen(sensors + 1);
  std::vector<dispatcher::turn> turns;
  const auto take_out = [&](const batch_group& group) {
    for (const auto& part : group.parts) {
      const std::lock_guard lock(mutex);
      seen[part.of_flow.sensor].push_back(part.flow->sequence);
    }
  };
  const auto line = std::make_shared<dispatcher>(
      [&](const auto& group, const auto& its_turn) {
        take_out(*group);
        const std::lock_guard lock(mutex);
        turns.push_back(its_turn);
      },
      [&](const auto& group) { take_out(*group); });
  std::vector<std::vector<std::uint64_t>> sent(sensors + 1);
  std::uint64_t overtook = 0;
  std::atomic<bool> done{false};
  {
    std::jthread asks([&] {
      while (!done) line->pass_on();
    });
    std::jthread lets_go([&] {
      while (!done) {
        std::vector<dispatcher::turn> taken;  // goes after the lock: a turn that goes may send
        {
          const std::lock_guard lock(mutex);
          taken.swap(turns);
        }
      }
    });
    std::mt19937 random(1);
    for (std::uint64_t sequence = 1; sequence <= entry_count; ++sequence) {
      const auto count = static_cast<sensor_id>(random() % 3 == 0 ? 1 : limits::overtaking_readings + 1);
      const auto first = static_cast<sensor_id>(1 + random() % (sensors - count));
      for (sensor_id each = first; each < first + count; ++each) sent[each].push_back(sequence);
      const journal_entry entry{sequence, ten_us, wide_batch(first, count, ten_us, 20), nullptr, nullptr};
      line->overtakes(entry, counts) ? void(++overtook) : line->put(entry, counts);
      line->send_where_room();
    }
    line->pass_on();
    done = true;
  }
  line->close();
  EXPECT_GT(overtook, 0U);
  EXPECT_EQ(seen, sent) << "pass_on() returns when all is sent";
}

}  // namespace
}  // namespace factory::test
