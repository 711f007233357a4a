// Pipelines on the facade over everything, on a real directory.
#include <filesystem>
#include <iterator>
#include <random>
#include <vector>

#include "actors/support/streams_fixture.hpp"
#include "pipelines/support/stream_reference.hpp"

namespace factory::test {
namespace {

TEST_F(engine_streams, a_pipeline_fills_a_sensor_of_each_machine) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->instances.size(), 2U);
  const auto filled = sensor_named(2, "bearing_difference");
  EXPECT_EQ(made->instances[1].sinks, std::vector<sensor_id>{filled});
  ingest(3, {{ten_us, 50.0}, {ten_us + 30 * second_us, 60.0}, {ten_us + 61 * second_us, 99.0}});
  ingest(4, {{ten_us, 49.0}, {ten_us + 30 * second_us, 57.0}, {ten_us + 61 * second_us, 99.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  EXPECT_TRUE(readings(sensor_named(1, "bearing_difference")).empty());
  ingest(4, {{ten_us + 30 * second_us, 59.0}});  // corrected within the lateness
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  const auto reports = running->report_of_pipeline(made->id);
  ASSERT_EQ(reports.size(), 2U);
  ASSERT_TRUE(reports[1].seen);
  EXPECT_EQ(reports[1].seen->counts.in, 7U);
  EXPECT_EQ(reports[1].seen->counts.out, 1U);
  EXPECT_EQ(reports[1].state, stream_condition::running);
}

TEST_F(engine_streams, a_machine_that_comes_later_has_an_instance) {
  begin(1);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto machine = add_press();
  const auto filled = sensor_named(machine, "bearing_difference");
  ASSERT_NE(filled, 0U);
  ingest(4, {{ten_us, 5.0}, {ten_us + 60 * second_us, 5.0}});
  ingest(5, {{ten_us, 4.0}, {ten_us + 60 * second_us, 4.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_EQ(running->find_pipeline(made.id)->instances.size(), 2U);
}

TEST_F(engine_streams, a_filled_sensor_is_the_source_of_another_pipeline) {
  begin(1);
  const auto minutes = running->create_pipeline(over_sensor(1, "minutes", minutely_mean)).value();
  const auto hours = running->create_pipeline(
      over_sensor(minutes.instances[0].sinks[0], "hours", R"({"window":{"tumbling_ms":3600000},"aggregate":"max"})"));
  ASSERT_TRUE(hours) << hours.error().message;
  timed_values rows;
  for (int minute = 0; minute < 62; ++minute) rows.emplace_back(ten_us + minute * 60 * second_us, minute);
  ingest(1, rows);
  constexpr auto hour_us = 3'600 * second_us;
  EXPECT_EQ(readings(hours->instances[0].sinks[0]), (std::map<std::int64_t, double>{{ten_us / hour_us * hour_us, 59.0}}));
  EXPECT_EQ(readings(minutes.instances[0].sinks[0]).size(), 61U);
}

TEST_F(engine_streams, a_window_emptied_by_bad_quality_takes_its_derived_reading_back_and_all_that_comes_of_it) {
  begin(1);
  const auto minutes = running->create_pipeline(over_sensor(1, "minutes", minutely_mean)).value();
  const auto filled = minutes.instances[0].sinks[0];
  const auto twice =
      running->create_pipeline(over_sensor(filled, "twice", R"({"compute":"a * 2"})")).value().instances[0].sinks[0];
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}, {ten_us + 120 * second_us, 5.0}});
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}, {ten_us + 60 * second_us, 6.0}}));
  auto turned = *batch_of(1, {{ten_us + 60 * second_us, 3.0}});
  turned.flags = {flag_bad};
  ASSERT_TRUE(running->ingest(reading_batch(turned), durability::buffered));
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  open();
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}}));
  ingest(1, {{ten_us + 60 * second_us, 3.0}});
  EXPECT_EQ(readings(twice), (std::map<std::int64_t, double>{{ten_us, 2.0}, {ten_us + 60 * second_us, 6.0}}));
}

