#include "pipelines/spec/pipeline_spec.hpp"

#include <gtest/gtest.h>

#include "pipelines/spec/units.hpp"

namespace factory {
namespace {

/// A pipeline with these members in place of those of a good one; an empty text takes the member away.
std::string pipeline_with(const std::string& sources, const std::string& steps, const std::string& sinks,
                          const std::string& more = "") {
  std::string out = R"({"name":"x")" + more;
  if (!sources.empty()) out += ",\"sources\":" + sources;
  if (!steps.empty()) out += ",\"steps\":" + steps;
  if (!sinks.empty()) out += ",\"sinks\":" + sinks;
  return out + "}";
}
const std::string one_sensor = R"({"a":{"sensor_id":1}})";
const std::string two_sensors = R"({"a":{"sensor_id":1},"b":{"sensor_id":2}})";
const std::string a_sink = R"([{"sensor":{"name":"y"}}])";

struct refused_pipeline {
  std::string json, field;
};

TEST(pipeline_spec, an_error_names_the_member) {
  const std::string window = R"([{"window":{"tumbling_ms":1000},"aggregate":"mean"}])";
  const std::string align = R"({"align":{"tolerance_ms":10}})";
  const refused_pipeline all[] = {
      {R"({"sources":{"a":{"sensor_id":1}},"steps":[],"sinks":[{"sensor":{"name":"y"}}]})", "name"},
      {pipeline_with("", window, a_sink), "sources"},
      {pipeline_with(one_sensor, "", a_sink), "steps"},
      {pipeline_with(one_sensor, window, ""), "sinks"},
      {pipeline_with(one_sensor, window, "[]"), "sinks"},
      {pipeline_with("{}", window, a_sink), "sources"},
      {pipeline_with("[]", window, a_sink), "sources"},
      {pipeline_with(one_sensor, window, a_sink, R"(,"id":7)"), "id"},
      {pipeline_with(one_sensor, window, a_sink, R"(,"name":"y")"), "name"},
      {pipeline_with(one_sensor, window, a_sink, R"(,"per":"sensor")"), "per"},
      {pipeline_with(one_sensor, window, a_sink, R"(,"per":"machine")"), "per"},
      {pipeline_with(one_sensor, window, a_sink, R"(,"enabled":1)"), "enabled"},
      {pipeline_with(R"({"value":{"sensor_id":1}})", window, a_sink), "sources.value"},
      {pipeline_with(R"({"max":{"sensor_id":1}})", window, a_sink), "sources.max"},
      {pipeline_with(R"({"1a":{"sensor_id":1}})", window, a_sink), "sources.1a"},
      {pipeline_with(R"({"a":{"sensor_id":0}})", window, a_sink), "sources.a.sensor_id"},
      {pipeline_with(R"({"a":{}})", window, a_sink), "sources.a"},
      {pipeline_with(R"({"a":{"sensor_id":1,"machine_type":"press"}})", window, a_sink), "sources.a.machine_type"},
      {pipeline_with(R"({"a":{"sensor_id":1,"colour":"red"}})", window, a_sink), "sources.a.colour"},
      {pipeline_with(one_sensor, R"([{"window":{"tumbling_ms":0},"aggregate":"mean"}])", a_sink), "steps[0].window.tumbling_ms"},
      {pipeline_with(one_sensor, R"([{"window":{},"aggregate":"mean"}])", a_sink), "steps[0].window"},
      {pipeline_with(one_sensor, R"([{"window":{"tumbling_ms":5,"count":3},"aggregate":"mean"}])", a_sink), "steps[0].window"},
      {pipeline_with(one_sensor, R"([{"window":{"hopping_ms":1000},"aggregate":"mean"}])", a_sink), "steps[0].window.every_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"hopping_ms":1000,"every_ms":1001},"aggregate":"mean"}])", a_sink),
       "steps[0].window.every_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"hopping_ms":1000,"every_ms":1},"aggregate":"mean"}])", a_sink),
       "steps[0].window.every_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"sliding_ms":1000,"every_ms":10},"aggregate":"mean"}])", a_sink),
       "steps[0].window.every_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"session_ms":1000,"shift_ms":10},"aggregate":"mean"}])", a_sink),
       "steps[0].window.shift_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"count":0},"aggregate":"mean"}])", a_sink), "steps[0].window.count"},
      {pipeline_with(one_sensor, R"([{"window":{"state":"b > 1"},"aggregate":"mean"}])", a_sink), "steps[0].window.state"},
      {pipeline_with(one_sensor, R"([{"window":{"count":5,"minimum_ms":5},"aggregate":"mean"}])", a_sink),
       "steps[0].window.minimum_ms"},
      {pipeline_with(one_sensor, R"([{"window":{"count":5},"aggregate":"quantile"}])", a_sink), "steps[0].aggregate"},
      {pipeline_with(one_sensor, R"([{"window":{"count":5},"aggregate":{"quantile":2}}])", a_sink),
       "steps[0].aggregate.quantile"},
      {pipeline_with(one_sensor, R"([{"limit":{"deadband":1}}])", a_sink), "steps[0].limit"},
      {pipeline_with(one_sensor, R"([{"limit":{"above":1,"below":2}}])", a_sink), "steps[0].limit.below"},
      {pipeline_with(one_sensor, R"([{"limit":{"above":1,"count":3,"of":2}}])", a_sink), "steps[0].limit.count"},
      {pipeline_with(one_sensor, R"([{"detector":"silent"}])", a_sink), "steps[0].detector"},
      {pipeline_with(one_sensor, R"([{"detector":{"name":"spike","sensitivity":0}}])", a_sink), "steps[0].detector.sensitivity"},
      {pipeline_with(one_sensor, R"([{"detector":{"sensitivity":1}}])", a_sink), "steps[0].detector.name"},
      {pipeline_with(one_sensor, R"([{"window":{"tumbling_ms":10},"aggregate":"avg"}])", a_sink), "steps[0].aggregate"},
      {pipeline_with(one_sensor, R"([{"window":{"tumbling_ms":10}}])", a_sink), "steps[0].aggregate"},
      {pipeline_with(one_sensor, R"([{"compute":"a","aggregate":"mean"}])", a_sink), "steps[0].aggregate"},
      {pipeline_with(one_sensor, R"([{"compute":"a","filter":"a"}])", a_sink), "steps[0]"},
      {pipeline_with(one_sensor, R"([{}])", a_sink), "steps[0]"},
      {pipeline_with(one_sensor, window, R"([{"event":{"severity":"WARNING"}}])"), "sinks[0].event.when"},
      {pipeline_with(one_sensor, window, R"([{"event":{"severity":"high","when":"value > 5"}}])"), "sinks[0].event.severity"},
      {pipeline_with(one_sensor, window, R"([{"event":{"when":"a > 5"}}])"), "sinks[0].event.when"},
      {pipeline_with(one_sensor, window, R"([{"channel":{"channel_id":1}}])"), "sinks"},
      {pipeline_with(one_sensor, window, R"([{"event":{"when":"value > 5"}},{"channel":{}}])"), "sinks[1].channel.channel_id"},
      {pipeline_with(one_sensor, R"([{"compute":"a +"}])", a_sink), "steps[0].compute"},
      {pipeline_with(one_sensor, R"([{"compute":"a = 5"}])", a_sink), "steps[0].compute"},
      {pipeline_with(one_sensor, R"([{"compute":"a, a"}])", a_sink), "steps[0].compute"},
      {pipeline_with(one_sensor, R"x([{"compute":"rnd()"}])x", a_sink), "steps[0].compute"},
      {pipeline_with(one_sensor, R"([{"filter":"b > 1"}])", a_sink), "steps[0].filter"},
      {pipeline_with(one_sensor, "[" + align + "]", a_sink), "steps[0].align"},
      {pipeline_with(two_sensors, R"([{"compute":"a - b"}])", a_sink), "steps[0]"},
      {pipeline_with(two_sensors, "[" + align + "]", a_sink), "steps"},
      {pipeline_with(two_sensors, "[" + align + R"(,{"compute":"value"}])", a_sink), "steps[1].compute"},
      {pipeline_with(two_sensors, "[" + align + R"(,{"window":{"tumbling_ms":10},"aggregate":"mean"}])", a_sink),
       "steps[1].window"},
      {pipeline_with(two_sensors,
                     "[" + align + R"(,{"compute":"a-b"},{"window":{"tumbling_ms":10},"aggregate":"mean"},{"filter":"a > 1"}])",
                     a_sink),
       "steps[3].filter"},
      {pipeline_with(one_sensor, window, R"([{"sensor":{"unit":"K"}}])"), "sinks[0].sensor.name"},
      {pipeline_with(one_sensor, window, R"([{"sensor":{"name":"y"}},{"sensor":{"name":"y"}}])"), "sinks[1].sensor.name"},
  };
  for (const auto& each : all) {
    const auto spec = parse_pipeline(each.json);
    ASSERT_FALSE(spec) << each.json;
    EXPECT_EQ(spec.error().field, each.field) << each.json << ": " << spec.error().message;
    EXPECT_EQ(spec.error().code, errc::invalid);
  }
  EXPECT_EQ(parse_pipeline("{").error().code, errc::malformed);
}

