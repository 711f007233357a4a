// Which thread runs an actor after a message reaches its empty mailbox.
#include "actors/flow/wake.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "actors/engine/limits.hpp"
#include "actors/interfaces.hpp"
#include "actors/support/deterministic.hpp"

namespace factory {
namespace {

using noting_actor = caf::typed_actor<caf::reacts_to<job_due>, caf::reacts_to<run_order>>;

struct notes {
  std::vector<std::size_t> taken;
};

/// Notes the numbers that it is sent, passes orders on to `next`, throws at 666.
noting_actor::behavior_type noting(noting_actor::pointer self, notes* to, noting_actor next) {
  return {[=](const job_due& due) {
            to->taken.push_back(due.job);
            if (due.job == 666) throw std::runtime_error("told to");
          },
          [=](const run_order& order) {
            if (next) self->send(next, job_due{order.job});
          }};
}

struct wake : test::deterministic {
  noting_actor make(notes& to, noting_actor next = {}) {
    auto actor = spawn(noting, &to, std::move(next));
    run();  // so that its mailbox is empty and it sleeps
    return actor;
  }
};

TEST_F(wake, run_here_runs_an_idle_receiver_on_the_asking_thread) {
  notes seen;
  const auto actor = make(seen);
  run_here here(system);
  send_by(here, actor, job_due{7});
  EXPECT_TRUE(scheduler.jobs.empty());
  here.run();
  EXPECT_EQ(seen.taken, std::vector<std::size_t>{7});
  EXPECT_TRUE(scheduler.jobs.empty());
}

TEST_F(wake, run_here_leaves_a_receiver_that_is_busy_to_the_scheduler) {
  notes seen;
  const auto actor = make(seen);
  caf::anon_send(actor, job_due{1});
  run_here here(system);
  send_by(here, actor, job_due{2});
  here.run();
  EXPECT_TRUE(seen.taken.empty());
  run();
  EXPECT_EQ(seen.taken, (std::vector<std::size_t>{1, 2}));
}

TEST_F(wake, run_here_takes_one_message_and_leaves_what_came_behind_it_to_the_scheduler) {
  notes seen;
  const auto actor = make(seen);
  run_here here(system);
  send_by(here, actor, job_due{1});
  caf::anon_send(actor, job_due{2});
  here.run();
  EXPECT_EQ(seen.taken, std::vector<std::size_t>{1});
  run();
  EXPECT_EQ(seen.taken, (std::vector<std::size_t>{1, 2}));
}

TEST_F(wake, run_here_runs_whom_its_receivers_wake_too) {
  notes first, second;
  const auto actor = make(first, make(second));
  run_here here(system);
  send_by(here, actor, run_order{9, {}});
  here.run();
  EXPECT_EQ(second.taken, std::vector<std::size_t>{9});
  EXPECT_TRUE(scheduler.jobs.empty());
}

TEST_F(wake, run_here_leaves_whom_its_receivers_send_to_alone_while_they_are_busy) {
  notes first, second;
  const auto next = make(second);
  const auto actor = make(first, next);
  caf::anon_send(next, job_due{1});
  run_here here(system);
  send_by(here, actor, run_order{9, {}});
  here.run();
  EXPECT_TRUE(second.taken.empty());
  run();
  EXPECT_EQ(second.taken, (std::vector<std::size_t>{1, 9}));
}

TEST_F(wake, run_here_runs_the_receivers_of_all_that_was_sent) {
  notes one, other;
  run_here here(system);
  send_by(here, make(one), job_due{1});
  send_by(here, make(other), job_due{2});
  here.run();
  EXPECT_EQ(one.taken, std::vector<std::size_t>{1});
  EXPECT_EQ(other.taken, std::vector<std::size_t>{2});
}

TEST_F(wake, a_receiver_that_fails_on_the_asking_thread_ends_as_on_any_other) {
  notes seen;
  const auto actor = make(seen);
  run_here here(system);
  send_by(here, actor, job_due{666});
  here.run();
  send_by(here, actor, job_due{1});
  here.run();
  run();
  EXPECT_EQ(seen.taken, std::vector<std::size_t>{666});
}

TEST_F(wake, a_bundle_is_one_job_for_many_receivers_and_the_last_goes_with_the_unit) {
  std::vector<notes> seen(2 * limits::wake_bundle + 5);
  std::vector<noting_actor> actors;
  for (auto& each : seen) actors.push_back(make(each));
  {
    bundled_wakes wakes(system);
    for (std::size_t i = 0; i < actors.size(); ++i) send_by(wakes, actors[i], job_due{i});
    EXPECT_EQ(scheduler.jobs.size(), 2U);
  }
  EXPECT_EQ(scheduler.jobs.size(), 3U);
  scheduler.run_once();
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].taken.size(), i < limits::wake_bundle ? 1U : 0U);
  run();
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].taken, std::vector<std::size_t>{i});
}

TEST_F(wake, a_receiver_with_more_messages_than_a_turn_takes_goes_on_behind_its_bundle) {
  notes one, other;
  const auto busy = make(one), idle = make(other);
  {
    bundled_wakes wakes(system);
    for (std::size_t i = 0; i < 3; ++i) send_by(wakes, busy, job_due{i});
    send_by(wakes, idle, job_due{7});
  }
  scheduler.run_once();  // a turn of the test's scheduler takes one message
  EXPECT_EQ(one.taken.size(), 1U);
  EXPECT_EQ(other.taken.size(), 1U);
  run();
  EXPECT_EQ(one.taken, (std::vector<std::size_t>{0, 1, 2}));
}

TEST_F(wake, a_receiver_that_fails_does_not_keep_the_others_of_its_bundle_waiting) {
  notes one, other;
  const auto fails = make(one), goes_on = make(other);
  {
    bundled_wakes wakes(system);
    send_by(wakes, fails, job_due{666});
    send_by(wakes, goes_on, job_due{1});
  }
  run();
  EXPECT_EQ(other.taken, std::vector<std::size_t>{1});
}

}  // namespace
}  // namespace factory
