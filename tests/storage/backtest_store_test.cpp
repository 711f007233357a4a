// Backtests on disk: what a start finds of those that were there.
#include "storage/admin/backtest_store.hpp"

#include <gtest/gtest.h>

#include "storage/admin/job_store.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory::test {
namespace {

using condition = stored_backtest::condition;

struct backtest_store_test : testing::Test {
  std::vector<stored_backtest> open() {
    store.reset();
    db.reset();
    db = database::open(directory.path(), {}).value();
    store = std::make_unique<backtest_store>(*db);
    return store->load().value();
  }
  temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<backtest_store> store;
};

TEST_F(backtest_store_test, a_start_finds_what_was_stored) {
  EXPECT_TRUE(open().empty());
  const stored_backtest done{store->next_id().value(), 3, condition::done, -5, 1'000'000, 1, ""};
  const stored_backtest failed{store->next_id().value(), 0, condition::failed, 7, 10, 0.25, "narrow the range"};
  ASSERT_TRUE(store->put(done, "what it came to"));
  ASSERT_TRUE(store->put(failed));
  EXPECT_EQ(open(), (std::vector{done, failed}));
  EXPECT_EQ(store->result(1).value(), "what it came to");
  EXPECT_EQ(store->result(2).value(), std::nullopt);
  EXPECT_EQ(store->next_id().value(), 3U);
}

TEST_F(backtest_store_test, one_that_the_end_of_the_process_cut_short_says_so) {
  open();
  ASSERT_TRUE(store->put({1, 0, condition::running, 7, 10, 0.25, ""}));
  ASSERT_TRUE(store->put({2, 0, condition::waiting, 7, 0, 0, ""}));
  for (int start = 0; start < 2; ++start) {
    const auto found = open();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].state, condition::failed);
    EXPECT_EQ(found[0].failure, "The program ended while it ran; ask again.");
    EXPECT_EQ(found[0].readings, 10U);
    EXPECT_EQ(found[1].failure, "The program ended before it began; ask again.");
  }
}

TEST_F(backtest_store_test, what_is_removed_is_gone_with_its_result_and_its_id_is_not_given_again) {
  open();
  const auto id = store->next_id().value();
  ASSERT_TRUE(store->put({id, 0, condition::done, 7, 10, 1, ""}, "x"));
  ASSERT_TRUE(store->remove({id}));
  EXPECT_TRUE(open().empty());
  EXPECT_EQ(store->result(id).value(), std::nullopt);
  EXPECT_EQ(store->next_id().value(), id + 1);
}

TEST_F(backtest_store_test, jobs_and_backtests_lie_side_by_side) {
  open();
  ASSERT_TRUE(store->put({store->next_id().value(), 0, condition::done, 7, 10, 1, ""}, "x"));
  job_store jobs(*db);
  ASSERT_TRUE(jobs.load());
  ASSERT_TRUE(jobs.begin("rollup", 1));
  EXPECT_EQ(open().size(), 1U);
  job_store again(*db);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.runs({}, 10)->size(), 1U);
}

}  // namespace
}  // namespace factory::test
