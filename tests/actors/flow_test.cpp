#include "actors/flow/flow.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "actors/engine/credits.hpp"
#include "actors/flow/reply.hpp"
#include "actors/support/messages.hpp"
#include "support/await.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

std::shared_ptr<const batch_group> group_of_one(const journal_entry& entry, progress& counts) {
  const auto* const alone = &entry;
  return group_of({&alone, 1}, counts);
}

TEST(credits, are_refused_beyond_either_bound_and_nothing_is_kept_by_a_refusal) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  auto held = gate->take(60, 10);
  ASSERT_TRUE(held);
  EXPECT_FALSE(gate->take(41, 10)) << "too many readings";
  EXPECT_FALSE(gate->take(1, 991)) << "too many bytes";
  EXPECT_EQ(gate->readings_free(), 40);
  EXPECT_EQ(gate->refused_count(), 2U);
  EXPECT_TRUE(gate->take(40, 990));
}

TEST(credits, admit_nothing_more_to_decode_while_they_are_nearly_out) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  auto held = gate->take(87, 0);
  EXPECT_TRUE(gate->admits());
  auto more = gate->take(1, 0);
  EXPECT_FALSE(gate->admits());
  EXPECT_EQ(gate->refused_count(), 1U);
  more.reset();
  EXPECT_TRUE(gate->admits());
  auto bytes = gate->take(0, 900);
  EXPECT_FALSE(gate->admits());
}

constexpr auto far = std::chrono::steady_clock::time_point::max();

struct waking {
  int count = 0;
  journal::waker wake = std::make_shared<const std::function<void()>>([this] { ++count; });
};

TEST(credits, wake_who_waits_once_when_half_of_both_bounds_are_free_again) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  waking one, other;
  auto readings = gate->take(51, 0), bytes = gate->take(0, 501);
  EXPECT_FALSE(gate->plentiful());
  gate->call_when_plentiful(one.wake, far);
  gate->call_when_plentiful(one.wake, far);
  gate->call_when_plentiful(other.wake, far);
  readings.reset();
  EXPECT_EQ(one.count, 0) << "too many bytes";
  bytes.reset();
  EXPECT_EQ(one.count, 1);
  EXPECT_EQ(other.count, 1);
  gate->take(100, 1'000).reset();
  EXPECT_EQ(one.count, 1) << "asked once";
}

TEST(credits, wake_at_once_who_asks_while_they_are_free) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  waking one;
  const auto held = gate->take(50, 500);
  EXPECT_TRUE(gate->plentiful());
  gate->call_when_plentiful(one.wake, far);
  EXPECT_EQ(one.count, 1);
}

TEST(credits, forget_nobody_who_begins_to_wait_while_they_come_back) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  for (int round = 0; round < 2'000; ++round) {
    std::atomic<bool> woken{false};
    const auto wake = std::make_shared<const std::function<void()>>([&] { woken = true; });
    auto held = gate->take(100, 0);
    std::jthread gives_back([&] { held.reset(); });
    gate->call_when_plentiful(wake, far);
    test::await([&] { return woken.load(); }, "the waker");
  }
}

TEST(credits, come_back_when_the_last_copy_goes) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  auto held = gate->take(100, 1'000);
  auto copy = held;
  held.reset();
  EXPECT_FALSE(gate->take(1, 0));
  copy.reset();
  EXPECT_TRUE(gate->take(100, 1'000));
}

TEST(credits, for_committed_work_may_pass_the_bound_and_then_block_the_edge) {
  const auto gate = std::make_shared<credit_pool>(100, 1'000);
  auto late = gate->take_anyway(150, 0);
  EXPECT_EQ(gate->readings_free(), -50);
  EXPECT_FALSE(gate->take(1, 0));
  late.reset();
  EXPECT_EQ(gate->readings_free(), 100);
}

TEST(credits, outlive_whoever_made_the_gate) {
  auto gate = std::make_shared<credit_pool>(1, 1);
  auto held = gate->take(1, 1);
  gate.reset();
  held.reset();
}

TEST(credits, are_never_given_twice_to_threads_that_race_for_them) {
  const auto gate = std::make_shared<credit_pool>(10, 1'000'000);
  std::atomic<int> holding{0}, too_many{0};
  {
    std::vector<std::jthread> takers;
    for (int t = 0; t < 4; ++t)
      takers.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i)
          if (auto held = gate->take(4, 1)) {
            if (holding.fetch_add(1) >= 2) ++too_many;
            holding.fetch_sub(1);
          }
      });
  }
  EXPECT_EQ(too_many, 0);
  EXPECT_EQ(gate->readings_free(), 10);
}

