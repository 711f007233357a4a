// Pipelines that are made together, changed and deleted, and the sensors that they fill.
#include <map>
#include <string>
#include <vector>

#include "actors/support/streams_fixture.hpp"

namespace factory::test {
namespace {

struct engine_streams_changes : engine_streams {};

TEST_F(engine_streams_changes, a_change_begins_anew_with_the_same_sensor_and_a_new_name_changes_nothing) {
  begin(1);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}, {ten_us + 119 * second_us, 5.0}});
  EXPECT_EQ(running->update_pipeline(made.id, R"({"name":"another"})")->version, 1U);
  ingest(1, {{ten_us + 120 * second_us, 1.0}});
  const auto filled = made.instances[0].sinks[0];
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}, {ten_us + 60 * second_us, 4.0}}));
  const auto changed =
      running->update_pipeline(made.id, R"({"steps":[{"window":{"tumbling_ms":60000},"aggregate":"max"}]})").value();
  EXPECT_EQ(changed.version, 2U);
  EXPECT_EQ(changed.instances[0].sinks[0], filled);
  ingest(1, {{ten_us + 180 * second_us, 7.0}, {ten_us + 190 * second_us, 9.0}, {ten_us + 240 * second_us, 0.0}});
  EXPECT_EQ(readings(filled).at(ten_us + 180 * second_us), 9.0);
}

TEST_F(engine_streams_changes, an_instance_that_comes_back_fills_the_sensor_that_it_filled) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto filled = made.instances[0].sinks[0];
  const auto rename = [this](const std::string& name) {
    auto entry = running->entities().find_sensor(1).value();
    entry.name = name;
    ASSERT_TRUE(running->update(entry));
  };
  rename("under repair");
  ASSERT_EQ(running->find_pipeline(made.id)->instances.size(), 1U);
  open();
  rename("bearing_a");
  EXPECT_TRUE(running->left_out_of_pipeline(made.id).first.empty());
  ASSERT_EQ(running->find_pipeline(made.id)->instances.size(), 2U);
  EXPECT_EQ(running->find_pipeline(made.id)->instances[0].sinks, std::vector{filled});
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"other","unit":"K"}}]})"));
  const auto again = running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->instances[0].sinks, std::vector{filled});
  ingest(1, {{ten_us, 5.0}, {ten_us + 60 * second_us, 5.0}});
  ingest(2, {{ten_us, 4.0}, {ten_us + 60 * second_us, 4.0}});
  EXPECT_EQ(readings(filled), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
}

TEST_F(engine_streams_changes, another_unit_of_a_sink_is_that_of_its_sensors) {
  begin(2);
  const auto made = running->create_pipeline(difference_of_bearings).value();
  const auto unit_of = [this](sensor_id sensor) { return running->entities().find_sensor(sensor)->unit; };
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"C"}}]})"));
  for (const auto& each : made.instances) EXPECT_EQ(unit_of(each.sinks[0]), "C");
  auto by_hand = running->entities().find_sensor(made.instances[0].sinks[0]).value();
  by_hand.unit = "Kelvin";
  ASSERT_TRUE(running->update(by_hand));
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"name":"another"})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"C"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin") << "the sink says what it said";
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"steps":[{"align":{"tolerance_ms":1000}}, {"compute":"b - a"}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "Kelvin");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"F"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "F");
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"other"}}]})"));
  ASSERT_TRUE(running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"bearing_difference","unit":"K"}}]})"));
  EXPECT_EQ(unit_of(by_hand.id), "K") << "also of a sensor that it fills again";
}

TEST_F(engine_streams_changes, a_sink_that_names_another_machine_fills_a_sensor_there) {
  begin(2);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto on = [&](const std::string& machine) {
    return running->update_pipeline(made.id, R"({"sinks":[{"sensor":{"name":"means")" + machine + "}}]}");
  };
  const auto first = made.instances[0].sinks[0];
  EXPECT_EQ(on(R"(,"machine_id":1)")->instances[0].sinks[0], first) << "it lies there already";
  const auto moved = on(R"(,"machine_id":2)");
  ASSERT_TRUE(moved) << moved.error().message;
  const auto second = moved->instances[0].sinks[0];
  EXPECT_EQ(second, sensor_named(2, "means"));
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}});
  EXPECT_EQ(readings(second), (std::map<std::int64_t, double>{{ten_us, 1.0}}));
  EXPECT_TRUE(readings(first).empty());
  EXPECT_EQ(on("")->instances[0].sinks[0], first) << "the machine of its sources again";
  EXPECT_EQ(on(R"(,"machine_id":2)")->instances[0].sinks[0], second);
  const auto nowhere = on(R"(,"machine_id":9)");
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().field, "sinks[0].sensor.machine_id");
  auto by_hand = running->entities().find_sensor(second).value();
  by_hand.machine = 1;
  by_hand.name = "moved";
  ASSERT_TRUE(running->update(by_hand));
  const auto kept = running->update_pipeline(made.id, R"({"steps":[]})");
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->instances[0].sinks[0], second) << "what somebody has moved stays the instance's";
}

