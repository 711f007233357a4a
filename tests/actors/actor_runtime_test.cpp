#include "actors/engine/actor_runtime.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <future>
#include <utility>

#include "actors/flow/wake.hpp"

namespace factory {
namespace {

using policy_and_nice = std::pair<int, int>;
policy_and_nice of_this_thread() { return {::sched_getscheduler(0), ::getpriority(PRIO_PROCESS, 0)}; }

struct telling final : caf::ref_counted, caf::resumable {
  std::promise<policy_and_nice> told;
  resume_result resume(caf::execution_unit*, std::size_t) override {
    told.set_value(of_this_thread());
    return done;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }
};

TEST(actor_runtime, a_worker_that_runs_bundles_gives_way_to_other_threads) {
  const auto usual = of_this_thread();
  actor_runtime runtime(1);
  const auto job = caf::make_counted<telling>();
  job->ref();
  bundled_wakes(runtime.system()).exec_later(job.get());
  EXPECT_EQ(job->told.get_future().get(), policy_and_nice(SCHED_BATCH, usual.second + 5));
  EXPECT_EQ(of_this_thread(), usual);
}

}  // namespace
}  // namespace factory