TEST(flow, a_batch_counts_as_processed_and_gives_its_credits_back_when_its_last_holder_lets_go) {
  progress counts;
  const auto gate = std::make_shared<credit_pool>(10, 10);
  auto group = group_of_one({1, ten_us, batch_of(1, calm(0, 3)), nullptr, gate->take(10, 10)}, counts);
  EXPECT_FALSE(counts.idle());
  auto held = new_readings{group, 0, 1};
  group.reset();
  EXPECT_FALSE(counts.wait_until_idle(0));
  held = {};
  EXPECT_TRUE(counts.wait_until_idle(0));
  EXPECT_EQ(counts.processed_readings(), 3U);
  EXPECT_EQ(gate->readings_free(), 10);
}

TEST(flow, a_thread_that_waits_is_woken_by_the_last_batch) {
  progress counts;
  auto group = group_of_one({1, ten_us, batch_of(1, calm(0, 3)), nullptr, nullptr}, counts);
  std::jthread other([&group] { group.reset(); });
  EXPECT_TRUE(counts.wait_until_idle(60'000));
}

TEST(flow, a_group_has_the_parts_of_each_sensor_together_and_in_commit_order) {
  progress counts;
  auto both = std::make_shared<reading_batch>();
  both->event_time_us = {ten_us, ten_us};
  both->value = {1, 2};
  both->slices = {{1, 0, 1}, {2, 1, 2}};
  const journal_entry first{1, ten_us, both, nullptr, nullptr}, second{2, ten_us, batch_of(2, calm(0, 3)), nullptr, nullptr},
      third{3, ten_us, both, nullptr, nullptr};
  const std::vector<const journal_entry*> entries{&first, &second, &third};
  const auto group = group_of(entries, counts);
  std::vector<std::pair<sensor_id, std::uint64_t>> seen;
  for (const auto& each : group->parts) {
    seen.emplace_back(each.of_flow.sensor, each.flow->sequence);
    EXPECT_EQ(each.flow->readings->times(each.of_flow).size(), each.of_flow.size());
  }
  EXPECT_EQ(seen, (std::vector<std::pair<sensor_id, std::uint64_t>>{{1, 1}, {1, 3}, {2, 1}, {2, 2}, {2, 3}}));
  EXPECT_EQ(counts.dispatched_readings(), 7U);
}

TEST(reply, the_first_answer_counts) {
  auto [answer, waiter] = reply<int>::make();
  answer.set(1);
  answer.set(2);
  EXPECT_EQ(waiter.wait_for(0), 1);
}

TEST(reply, one_that_goes_unanswered_says_so_at_once) {
  auto [answer, waiter] = reply<int>::make();
  auto copy = answer;
  answer = {};
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::timed_out) << "a copy may still answer";
  copy = {};
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::unavailable);
}

TEST(reply, may_come_after_who_waits_for_it_has_gone) {
  auto answer = reply<int>::make().first;
  answer.set(1);
  reply<int>{}.set(1);  // nobody asked
}

TEST(reply, reaches_a_thread_that_waits) {
  auto [answer, waiter] = reply<int>::make();
  std::jthread other([answer = std::move(answer)]() mutable { answer.set(5); });
  EXPECT_EQ(waiter.wait_for(60'000), 5);
}

}  // namespace
}  // namespace factory::test
