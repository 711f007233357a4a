// Rules of many sensors, over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// A press and an oven, each with a temperature: sensors 1 and 2; a template for presses: rule 1.
class templates : public testing::Test {
 protected:
  templates() {
    made(api.post("/api/factories", R"({"name":"Plant"})"));
    made(api.post("/api/machines", R"([{"factory_id":1,"name":"P","type":"press"},{"factory_id":1,"name":"O","type":"oven"}])"));
    made(api.post("/api/sensors", R"([{"machine_id":1,"name":"temp"},{"machine_id":2,"name":"temp"}])"));
    made(api.post("/api/rules",
                  R"({"selector":{"machine_type":"press","name":"temp*"},"name":"hot","condition":"GREATER_THAN","high":80})"));
  }
  static void made(const answer& got) { ASSERT_EQ(got.status, 201) << got.body; }
  void expect_patched(const std::string& path, const std::string& body) {
    const auto got = api.patch(path, body);
    EXPECT_EQ(got.status, 200) << got.body;
  }
  void post_value(std::uint32_t sensor, double value) { store(api, {{sensor, now_us_ += 1'000'000, value}}); }
  /// Alerts of the sensor that stand, and all that there were: "1/2".
  std::string alerts_of(std::uint32_t sensor) {
    await_processed(api);
    const auto found = get_json(api, fmt::format("/api/alerts?sensor_id={}", sensor));
    std::size_t active = 0;
    for (const auto& each : found["alerts"].GetArray()) active += each["active"].GetBool() ? 1 : 0;
    return fmt::format("{}/{}", active, found["alerts"].Size());
  }
  void expect_alerts(std::uint32_t sensor, const std::string& wanted) {
    await([&] { return alerts_of(sensor) == wanted; }, fmt::format("alerts {} of sensor {}", wanted, sensor));
  }
  void restart() {
    daemon_->restart();
    api = http_client(daemon_.process.api_port());
  }

  std::int64_t now_us_ = 1'705'658'400'000'000;
  fresh_daemon daemon_;
  http_client api{daemon_.process.api_port()};
};

TEST_F(templates, watch_sensors_that_are_there_and_that_come) {
  made(api.post("/api/sensors", R"([{"machine_id":1,"name":"temp oil"},{"machine_id":1,"name":"speed"}])"));
  for (std::uint32_t sensor = 1; sensor <= 4; ++sensor) post_value(sensor, 85);
  expect_alerts(1, "1/1");
  expect_alerts(2, "0/0");  // on an oven
  expect_alerts(3, "1/1");
  expect_alerts(4, "0/0");  // no temperature
  EXPECT_EQ(get_json(api, "/api/alerts?sensor_id=3")["alerts"][0]["rule_id"].GetUint(), 1U);
  restart();
  post_value(3, 70);
  post_value(3, 90);
  expect_alerts(1, "1/1");
  expect_alerts(3, "1/2");
}

TEST_F(templates, let_go_of_a_sensor_that_no_longer_matches) {
  post_value(1, 85);
  expect_alerts(1, "1/1");
  expect_patched("/api/sensors/1", R"({"name":"bearing"})");
  expect_alerts(1, "0/1");  // renamed: cleared
  expect_patched("/api/sensors/1", R"({"name":"temp"})");
  post_value(1, 86);
  expect_alerts(1, "1/2");
  expect_patched("/api/sensors/1", R"({"machine_id":2,"name":"temp 2"})");
  expect_alerts(1, "0/2");  // moved: cleared
  expect_patched("/api/machines/2", R"({"type":"press"})");
  post_value(1, 87);
  expect_alerts(1, "1/3");  // its machine is a press now
  EXPECT_EQ(api.del("/api/rules/1").status, 204);
  expect_alerts(1, "0/3");  // deleted: cleared
}

