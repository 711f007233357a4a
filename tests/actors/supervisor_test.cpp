#include "actors/sensors/supervisor.hpp"

#include <stdexcept>

#include "actors/sensors/failure.hpp"
#include "actors/support/deterministic.hpp"

namespace factory::test {
namespace {

/// A supervisor that watches one actor of a stage, which throws at any drain_order.
struct supervisor_test : deterministic {
  supervisor_test() {
    watched = spawn(
        [](stage_actor::pointer self, const char* name) -> stage_actor::behavior_type {
          fail_loudly(self, name);
          return {[](const found_events&) {},
                  [](const alarm_readings&) {},
                  [](const new_config&) {},
                  [](const new_command&) {},
                  [](const new_tick&) {},
                  [](const adopt_order&) {},
                  [](const save_order&) {},
                  [](const drain_order&) { throw std::runtime_error("broken"); },
                  [self](const retire_order&) { self->quit(); }};
        },
        "the test's actor");
    caf::anon_send(watching, watch_order{watch_order::kind::shard, 5, caf::actor_cast<caf::strong_actor_ptr>(watched)});
    run();
  }

  std::vector<failed_actor> failed;
  supervisor_actor watching = spawn(supervisor, [this](const failed_actor& each) { failed.push_back(each); });
  stage_actor watched;
};

TEST_F(supervisor_test, reports_an_actor_that_threw_once_and_says_which) {
  caf::anon_send(watched, drain_order{});
  caf::anon_send(watched, drain_order{});
  run();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].what, watch_order::kind::shard);
  EXPECT_EQ(failed[0].id, 5U);
  EXPECT_EQ(failed[0].who, watched.address());
}

TEST_F(supervisor_test, reports_an_actor_that_was_killed) {
  caf::anon_send_exit(watched, caf::exit_reason::kill);
  run();
  EXPECT_EQ(failed.size(), 1U);
}

TEST_F(supervisor_test, reports_an_actor_that_was_gone_before_it_was_watched) {
  {
    const auto soon_gone = system.spawn([](caf::event_based_actor*, int) -> caf::behavior { return {[](int) {}}; }, 1);
    run();
    caf::anon_send_exit(soon_gone, caf::exit_reason::kill);
    caf::anon_send(watching, watch_order{watch_order::kind::sensor, 6, caf::actor_cast<caf::strong_actor_ptr>(soon_gone)});
  }
  run();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].id, 6U);
}

TEST_F(supervisor_test, says_nothing_of_one_that_ended_by_itself_or_with_the_engine) {
  caf::anon_send(watched, retire_order{});
  run();
  EXPECT_TRUE(failed.empty());
}

TEST_F(supervisor_test, says_nothing_of_a_shutdown) {
  caf::anon_send_exit(watched, caf::exit_reason::user_shutdown);
  run();
  EXPECT_TRUE(failed.empty());
}

}  // namespace
}  // namespace factory::test
