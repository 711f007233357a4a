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

const std::string minutely = R"({"name":"minutely","sources":{"a":{"sensor_id":1}},
  "steps":[{"window":{"tumbling_ms":60000},"aggregate":"mean"}],"sinks":[{"sensor":{"name":"minutely"}}]})";

TEST_F(engine_outcome_test, a_pipeline_that_is_on_disk_although_it_failed_runs) {
  begin(1);
  disk().marks_fail = true;
  EXPECT_FALSE(running->create_pipeline(minutely));
  disk().marks_fail = false;
  ASSERT_TRUE(ingest(1, calm(0, 200)));
  await([&] { return running->report_of_pipeline(1).size() == 1; }, "the housekeeper to start the instance");
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(running->stats(2, {}, {})->values.count, 3U);

  disk().marks_fail = true;
  EXPECT_FALSE(running->update_pipeline(1, R"({"steps":[{"window":{"tumbling_ms":1000},"aggregate":"mean"}]})"));
  disk().marks_fail = false;
  await([&] { return running->find_pipeline(1)->version == 2; }, "the change to be applied");
  ASSERT_TRUE(ingest(1, calm(200, 200)));
  await([&] { return running->stats(2, {}, {})->values.count > 100; }, "the housekeeper to start another instance");

  disk().marks_fail = true;
  EXPECT_FALSE(running->remove_pipeline(1, false));
  disk().marks_fail = false;
  await([&] { return running->report_of_pipeline(1).empty(); }, "the housekeeper to end the instance");
}

TEST_F(engine_outcome_test, a_change_of_a_pipeline_that_fails_behind_its_commit_is_finished_by_the_housekeeper) {
  begin(1);
  ASSERT_TRUE(running->create_pipeline(minutely));
  disk().failing = "removing the states of a pipeline";
  const auto changed = running->update_pipeline(1, R"({"steps":[{"window":{"tumbling_ms":1000},"aggregate":"mean"}]})");
  EXPECT_FALSE(changed);
  disk().failing = nullptr;
  EXPECT_EQ(running->find_pipeline(1)->version, 2U);
  await([&] { return running->report_of_pipeline(1).size() == 1; }, "the housekeeper to start the instance");
  ASSERT_TRUE(ingest(1, calm(0, 200)));
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(running->stats(2, {}, {})->values.count, 199U);
}

TEST_F(engine_outcome_test, another_unit_of_a_sink_reaches_its_sensor_with_the_commit_and_not_behind_it) {
  begin(1);
  ASSERT_TRUE(running->create_pipeline(minutely));
  const auto in_celsius = [&] { return running->update_pipeline(1, R"({"sinks":[{"sensor":{"name":"minutely","unit":"C"}}]})"); };
  const auto unit = [&] { return running->entities().find_sensor(2)->unit; };
  disk().writes_fail = true;
  EXPECT_FALSE(in_celsius());
  disk().writes_fail = false;
  EXPECT_EQ(running->find_pipeline(1)->version, 1U);
  EXPECT_EQ(unit(), "") << "all or nothing";
  disk().failing = "removing the states of a pipeline";
  EXPECT_FALSE(in_celsius());
  disk().failing = nullptr;
  EXPECT_EQ(running->find_pipeline(1)->version, 2U);
  EXPECT_EQ(unit(), "C");
}

TEST_F(engine_outcome_test, the_sensors_of_a_pipeline_go_with_it_whatever_fails) {
  begin(1);
  auto time_us = ten_us;
  for (const bool behind_the_commit : {true, false}) {
    const auto made = running->create_pipeline(minutely).value();
    const auto filled = made.instances[0].sinks[0];
    alert_rule hot{0, filled, "hot", rule_condition::greater_than, 0, 90, severity::rule_warning, true};
    running->create(std::vector{hot}).value();
    for (int i = 0; i < 2; ++i, time_us += minute_us) ASSERT_TRUE(ingest(1, {{time_us, 95}}));
    ASSERT_TRUE(running->settle(60'000));
    EXPECT_EQ(running->events().count().active_alerts, 2U) << "that of the source, too";
    if (behind_the_commit)
      disk().failing = "removing the states of a pipeline";
    else
      disk().marks_fail = true;
    EXPECT_FALSE(running->remove_pipeline(made.id, true));
    disk().failing = nullptr;
    disk().marks_fail = false;
    await([&] { return !running->known_sensors()->contains(filled); }, "the sensor to go");
    await([&] { return running->events().count().active_alerts == 1; }, "its alert to end");
    await([&] { return running->report_of_pipeline(made.id).empty(); }, "the instance to end");
    EXPECT_EQ(running->find_pipeline(made.id).error().code, errc::not_found);
  }
  open();
  EXPECT_EQ(running->known_sensors()->size(), 1U);
}

TEST_F(engine_outcome_test, a_pipeline_that_is_not_on_disk_does_not_run) {
  begin(1);
  disk().writes_fail = true;
  EXPECT_FALSE(running->create_pipeline(minutely));
  disk().writes_fail = false;
  ASSERT_TRUE(running->create_pipeline(minutely));
  EXPECT_EQ(running->pipelines().size(), 1U);
}

}  // namespace
}  // namespace test
}  // namespace factory
