#include "actors/jobs/job_runner.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "actors/support/deterministic.hpp"
#include "storage/base/database.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

/// The runner on CAF's deterministic scheduler, with a clock that the test sets.
struct runner_test : deterministic {
  void begin(std::int64_t every_us) {
    end();
    board.reset(new job_board{{}, {false}, records, [this] { return now_us; }});
    auto entry = std::make_unique<job_board::entry>();
    entry->work = {"count", every_us, [this](const std::atomic<bool>&, asked_by who) -> expected<std::string> {
                     ++worked;
                     asked = who;
                     now_us += 1'000;
                     if (throwing) throw std::runtime_error("no memory");
                     if (broken) return fail(errc::storage_failed, "the disk refused");
                     return "counted";
                   }};
    board->jobs.push_back(std::move(entry));
    runner = system.spawn(job_runner, board);
    scheduler.run();
  }
  void pass(std::int64_t us) {
    now_us += us;
    scheduler.advance_time(std::chrono::microseconds(us));
    scheduler.run();
  }
  /// A runner left alive would keep the actor system from ending.
  void end() {
    if (!runner) return;
    caf::anon_send_exit(runner, caf::exit_reason::user_shutdown);
    runner = nullptr;
    scheduler.run();
  }
  ~runner_test() override { end(); }

  temporary_directory directory;
  std::unique_ptr<database> db = std::move(*database::open(directory.path(), {}));
  job_store records{*db};
  bool loaded = records.load().has_value();
  std::int64_t now_us = 1'000 * minute_us;
  int worked = 0;
  asked_by asked = asked_by::hand;
  bool broken = false, throwing = false;
  std::shared_ptr<job_board> board;
  job_runner_actor runner;
};

TEST_F(runner_test, runs_a_job_each_time_it_is_due) {
  begin(5 * minute_us);
  pass(4 * minute_us);
  EXPECT_EQ(worked, 0);
  pass(minute_us);
  EXPECT_EQ(worked, 1);
  EXPECT_EQ(asked, asked_by::schedule);
  pass(5 * minute_us);
  EXPECT_EQ(worked, 2);
  const auto runs = records.runs("count", 10);
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ(runs->front().result, job_run::outcome::succeeded);
  EXPECT_EQ(runs->front().detail, "counted");
  EXPECT_EQ(runs->front().duration_us, 1'000);
}

TEST_F(runner_test, without_a_schedule_runs_only_by_hand) {
  begin(0);
  pass(1'000 * minute_us);
  EXPECT_EQ(worked, 0);
  EXPECT_EQ(board->jobs[0]->next_at_us, 0);
  auto [answer, waiter] = reply<job_run>::make();
  caf::anon_send(runner, run_order{0, std::move(answer)});
  scheduler.run();
  EXPECT_TRUE(waiter.wait_for(0));
  EXPECT_EQ(worked, 1);
  EXPECT_EQ(asked, asked_by::hand);
}

TEST_F(runner_test, records_a_failure_and_goes_on) {
  broken = true;
  begin(minute_us);
  pass(minute_us);
  broken = false;
  pass(minute_us);
  const auto runs = records.runs("count", 10);
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ((*runs)[1].result, job_run::outcome::failed);
  EXPECT_EQ((*runs)[1].detail, "the disk refused");
  EXPECT_EQ((*runs)[0].result, job_run::outcome::succeeded);
}

TEST_F(runner_test, an_exception_is_a_failed_run_and_the_runner_lives_on) {
  begin(minute_us);
  throwing = true;
  pass(minute_us);
  throwing = false;
  pass(minute_us);
  const auto runs = records.runs("count", 10);
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ((*runs)[1].detail, "no memory");
  EXPECT_EQ((*runs)[0].result, job_run::outcome::succeeded);
}

TEST_F(runner_test, an_overdue_job_runs_soon_after_a_restart_and_another_waits_for_its_time) {
  auto before = records.begin("count", now_us - 3 * minute_us);
  ASSERT_TRUE(before);
  begin(5 * minute_us);
  EXPECT_EQ(board->jobs[0]->next_at_us, now_us + 2 * minute_us);
  now_us += 60 * minute_us;
  begin(5 * minute_us);
  EXPECT_LE(board->jobs[0]->next_at_us, now_us + minute_us);
}

TEST_F(runner_test, runs_nothing_once_it_is_stopping) {
  begin(minute_us);
  board->stopping = true;
  pass(minute_us);
  EXPECT_EQ(worked, 0);
}

}  // namespace
}  // namespace factory::test
