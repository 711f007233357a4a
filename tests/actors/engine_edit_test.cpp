// Changes of sensors beside what feedback changes.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "actors/support/engine_fixture.hpp"
#include "pipelines/command/feedback.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

struct engine_edit : test::engine_test {};

TEST_F(engine_edit, of_a_sensor_keeps_what_feedback_changes_at_the_same_time) {
  begin(1);
  auto rows = test::calm(0, 200);
  rows.emplace_back(ten_us + 200 * second_us, 500);
  ingest(1, rows).value();
  ASSERT_TRUE(running->settle(20'000));
  anomaly_query found;
  found.detector = event_source::z_score;
  const auto anomaly = running->events().anomalies(found).value().rows.at(0).stated->key;
  const auto before = (*running->entities().find_sensor(1)->stream)->z_threshold;
  std::atomic<bool> done{false};
  std::thread editor([&] {
    for (int i = 0; !done; ++i)
      EXPECT_TRUE(running->edit_sensor(1, [&](sensor_entry& it) {
        it.unit = std::to_string(i);
        return expected<void>();
      }));
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(running->give_feedback(anomaly, std::string(false_alarm), "", "Ann"));
    EXPECT_GT((*running->entities().find_sensor(1)->stream)->z_threshold, before);
    EXPECT_TRUE(running->give_feedback(anomaly, "confirmed", "", "Ann"));
    EXPECT_DOUBLE_EQ((*running->entities().find_sensor(1)->stream)->z_threshold, before);
  }
  done = true;
  editor.join();
}

TEST_F(engine_edit, that_is_refused_changes_nothing) {
  begin(1);
  const auto refused = running->edit_sensor(1, [](sensor_entry& it) -> expected<void> {
    it.unit = "other";
    return fail(errc::invalid, "no", "unit");
  });
  EXPECT_EQ(refused.error().field, "unit");
  EXPECT_EQ(running->entities().find_sensor(1)->unit, "C");
  EXPECT_EQ(running->edit_sensor(7, [](sensor_entry&) { return expected<void>(); }).error().code, errc::not_found);
}

}  // namespace
}  // namespace factory