TEST_F(templates, differ_where_an_override_says_so) {
  made(api.post("/api/sensors", R"([{"machine_id":1,"name":"temp 3"},{"machine_id":1,"name":"temp 4"}])"));
  expect_patched("/api/rules/1", R"({"overrides":{"3":{"high":90},"4":{"enabled":false,"severity":"CRITICAL"}}})");
  for (const std::uint32_t sensor : {1U, 3U, 4U}) post_value(sensor, 85);
  expect_alerts(1, "1/1");
  expect_alerts(3, "0/0");
  expect_alerts(4, "0/0");
  restart();
  post_value(3, 95);
  expect_alerts(3, "1/1");
  expect_patched("/api/rules/1", R"({"overrides":{"3":{"high":99},"4":{"enabled":null}}})");
  expect_alerts(3, "0/1");
  const auto rule = api.get("/api/rules/1");
  EXPECT_THAT(rule.body, HasSubstr(R"("overrides":{"3":{"high":99.0},"4":{"severity":"CRITICAL"}})"));
  EXPECT_THAT(rule.body, HasSubstr(R"("sensor_id":null,"selector":{"machine_type":"press","name":"temp*"})"));
  post_value(4, 86);
  expect_alerts(4, "1/1");
  EXPECT_STREQ(get_json(api, "/api/alerts?sensor_id=4")["alerts"][0]["severity"].GetString(), "CRITICAL");
  expect_patched("/api/rules/1", R"({"overrides":{"3":null}})");
  EXPECT_EQ(api.del("/api/sensors/4").status, 204);
  EXPECT_THAT(api.get("/api/rules/1").body, HasSubstr(R"("overrides":{})"));
}

TEST_F(templates, differ_in_counts_and_shifts_too) {
  made(api.post("/api/sensors", R"([{"machine_id":1,"name":"temp 3"},{"machine_id":1,"name":"temp 4"}])"));
  expect_patched("/api/rules/1", R"({"overrides":{"3":{"count":2,"of":3,"latch":true,"re_alarm_ms":60000},)"
                                 R"("4":{"schedule":{"times":[{"days":["sat"],"from":"00:00","to":"24:00"}]}}}})");
  for (const std::uint32_t sensor : {1U, 3U, 4U}) post_value(sensor, 85);
  expect_alerts(1, "1/1");
  expect_alerts(3, "0/0");
  restart();
  post_value(3, 85);
  expect_alerts(3, "1/1");
  expect_alerts(4, "0/0");  // that was a Friday
  for (int i = 0; i < 3; ++i) post_value(3, 20);
  await([&] { return get_json(api, "/api/alerts?sensor_id=3")["alerts"][0]["state"] == "latched_unacknowledged"; }, "the latch");
  EXPECT_THAT(api.get("/api/rules/1").body, HasSubstr(R"("3":{"count":2,"of":3,"latch":true,"re_alarm_ms":60000})"));
  expect_patched("/api/rules/1", R"({"overrides":{"3":{"latch":null,"re_alarm_ms":null}}})");
  EXPECT_THAT(api.get("/api/rules/1").body, HasSubstr(R"("3":{"count":2,"of":3})"));
}

TEST_F(templates, outlive_a_kill_at_their_place_among_the_readings) {
  post_value(1, 85);
  expect_patched("/api/rules/1", R"({"high":90})");
  post_value(1, 89);
  expect_patched("/api/rules/1", R"({"high":80,"overrides":{"1":{"high":87}}})");
  made(api.post("/api/sensors", R"({"machine_id":1,"name":"temp 3"})"));
  post_value(3, 86);
  post_value(1, 86);
  post_value(1, 88);
  for (int pass = 0; pass < 2; ++pass) {
    expect_alerts(1, "1/2");  // at 85, cleared by the first change; not at 89 and 86; at 88
    expect_alerts(3, "1/1");
    EXPECT_EQ(get_json(api, "/api/alerts?sensor_id=1&active=true")["alerts"][0]["limit"].GetDouble(), 87);
    daemon_.process.kill();
    daemon_.process.start();
    api = http_client(daemon_.process.api_port());
  }
}

