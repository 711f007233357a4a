#pragma once

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>
#include <functional>
#include <random>
#include <vector>

#include "actors/analysis/stage.hpp"

namespace factory::test {

/// Actors on CAF's deterministic scheduler: nothing moves until run(), and then one message a step on this thread.
/// CAF's own test header brings a test engine and macros of its own, so this takes its place.
struct deterministic : testing::Test {
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }  // an atom: CAF silently ignores a string
  };

  deterministic() { scheduler.advance_time(std::chrono::hours(1)); }  // at zero, time-outs would look as if none were set
  ~deterministic() override { end_all(); }

  /// Spawned and ended with the test: an actor left alive would keep the actor system from ending.
  template <class... Args>
  auto spawn(Args&&... args) {
    static_assert(sizeof...(Args) > 1,
                  "CAF 0.17.6 makes a reference to nothing for a function without arguments (init_fun_factory.hpp)");
    auto actor = system.spawn(std::forward<Args>(args)...);
    ends_.emplace_back([actor] { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); });
    return actor;
  }
  /// The analysis chain of a shard.
  std::shared_ptr<const stage_line> spawn_chain(const persistence& store) {
    const auto ticks = std::make_shared<tick_book>([](sensor_id, const tick&) {});
    return make_stage_line([&](const stage_kind& kind, const stage_actor& next) {
      return spawn(run_stage, &kind, stage_parts{store, ticks}, next);
    });
  }
  /// Until no actor has anything left to do.
  void run() { scheduler.run(); }
  /// The same in random order: any order that real threads could produce.
  void run_in_any_order(std::mt19937& random) {
    for (auto& jobs = scheduler.jobs; !jobs.empty(); scheduler.run_once())
      std::rotate(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(random() % jobs.size()), jobs.end());
  }
  void end_all() {
    for (const auto& end : std::exchange(ends_, {})) end();
    run();
  }

  config settings;
  caf::actor_system system{settings};
  caf::scheduler::test_coordinator& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());

 private:
  std::vector<std::function<void()>> ends_;
};

}  // namespace factory::test