TEST(pipeline_spec, changes_take_the_place_of_members) {
  const auto merged =
      merge_pipeline(R"({"name": "a", "per": "machine", "steps": []})", R"({"steps":[1],"per":null,"enabled":false})");
  EXPECT_EQ(merged.value(), R"({"name":"a","steps":[1],"enabled":false})");
}

TEST(units, a_sum_of_unlike_units_and_a_sink_of_another_unit_are_refused) {
  const auto difference =
      parse_pipeline(pipeline_with(two_sensors, R"([{"align":{"tolerance_ms":10}},{"compute":"a - b"}])", a_sink)).value();
  EXPECT_TRUE(check_units(difference, std::vector<std::string>{"C", "C"}));
  EXPECT_TRUE(check_units(difference, std::vector<std::string>{"C", ""}));
  EXPECT_EQ(check_units(difference, std::vector<std::string>{"C", "bar"}).error().field, "steps[1].compute");
  const auto mean = parse_pipeline(pipeline_with(one_sensor, R"([{"window":{"tumbling_ms":10},"aggregate":"mean"}])",
                                                 R"([{"sensor":{"name":"y","unit":"bar"}}])"))
                        .value();
  EXPECT_TRUE(check_units(mean, std::vector<std::string>{"bar"}));
  EXPECT_EQ(check_units(mean, std::vector<std::string>{"C"}).error().field, "sinks[0].sensor.unit");
  const auto energy = [](const std::string& steps) {
    return parse_pipeline(pipeline_with(one_sensor, steps, R"([{"sensor":{"name":"y","unit":"kWh"}}])")).value();
  };
  const std::string integral = R"({"window":{"tumbling_ms":1000},"aggregate":"integral"})";
  EXPECT_EQ(check_units(energy("[" + integral + "]"), std::vector<std::string>{"kW"}).error().field, "sinks[0].sensor.unit");
  EXPECT_TRUE(check_units(energy("[" + integral + R"(,{"compute":"value / 3600"}])"), std::vector<std::string>{"kW"}));
}

}  // namespace
}  // namespace factory
