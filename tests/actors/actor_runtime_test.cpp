#include "actors/actor_runtime.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <future>
#include <utility>

namespace factory {
namespace {

std::pair<int, int> policy_and_nice() { return {::sched_getscheduler(0), ::getpriority(PRIO_PROCESS, 0)}; }

TEST(actor_runtime, workers_give_way_to_other_threads_and_actors_with_a_thread_of_their_own_do_not) {
  const auto usual = policy_and_nice();
  actor_runtime runtime(1);
  std::promise<std::pair<int, int>> worker, own_thread;
  runtime.system().spawn([&] { worker.set_value(policy_and_nice()); });
  runtime.system().spawn<caf::detached>([&] { own_thread.set_value(policy_and_nice()); });
  EXPECT_EQ(worker.get_future().get(), std::pair(SCHED_BATCH, usual.second + 10));
  EXPECT_EQ(own_thread.get_future().get(), usual);
}

}  // namespace
}  // namespace factory
