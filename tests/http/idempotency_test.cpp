#include "http/edge/idempotency.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace factory {
namespace {

class idempotency : public ::testing::Test {
 protected:
  expected<http_response> once(std::string_view key, std::uint64_t digest, unsigned status = 201) {
    return memory_
        .once(key, digest, nullptr,
              [&](const auto&) -> expected<http_response> {
                ++runs_;
                if (status >= 400) return fail(errc::overloaded, "later");
                return http_response{status, "application/json", "answer " + std::to_string(runs_)};
              })
        .map(complete);
  }
  idempotency_memory memory_{2};
  std::atomic<int> runs_{0};
};

TEST_F(idempotency, the_same_request_again_is_answered_as_the_first_and_not_done_again) {
  EXPECT_EQ(once("a", 1)->body, "answer 1");
  EXPECT_EQ(once("a", 1)->body, "answer 1");
  EXPECT_EQ(runs_, 1);
}

TEST_F(idempotency, another_request_under_a_used_key_is_refused) {
  once("a", 1);
  EXPECT_EQ(once("a", 2)->status, 422);
  EXPECT_EQ(runs_, 1);
}

TEST_F(idempotency, a_failure_is_forgotten) {
  EXPECT_FALSE(once("a", 1, 503));
  EXPECT_EQ(once("a", 1)->body, "answer 2");
}

TEST_F(idempotency, an_exception_is_passed_on_and_forgotten) {
  EXPECT_THROW(
      std::ignore = memory_.once("a", 1, nullptr, [](const auto&) -> expected<http_response> { throw std::runtime_error("x"); }),
      std::runtime_error);
  EXPECT_EQ(once("a", 1)->body, "answer 1");
}

TEST_F(idempotency, remembers_the_newest_keys_only) {
  once("a", 1);
  once("b", 1);
  once("c", 1);
  EXPECT_EQ(once("c", 1)->body, "answer 3");
  EXPECT_EQ(once("b", 1)->body, "answer 2");
  EXPECT_EQ(once("a", 1)->body, "answer 4");
}

/// Work that answers when it is told to.
struct slow_work {
  bool committed = false;
  unsigned status = 201;
  int times = 0;
  idempotency_memory::waker wake;
  expected<http_response> begin(const idempotency_memory::waker& to_wake) {
    ++times;
    wake = to_wake;
    http_response answer;
    answer.ready = [this] { return committed; };
    answer.finish = [this](http_response& whole) { whole = {status, "application/json", "stored"}; };
    return answer;
  }
};

/// A client that is woken.
struct client {
  int woken = 0;
  idempotency_memory::waker wake = std::make_shared<const std::function<void()>>([this] { ++woken; });
};

TEST_F(idempotency, nobody_waits_for_an_answer_that_is_under_way_and_all_who_do_are_woken) {
  slow_work work;
  client one, other;
  const auto begin = [&](const auto& waker) { return work.begin(waker); };
  auto first = memory_.once("a", 1, one.wake, begin).value();
  auto again = memory_.once("a", 1, other.wake, begin).value();
  ASSERT_TRUE(first.ready && again.ready);
  EXPECT_FALSE(first.ready());
  EXPECT_FALSE(again.ready());
  work.committed = true;
  (*work.wake)();
  EXPECT_EQ(one.woken, 1);
  EXPECT_EQ(other.woken, 1);
  EXPECT_TRUE(first.ready());
  EXPECT_EQ(complete(std::move(again)).body, "stored");
  EXPECT_EQ(complete(std::move(first)).body, "stored");
  EXPECT_EQ(once("a", 1)->body, "stored");
  EXPECT_EQ(work.times, 1);
  EXPECT_EQ(runs_, 0);
}

TEST_F(idempotency, work_that_fails_late_is_forgotten) {
  slow_work fails;
  fails.status = 503;
  auto answer = memory_.once("a", 1, nullptr, [&](const auto& waker) { return fails.begin(waker); });
  EXPECT_EQ(complete(std::move(*answer)).status, 503U);
  EXPECT_EQ(once("a", 1)->body, "answer 1");
}

TEST_F(idempotency, who_asks_again_after_the_first_client_has_left_gets_the_first_answer) {
  slow_work work;
  const client first;
  client second;
  const auto begin = [&](const auto& waker) { return work.begin(waker); };
  {
    const auto left = memory_.once("a", 1, first.wake, begin);
    ASSERT_TRUE(left->finish);
  }
  work.wake.reset();
  auto again = memory_.once("a", 1, second.wake, begin).value();
  EXPECT_FALSE(again.ready());
  work.committed = true;
  EXPECT_TRUE(again.ready());
  EXPECT_EQ(complete(std::move(again)).body, "stored");
  EXPECT_EQ(work.times, 1);
}

TEST_F(idempotency, answers_that_nobody_waits_for_are_forgotten_in_their_turn) {
  slow_work work;
  for (const char* key : {"a", "b", "c", "d"})
    std::ignore = memory_.once(key, 1, nullptr, [&](const auto& waker) { return work.begin(waker); });
  EXPECT_EQ(once("a", 1)->body, "answer 1");
  work.committed = true;
  EXPECT_EQ(once("d", 1)->body, "stored");
}

TEST_F(idempotency, of_requests_at_the_same_time_one_is_done_and_all_get_its_answer) {
  std::vector<std::thread> clients;
  std::atomic<int> same{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      if (once("a", 1)->body == "answer 1") ++same;
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(same, 8);
}

}  // namespace
}  // namespace factory
