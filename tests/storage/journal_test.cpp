#include "storage/journal/journal.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/support/journal_fixture.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using namespace test;

TEST_F(journal_test, gives_sequences_from_1_without_gaps) {
  start();
  for (std::uint64_t i = 1; i <= 10; ++i) EXPECT_EQ(append(reading_entry(static_cast<std::int64_t>(i))), i);
  EXPECT_EQ(journal_->last_sequence(), 10U);
}

TEST_F(journal_test, an_entry_is_observed_before_its_caller_is_let_go) {
  start();
  append(reading_entry(42));
  ASSERT_EQ(observed_.size(), 1U);
  EXPECT_EQ(observed_[0].sequence, 1U);
  EXPECT_EQ(observed_[0].received_at_us, 42);
}

TEST_F(journal_test, an_entry_that_is_not_committed_lets_go_of_what_it_holds_at_once) {
  journal_->start(each([](const journal_entry&) {}));
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> credit = held;
  auto entry = reading_entry(1);
  entry.hold = std::move(held);
  db_->raw().writes_fail = true;
  auto in_line = journal_->begin(std::move(entry), durability::fsync).value();
  EXPECT_FALSE(in_line.wait());
  test::await([&] { return credit.expired(); }, "the credit, although no other entry has come since");
  db_->raw().writes_fail = false;
  EXPECT_EQ(append(reading_entry(2)), 1U);
}

TEST_F(journal_test, an_entry_that_was_refused_but_is_found_stored_is_passed_on_before_its_sequence_is_given_again) {
  start();
  db_->raw().marks_fail = true;
  EXPECT_FALSE(journal_->append(reading_entry(1), durability::fsync));
  db_->raw().marks_fail = false;
  EXPECT_EQ(append(reading_entry(2), durability::fsync), 2U);
  journal_->stop();
  ASSERT_EQ(observed_.size(), 2U);
  EXPECT_EQ(observed_[0].received_at_us, 1);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(journal_test, tells_that_an_entry_is_committed_also_when_its_caller_has_given_up) {
  reopen(std::chrono::milliseconds(1));
  std::latch go_on(1);
  bool committed = false;
  journal_->start(each([&](const journal_entry&) { go_on.wait(); }));
  auto entry = reading_entry(1);
  entry.when_committed = [&] { committed = true; };
  EXPECT_EQ(journal_->append(std::move(entry), durability::buffered).error().code, errc::timed_out);
  go_on.count_down();
  journal_->stop();
  EXPECT_TRUE(committed);
}

TEST_F(journal_test, lets_go_of_what_an_entry_holds_when_the_last_copy_goes) {
  start();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> credit = held;
  auto entry = reading_entry(1);
  entry.hold = std::move(held);
  append(std::move(entry));
  EXPECT_FALSE(credit.expired()) << "the observer kept a copy";
  observed_.clear();
  journal_->stop();
  EXPECT_TRUE(credit.expired());
}

TEST_F(journal_test, many_threads_commit_in_one_order_that_observer_and_replay_agree_on) {
  start();
  constexpr int threads = 16, each = 50;
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t)
    callers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) EXPECT_TRUE(journal_->append(reading_entry(t * 1'000 + i), durability::fsync));
    });
  for (auto& caller : callers) caller.join();
  ASSERT_EQ(observed_.size(), std::size_t{threads * each});
  const auto again = replayed();
  ASSERT_EQ(again.size(), observed_.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(observed_[i].sequence, i + 1);
    expect_same(again[i], observed_[i]);
  }
}