TEST_F(templates, are_listed_with_their_sensors_and_by_them) {
  made(api.post("/api/rules", R"({"sensor_id":2,"name":"own","condition":"LESS_THAN","low":1})"));
  EXPECT_EQ(get_json(api, "/api/rules?sensor_id=1").Size(), 1U);
  EXPECT_EQ(get_json(api, "/api/rules?sensor_id=2")[0]["id"].GetUint(), 2U);
  EXPECT_EQ(get_json(api, "/api/sensors?rule_id=1").Size(), 1U);
  EXPECT_EQ(get_json(api, "/api/sensors?rule_id=2")[0]["id"].GetUint(), 2U);
  EXPECT_EQ(api.get("/api/sensors?rule_id=3").status, 404);
}

TEST_F(templates, that_are_wrong_are_refused_with_the_member) {
  const std::string good = R"("name":"x","condition":"GREATER_THAN","high":1)";
  for (const auto& [members, field] : std::vector<std::pair<std::string, std::string>>{
           {"", "sensor_id"},
           {R"("sensor_id":1,"selector":{"name":"*"},)", "selector"},
           {R"("selector":{},)", "selector"},
           {R"("selector":{"nme":"*"},)", "selector.nme"},
           {R"("selector":{"machine_id":9},)", "selector.machine_id"},
           {R"("sensor_id":1,"overrides":{"1":{"high":3}},)", "overrides"},
           {R"("selector":{"name":"*"},"overrides":{"one":{"high":3}},)", "overrides.one"},
           {R"("selector":{"name":"*"},"overrides":{"9":{"high":3}},)", "overrides.9"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"hgh":3}},)", "overrides.1.hgh"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"high":"3"}},)", "overrides.1.high"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"deadband":-1}},)", "overrides.1.deadband"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"count":3,"of":2}},)", "overrides.1.count"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"silence_ms":5000}},)", "overrides.1.silence_ms"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"high_high":5}},)", "overrides.1.high_high"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"re_alarm_ms":5}},)", "overrides.1.re_alarm_ms"},
           {R"("selector":{"name":"*"},"overrides":{"1":{"schedule":{"times":[]}}},)", "overrides.1.schedule.times"},
           {R"("selector":{"name":"*"},"overrides":[],)", "overrides"}}) {
    const auto refused = api.post("/api/rules", "{" + members + good + "}");
    EXPECT_EQ(refused.status, 400) << members;
    EXPECT_THAT(refused.body, HasSubstr(R"("field":")" + field + "\"")) << members;
  }
  EXPECT_EQ(api.patch("/api/rules/1", R"({"sensor_id":1})").status, 400);
  expect_patched("/api/rules/1", R"({"sensor_id":1,"selector":null})");
}

TEST_F(templates, of_another_factory_are_hidden_from_a_token) {
  made(api.post("/api/factories", R"({"name":"Other"})"));
  made(api.post("/api/rules", R"({"selector":{"factory_id":2},"name":"theirs","condition":"GREATER_THAN","high":1})"));
  const auto bearer = [](const answer& made_token) {
    EXPECT_EQ(made_token.status, 201) << made_token.body;
    const auto token = made_token.json();
    return http_client::header_map{{"Authorization", "Bearer " + std::string(token["token"].GetString())},
                                   {"Content-Type", "application/json"}};
  };
  const auto admin = bearer(api.post("/api/tokens", R"({"name":"admin","scopes":["admin"]})"));
  const auto with = bearer(api.send("POST", "/api/tokens", R"({"name":"f2","scopes":["read","operate"],"factory_id":2})", admin));
  const auto seen = api.send("GET", "/api/rules", {}, with);
  EXPECT_EQ(seen.status, 200) << seen.body;
  EXPECT_THAT(seen.body, HasSubstr("theirs"));
  EXPECT_EQ(seen.body.find("hot"), std::string::npos);
  const auto refused =
      api.send("POST", "/api/rules", R"({"selector":{"name":"*"},"name":"x","condition":"GREATER_THAN","high":1})", with);
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(api.send("GET", "/api/sensors?rule_id=1", {}, with).status, 404);
  EXPECT_EQ(api.send("GET", "/api/sensors?rule_id=2", {}, with).status, 200);
  EXPECT_EQ(api.send("PATCH", "/api/rules/2", R"({"selector":{"name":"*"}})", with).status, 400);
}

}  // namespace
}  // namespace factory::test
