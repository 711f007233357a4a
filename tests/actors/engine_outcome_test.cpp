// What a change of the catalog leaves behind when the disk fails in its midst.
#include "actors/engine/engine_impl.hpp"
#include "actors/support/engine_fixture.hpp"
#include "storage/base/rocks.hpp"
#include "support/times.hpp"

namespace factory {

struct engine_parts {
  static engine::impl& of(engine& it) { return *it.impl_; }
};

namespace test {
namespace {

struct engine_outcome_test : engine_test {
  database::impl& disk() { return engine_parts::of(*running).db->raw(); }
};

TEST_F(engine_outcome_test, a_change_whose_write_fails_leaves_memory_as_it_was_and_the_next_one_goes_on) {
  begin(1);
  disk().writes_fail = true;
  EXPECT_FALSE(running->create(std::vector{sensor_entry{0, 1, "lost", "C", {}, 0}}));
  disk().writes_fail = false;
  EXPECT_EQ(running->known_sensors()->size(), 1U);
  EXPECT_EQ(running->create(std::vector{sensor_entry{0, 1, "next", "C", {}, 0}}).value().front().id, 2U);
  open();
  EXPECT_EQ(running->known_sensors()->size(), 2U);
}

TEST_F(engine_outcome_test, a_deletion_that_is_on_disk_although_it_failed_is_in_force_and_cleared_away) {
  begin(2);
  ASSERT_TRUE(ingest(1, {{ten_us, 95}}));
  ASSERT_TRUE(running->settle(60'000));
  ASSERT_EQ(running->events().count().active_alerts, 1U);
  disk().marks_fail = true;
  EXPECT_FALSE(running->remove_sensor(1));
  disk().marks_fail = false;
  await([&] { return !running->known_sensors()->contains(1); }, "the change to be applied");
  await([&] { return running->events().count().active_alerts == 0; }, "the housekeeper to end the alert");
  ASSERT_TRUE(ingest(2, calm(0, 10)));
  open();
  EXPECT_FALSE(running->known_sensors()->contains(1));
  EXPECT_EQ(running->stats(2, {}, {})->values.count, 10U);
}

TEST_F(engine_outcome_test, a_deletion_that_is_not_on_disk_takes_no_reading_away) {
  begin(1);
  ASSERT_TRUE(ingest(1, calm(0, 10)));
  disk().writes_fail = true;
  EXPECT_FALSE(running->remove_sensor(1));
  disk().writes_fail = false;
  ASSERT_TRUE(ingest(1, calm(10, 10)));
  EXPECT_EQ(running->stats(1, {}, {})->values.count, 20U);
  open();
  EXPECT_EQ(running->stats(1, {}, {})->values.count, 20U);
}

}  // namespace
}  // namespace test
}  // namespace factory