TEST_F(journal_test, what_waits_is_committed_as_one_group_with_one_fsync) {
  start_holding_the_first();
  std::thread first([&] { EXPECT_TRUE(journal_->append(reading_entry(0), durability::fsync)); });
  wait_for_first();
  const auto fsyncs = db_->fsync_count();
  std::vector<std::thread> others;
  for (int i = 1; i <= 8; ++i)
    others.emplace_back([&, i] { EXPECT_TRUE(journal_->append(reading_entry(i), durability::fsync)); });
  test::await([&] { return journal_->count().waiting >= 8; }, "all to wait");
  let_go();
  first.join();
  for (auto& other : others) other.join();
  EXPECT_EQ(db_->fsync_count() - fsyncs, 1U);
  const auto counted = journal_->count();
  EXPECT_EQ(counted.groups, 2U);
  EXPECT_EQ(counted.entries, 9U);
  EXPECT_EQ(counted.readings, 9U);
  EXPECT_EQ(counted.failures, 0U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(journal_test, a_waker_is_called_once_for_a_group_when_all_of_it_is_ready) {
  start_holding_the_first();
  std::vector<journal::ticket> tickets;
  std::atomic<int> calls = 0, others = 0;
  std::latch told(1);
  const auto wake = std::make_shared<const std::function<void()>>([&] {
    for (const auto& each : tickets) EXPECT_TRUE(each.ready());
    if (++calls == 1) told.count_down();
  });
  const auto other = std::make_shared<const std::function<void()>>([&] { ++others; });
  auto first = journal_->begin(reading_entry(0), durability::buffered, {}, other);
  wait_for_first();
  for (int i = 1; i <= 4; ++i) tickets.push_back(*journal_->begin(reading_entry(i), durability::fsync, {}, wake));
  for (const auto& each : tickets) EXPECT_FALSE(each.ready());
  let_go();
  told.wait();
  journal_->stop();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(others, 1);
  for (std::size_t i = 0; i < tickets.size(); ++i) EXPECT_EQ(tickets[i].wait().value_or(0), i + 2);
}

TEST_F(journal_test, who_waits_for_an_entry_with_a_waker_is_woken_too) {
  std::latch observing(1), go_on(1);
  journal_->start(each([&](const journal_entry&) {
    observing.count_down();
    go_on.wait();
  }));
  auto in_line =
      journal_->begin(reading_entry(1), durability::buffered, {}, std::make_shared<const std::function<void()>>([] {}));
  observing.wait();
  std::promise<bool> answered;
  auto answer = answered.get_future();
  std::thread([it = std::move(*in_line), answered = std::move(answered)]() mutable {
    answered.set_value(it.wait().has_value());
  }).detach();  // without the waking it sleeps for a minute
  go_on.count_down();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(answer.get());
}

TEST_F(journal_test, a_buffered_entry_costs_no_fsync) {
  start();
  const auto before = db_->fsync_count();
  append(reading_entry(1), durability::buffered);
  EXPECT_EQ(db_->fsync_count(), before);
  append(reading_entry(2), durability::fsync);
  EXPECT_EQ(db_->fsync_count(), before + 1);
}

TEST_F(journal_test, knows_of_each_source_the_position_committed_last_also_when_its_entries_are_trimmed) {
  const auto from = [](std::string source, std::uint32_t partition, std::int64_t offset) {
    auto entry = reading_entry(offset);
    entry.source = std::make_shared<const source_position>(source_position{std::move(source), partition, offset});
    return entry;
  };
  start();
  EXPECT_TRUE(journal_->positions()->empty());
  append(from("a", 0, 10));
  append(from("b", 0, 5));
  append(from("a", 1, 7));
  append(reading_entry(1));
  append(from("a", 0, 11));
  const std::vector<source_position> wanted{{"a", 0, 11}, {"b", 0, 5}, {"a", 1, 7}};
  EXPECT_EQ(*journal_->positions(), wanted);
  ASSERT_TRUE(journal_->trim(5));
  reopen();
  EXPECT_EQ(*journal_->positions(), wanted);
  start();
  EXPECT_EQ(journal_->append(from(std::string(1'000, 'x'), 0, 1), durability::buffered).error().code, errc::invalid);
}

TEST_F(journal_test, goes_on_after_a_restart_where_it_was) {
  start();
  append(reading_entry(1));
  append(reading_entry(2));
  reopen();
  EXPECT_EQ(journal_->last_sequence(), 2U);
  EXPECT_GT(journal_->bytes_above_floor(), 0U);
  start();
  EXPECT_EQ(append(reading_entry(3)), 3U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(journal_test, trimmed_entries_go_and_the_sequence_outlives_a_wholly_trimmed_journal) {
  start();
  for (int i = 1; i <= 6; ++i) append(reading_entry(i));
  ASSERT_TRUE(journal_->trim(4));
  EXPECT_EQ(journal_->floor(), 4U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{5, 6}));
  ASSERT_TRUE(journal_->trim(2)) << "an older floor changes nothing";
  EXPECT_EQ(journal_->floor(), 4U);
  ASSERT_TRUE(journal_->trim(100)) << "what is not yet there is not trimmed";
  EXPECT_EQ(journal_->floor(), 6U);
  EXPECT_EQ(journal_->bytes_above_floor(), 0U);
  reopen();
  EXPECT_EQ(journal_->floor(), 6U);
  EXPECT_EQ(journal_->last_sequence(), 6U);
  EXPECT_TRUE(replayed().empty());
  start();
  EXPECT_EQ(append(reading_entry(7)), 7U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{7}));
}

TEST_F(journal_test, a_trim_is_fsynced_as_the_files_below_it_go_at_once) {
  start();
  for (int i = 1; i <= 3; ++i) append(reading_entry(i), durability::buffered);
  const auto before = db_->fsync_count();
  ASSERT_TRUE(journal_->trim(2));
  EXPECT_EQ(db_->fsync_count(), before + 1);
  ASSERT_TRUE(journal_->trim(2));
  EXPECT_EQ(db_->fsync_count(), before + 1) << "nothing was to be done";
}

TEST_F(journal_test, read_gives_a_part) {
  start();
  for (int i = 1; i <= 6; ++i) append(reading_entry(i));
  std::vector<std::uint64_t> found;
  ASSERT_TRUE(journal_->read(2, 4, [&](const journal_entry& e) { found.push_back(e.sequence); }));
  EXPECT_EQ(found, (std::vector<std::uint64_t>{2, 3, 4}));
}

/// As versions 2 and 3 wrote them: a config with its rules in it, and a packed reading.
TEST_F(journal_test, refuses_before_start_and_after_stop) {
  EXPECT_EQ(journal_->append(reading_entry(1), durability::fsync).error().code, errc::stopping);
  start();
  append(reading_entry(1));
  journal_->stop();
  EXPECT_EQ(journal_->append(reading_entry(1), durability::fsync).error().code, errc::stopping);
  EXPECT_EQ(journal_->last_sequence(), 1U);
}

TEST_F(journal_test, stop_commits_what_waits) {
  start_holding_the_first();
  auto first =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(1), durability::buffered).has_value(); });
  wait_for_first();
  auto second =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(2), durability::buffered).has_value(); });
  test::await([&] { return journal_->count().waiting >= 1; }, "all to wait");
  let_go();
  journal_->stop();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(journal_->last_sequence(), 2U);
}

TEST_F(journal_test, a_caller_that_gave_up_leaves_an_entry_that_is_still_committed) {
  reopen(std::chrono::milliseconds(1));
  std::latch go_on(1);
  journal_->start(each([&](const journal_entry&) { go_on.wait(); }));
  const auto given_up = journal_->append(reading_entry(1), durability::buffered);
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, errc::timed_out);
  go_on.count_down();
  journal_->stop();
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1}));
}

}  // namespace
}  // namespace factory
