#include "actors/dispatcher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/support/messages.hpp"
#include "pipelines/limits.hpp"

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
  std::shared_ptr<dispatcher> line = std::make_shared<dispatcher>([this](const auto& group, const auto& its_turn) {
    mailboxes.push_back({group, its_turn});
  });
  std::uint64_t sequence = 0;

  void put(std::size_t readings = 1) {
    line->put({++sequence, noon_us, batch_of(1, calm(0, readings)), nullptr, nullptr}, counts);
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

TEST_F(dispatcher_test, sends_nothing_once_closed_and_lets_go_of_what_was_in_line) {
  fill();
  put();
  line->close();
  line->pass_on();
  put();
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

TEST(dispatcher, sends_each_entry_once_and_in_order_whoever_puts_asks_and_lets_go_meanwhile) {
  constexpr std::uint64_t entry_count = 5'000;
  progress counts;
  std::mutex mutex;
  std::vector<std::uint64_t> seen;
  std::vector<dispatcher::turn> turns;
  const auto line = std::make_shared<dispatcher>([&](const auto& group, const auto& its_turn) {
    const std::lock_guard lock(mutex);
    for (const auto& flow : group->flows) seen.push_back(flow.sequence);
    turns.push_back(its_turn);
  });
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
    for (std::uint64_t sequence = 1; sequence <= entry_count; ++sequence) {
      line->put({sequence, noon_us, batch_of(1, calm(0, 1)), nullptr, nullptr}, counts);
      line->send_where_room();
    }
    line->pass_on();
    const std::lock_guard lock(mutex);
    EXPECT_EQ(seen.size(), entry_count) << "pass_on() returns when all is sent";
    done = true;
  }
  line->close();
  for (std::uint64_t i = 0; i < entry_count; ++i) ASSERT_EQ(seen[i], i + 1);
}

}  // namespace
}  // namespace factory::test