TEST_F(engine_streams, a_pipeline_that_would_feed_itself_is_refused) {
  begin(1);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto second = running->create_pipeline(over_sensor(first.instances[0].sinks[0], "second", minutely_mean)).value();
  const auto changed = running->update_pipeline(
      first.id, R"({"sources":{"a":{"sensor_id":)" + std::to_string(second.instances[0].sinks[0]) + "}}}");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().field, "sources");
  EXPECT_EQ(running->find_pipeline(first.id)->version, 1U);
}

TEST_F(engine_streams, an_event_ends_with_its_pipeline_and_stands_through_a_restart) {
  begin(1);
  const auto made = running->create_pipeline(R"({"name":"hot","sources":{"a":{"sensor_id":1}},"steps":[],
      "sinks":[{"event":{"when":"value > 5"}},{"sensor":{"name":"same"}}]})");
  ASSERT_TRUE(made) << made.error().message;
  ingest(1, {{ten_us, 9.0}});
  ASSERT_TRUE(running->settle(settle_ms));
  const event_key raised{1, ten_us, event_source::pipeline, pipeline_rule(made->id, 0), event_kind::pipeline_raised, 0};
  const auto found = [&] { return running->events().find(raised).value(); };
  ASSERT_TRUE(found());
  EXPECT_TRUE(found()->open());
  open();
  EXPECT_TRUE(found()->open());
  ASSERT_TRUE(running->update_pipeline(made->id, R"({"sinks":[{"event":{"when":"value > 6"}},{"sensor":{"name":"same"}}]})"));
  EXPECT_FALSE(found()->open());
  ingest(1, {{ten_us, 8.0}});  // the pipeline that is there now finds it anew, though it begins at the same time
  ASSERT_TRUE(running->settle(settle_ms));
  EXPECT_TRUE(found()->open());
  EXPECT_EQ(found()->stated->value, 8.0);
  ASSERT_TRUE(running->remove_pipeline(made->id));
  EXPECT_FALSE(found()->open());
}

TEST_F(engine_streams, results_are_those_of_the_set_of_readings_through_checkpoints_and_restarts) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 random(seed);
    begin(1);
    const auto made = running->create_pipeline(difference_of_bearings).value();
    const auto filled = made.instances[0].sinks[0];
    std::vector<stream_reference::series> sources(2);
    std::int64_t now_us = ten_us;
    for (int step = 0; step < 60; ++step) {
      for (const std::size_t source : {0U, 1U}) {
        timed_values rows;
        for (std::size_t i = 0; i < 1 + random() % 8; ++i) {
          const auto time_us = now_us + static_cast<std::int64_t>(random() % 20) * second_us;
          rows.emplace_back(time_us, static_cast<double>(random() % 100));
          sources[source][time_us] = rows.back().second;
        }
        ingest(static_cast<sensor_id>(source + 1), rows);
      }
      now_us += 5 * second_us;
      if (random() % 10 == 0) {
        ASSERT_TRUE(running->checkpoint());
      }
      if (random() % 15 == 0) open();
    }
    for (const std::size_t source : {0U, 1U}) {  // ends the last window
      sources[source][now_us + 120 * second_us] = 1;
      ingest(static_cast<sensor_id>(source + 1), {{now_us + 120 * second_us, 1.0}});
    }
    auto expected_results = stream_reference::run(parse_pipeline(difference_of_bearings).value(), sources);
    auto found = readings(filled);
    expected_results.erase(std::prev(expected_results.end()));  // the window of the last reading ends when time passes
    if (found.size() > expected_results.size()) found.erase(std::prev(found.end()));
    EXPECT_EQ(found, expected_results) << "seed " << seed;
    running.reset();
    std::filesystem::remove_all(directory.path());
    std::filesystem::create_directory(directory.path());
  }
}

}  // namespace
}  // namespace factory::test
