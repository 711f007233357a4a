// The instant at which a committed body is answered.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "actors/engine/credits.hpp"
#include "actors/engine/engine.hpp"
#include "actors/engine/limits.hpp"
#include "storage/support/journal_fixture.hpp"
#include "support/await.hpp"

namespace factory::test {
namespace {

struct pending_ingest_test : journal_test {
  pending_ingest_test() { start(); }
  journal::ticket committed() {
    auto in_line = journal_->begin(reading_entry(1), durability::buffered).value();
    await([&] { return in_line.ready(); }, "the commit");
    return in_line;
  }
  std::shared_ptr<credit_pool> credits = std::make_shared<credit_pool>(100, 100);
  std::atomic<int> woken = 0;
  journal::waker wake = std::make_shared<const std::function<void()>>([this] { ++woken; });
  pending_ingest paced() { return paced(limits::paced_readings, wake); }
  pending_ingest paced(std::size_t readings, const journal::waker& to_wake) {
    pending_ingest pending({readings, 0, durability::buffered}, committed());
    pending.pace(credits, to_wake);
    return pending;
  }
};

TEST_F(pending_ingest_test, is_ready_once_it_is_committed) {
  EXPECT_TRUE(pending_ingest({1, 0, durability::buffered}, committed()).ready());
  EXPECT_TRUE(paced().ready());
  EXPECT_EQ(woken, 0);
}

TEST_F(pending_ingest_test, waits_for_credits_when_it_is_paced_and_wakes_who_asked) {
  auto held = credits->take(60, 0);
  auto pending = paced();
  EXPECT_FALSE(pending.ready());
  EXPECT_EQ(woken, 0);
  held.reset();
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(pending.ready());
  EXPECT_EQ(pending.wait()->sequence, 1U);
}

TEST_F(pending_ingest_test, is_not_paced_when_it_is_short_or_nobody_can_be_woken) {
  const auto held = credits->take(60, 0);
  EXPECT_TRUE(paced(limits::paced_readings - 1, wake).ready());
  EXPECT_TRUE(paced(limits::paced_readings, nullptr).ready());
}

TEST_F(pending_ingest_test, is_answered_at_last_although_credits_do_not_come_back) {
  const auto held = credits->take(60, 0);
  const auto pending = paced();
  await([&] { return pending.ready(); }, "the answer");
  EXPECT_EQ(woken, 0);
}

TEST_F(pending_ingest_test, wakes_who_waits_at_its_deadline_although_credits_do_not_come_back) {
  const auto held = credits->take(60, 0);
  credits->start_clock();
  const auto pending = paced();
  EXPECT_FALSE(pending.ready());
  await([&] { return woken != 0; }, "the clock of the credits");
  EXPECT_TRUE(pending.ready());
  credits->stop_clock();
}

}  // namespace
}  // namespace factory::test