TEST_F(engine_streams_changes, a_pipeline_that_comes_to_be_per_machine_goes_on_with_the_sensor_that_it_has_there) {
  begin(2);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto changed = running->update_pipeline(made.id, R"({"per":"machine","sources":{"a":{"name":"bearing_a"}}})");
  ASSERT_TRUE(changed) << changed.error().message;
  ASSERT_EQ(changed->instances.size(), 2U);
  EXPECT_EQ(changed->instances[0].sinks, made.instances[0].sinks);
  EXPECT_EQ(changed->instances[1].sinks, std::vector{sensor_named(2, "means")});
  const auto back = running->update_pipeline(made.id, R"({"per":null,"sources":{"a":{"sensor_id":3}}})");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->instances[0].sinks, changed->instances[1].sinks);
}

TEST_F(engine_streams_changes, a_deleted_pipeline_leaves_its_sensors_and_frees_them) {
  begin(1);
  const auto made = running->create_pipeline(over_sensor(1, "means", minutely_mean)).value();
  const auto filled = made.instances[0].sinks[0];
  EXPECT_EQ(running->remove_sensor(filled).error().code, errc::conflict);
  ASSERT_TRUE(running->remove_pipeline(made.id));
  EXPECT_EQ(running->find_pipeline(made.id).error().code, errc::not_found);
  ingest(1, {{ten_us, 1.0}, {ten_us + 60 * second_us, 3.0}});
  EXPECT_TRUE(readings(filled).empty());
  EXPECT_TRUE(running->remove_sensor(filled));
  open();
  EXPECT_TRUE(running->pipelines().empty());
}

TEST_F(engine_streams_changes, several_are_made_together_or_not_at_all) {
  begin(1);
  const auto bad = over_sensor(99, "bad", minutely_mean);
  const auto refused = running->create_pipelines({over_sensor(1, "first", minutely_mean), bad});
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().rows.size(), 1U);
  EXPECT_EQ(refused.error().rows[0].index, 1U);
  EXPECT_EQ(refused.error().rows[0].field, "sources.a.sensor_id");
  EXPECT_TRUE(running->pipelines().empty());
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  const auto same_name =
      running->create_pipelines({over_sensor(1, "first", minutely_mean), over_sensor(2, "bearing_a", minutely_mean)});
  ASSERT_FALSE(same_name);
  ASSERT_EQ(same_name.error().rows.size(), 1U);
  EXPECT_EQ(same_name.error().rows[0].index, 1U);
  EXPECT_EQ(same_name.error().rows[0].field, "sinks[0].sensor.name");
  const auto made = running->create_pipelines({over_sensor(1, "first", minutely_mean), over_sensor(2, "second", minutely_mean)});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->size(), 2U);
  EXPECT_EQ((*made)[1].id, (*made)[0].id + 1);
  EXPECT_EQ((*made)[1].instances[0].sinks[0], sensor_named(1, "second"));
  open();
  EXPECT_EQ(running->pipelines().size(), 2U);
  EXPECT_TRUE(running->derived_sensors()->contains(sensor_named(1, "first")));
}

TEST_F(engine_streams_changes, the_sensors_go_with_the_pipeline_when_asked_for_and_nobody_needs_them) {
  begin(1);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto filled = first.instances[0].sinks[0];
  const auto second = running->create_pipeline(over_sensor(filled, "second", minutely_mean)).value();
  EXPECT_EQ(running->remove_pipeline(first.id, true).error().code, errc::conflict);
  EXPECT_TRUE(running->find_pipeline(first.id));
  ASSERT_TRUE(running->remove_pipeline(second.id, true));
  ASSERT_TRUE(running->remove_pipeline(first.id, true));
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  EXPECT_EQ(sensor_named(1, "second"), 0U);
  EXPECT_EQ(running->derived_sensors(), nullptr);
}

TEST_F(engine_streams_changes, with_a_pipeline_go_also_the_sensors_that_only_former_instances_filled) {
  begin(2);
  const auto first = running->create_pipeline(over_sensor(1, "first", minutely_mean)).value();
  const auto renamed = running->update_pipeline(first.id, R"({"sinks":[{"sensor":{"name":"renamed"}}]})").value();
  const auto former = first.instances[0].sinks[0];
  const auto second = running->create_pipeline(over_sensor(former, "second", minutely_mean)).value();
  EXPECT_EQ(running->remove_pipeline(first.id, true).error().code, errc::conflict);
  EXPECT_TRUE(running->find_pipeline(first.id));
  EXPECT_NE(sensor_named(1, "renamed"), 0U) << "all or nothing";
  ASSERT_TRUE(running->remove_pipeline(second.id));
  ASSERT_TRUE(running->remove_pipeline(first.id, true));
  EXPECT_EQ(sensor_named(1, "renamed"), 0U);
  EXPECT_EQ(sensor_named(1, "first"), 0U);
  EXPECT_NE(sensor_named(1, "second"), 0U);
  open();
  EXPECT_EQ(running->entities().sensors().size(), 5U) << "two of each press, and that of the second";
}

}  // namespace
}  // namespace factory::test
