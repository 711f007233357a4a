// The contract of docs/reference/api.md, point by point, on both ports of one daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// One daemon for all of these tests: each makes entities of its own.
class contract : public testing::Test {
 protected:
  static void SetUpTestSuite() { daemon_ = new fresh_daemon; }
  static void TearDownTestSuite() {
    EXPECT_EQ(daemon_->process.stop(), 0);
    delete daemon_;
  }

  http_client api{daemon_->process.api_port()};
  http_client analyzer{daemon_->process.anomaly_port()};

  /// Posts values of one sensor, one a second from 2024-01-19T10:00:00 on.
  void post_values(std::uint32_t sensor, const std::vector<double>& values) {
    std::vector<reading> readings;
    for (std::size_t i = 0; i < values.size(); ++i)
      readings.push_back({sensor, start_us + static_cast<std::int64_t>(i) * 1'000'000, values[i]});
    store(api, readings);
  }
  std::string of(std::uint32_t sensor, const std::string& rest) { return "/api/sensors/" + std::to_string(sensor) + rest; }

  static constexpr std::int64_t start_us = 1'705'658'400'000'000;
  static inline fresh_daemon* daemon_ = nullptr;
};

void expect_problem(const answer& got, unsigned status, const std::string& text) {
  EXPECT_EQ(got.status, status) << got.body;
  EXPECT_EQ(got.headers.at("content-type"), "application/problem+json");
  const auto problem = got.json();
  EXPECT_EQ(problem["status"].GetUint(), status);
  EXPECT_THAT(problem["error"].GetString(), HasSubstr(text));
  EXPECT_TRUE(problem["type"].IsString() && problem["title"].IsString());
}

TEST_F(contract, a_factory_is_created_read_changed_and_deleted) {
  const auto created = api.post("/api/factories", R"({"name":"Werk 1","location":"Ulm"})");
  ASSERT_EQ(created.status, 201) << created.body;
  const std::string self = "/api/factories/" + std::to_string(created.json()["id"].GetUint());
  EXPECT_STREQ(created.json()["name"].GetString(), "Werk 1");
  EXPECT_TRUE(created.json()["created_at"].IsString());
  EXPECT_EQ(api.get(self).body, created.body);
  EXPECT_STREQ(api.patch(self, R"({"location":"Bonn"})").json()["location"].GetString(), "Bonn");
  EXPECT_STREQ(api.get(self).json()["name"].GetString(), "Werk 1");
  EXPECT_EQ(api.del(self).status, 204);
  expect_problem(api.get(self), 404, "Factory not found");
}

TEST_F(contract, factory_names_are_unique) {
  ASSERT_EQ(api.post("/api/factories", R"({"name":"Twin","location":""})").status, 201);
  expect_problem(api.post("/api/factories", R"({"name":"Twin","location":""})"), 409, "Twin");
}

TEST_F(contract, an_array_creates_all_or_nothing_and_answers_in_the_same_shape) {
  const auto created = api.post("/api/factories", R"([{"name":"A1","location":"x"},{"name":"A2","location":"y"}])");
  ASSERT_EQ(created.status, 201) << created.body;
  ASSERT_EQ(created.json().Size(), 2U);
  EXPECT_LT(created.json()[0]["id"].GetUint(), created.json()[1]["id"].GetUint());
  const auto before = get_json(api, "/api/factories").Size();
  EXPECT_EQ(api.post("/api/factories", R"([{"name":"A3","location":"x"},{"name":"A1","location":"y"}])").status, 409);
  EXPECT_EQ(get_json(api, "/api/factories").Size(), before);
}

TEST_F(contract, a_machine_belongs_to_a_factory_and_has_a_status) {
  const auto factory = api.post("/api/factories", R"({"name":"With machines","location":""})").json()["id"].GetUint();
  const auto body = R"({"factory_id":)" + std::to_string(factory) + R"(,"name":"press","type":"hydraulic"})";
  const auto created = api.post("/api/machines", body);
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_STREQ(created.json()["status"].GetString(), "OPERATIONAL");
  const std::string self = "/api/machines/" + std::to_string(created.json()["id"].GetUint());
  EXPECT_STREQ(api.patch(self, R"({"status":"MAINTENANCE"})").json()["status"].GetString(), "MAINTENANCE");
  EXPECT_EQ(api.patch(self, R"({"status":"BROKEN"})").status, 400);
  EXPECT_EQ(get_json(api, "/api/machines?factory_id=" + std::to_string(factory)).Size(), 1U);
  EXPECT_EQ(api.del("/api/factories/" + std::to_string(factory)).status, 409);
  EXPECT_EQ(api.post("/api/machines", R"({"factory_id":99999,"name":"x","type":"y"})").status, 400);
}

TEST_F(contract, a_sensor_has_thresholds_and_can_be_changed_and_deleted) {
  const auto sensor = add_sensors(api, 1, R"("min_threshold":15,"max_threshold":85)").at(0);
  const auto shown = get_json(api, of(sensor, ""));
  EXPECT_EQ(shown["min_threshold"].GetDouble(), 15);
  EXPECT_EQ(shown["max_threshold"].GetDouble(), 85);
  EXPECT_EQ(get_json(api, "/api/sensors?machine_id=" + std::to_string(shown["machine_id"].GetUint())).Size(), 1U);
  EXPECT_TRUE(api.patch(of(sensor, ""), R"({"max_threshold":null})").json()["max_threshold"].IsNull());
  EXPECT_EQ(api.del(of(sensor, "")).status, 204);
  expect_problem(api.get(of(sensor, "")), 404, "Sensor not found");
  expect_problem(api.get(of(sensor, "/stats")), 404, "Sensor not found");
}

TEST_F(contract, one_reading_is_acknowledged_and_is_the_latest) {
  const auto sensor = add_sensors(api, 1).at(0);
  expect_problem(api.get(of(sensor, "/latest")), 404, "Sensor not found or no readings available");
  const auto got = api.post("/api/readings",
                            R"({"sensor_id":)" + std::to_string(sensor) + R"(,"value":71.5,"timestamp":"2024-01-19T10:00:00Z"})");
  ASSERT_EQ(got.status, 201) << got.body;
  EXPECT_EQ(got.json()["inserted"].GetUint64(), 1U);
  EXPECT_TRUE(got.json()["duration_ms"].IsNumber());
  const auto latest = get_json(api, of(sensor, "/latest"));
  EXPECT_EQ(latest["id"].GetInt64(), start_us);
  EXPECT_EQ(latest["sensor_id"].GetUint(), sensor);
  EXPECT_EQ(latest["value"].GetDouble(), 71.5);
  EXPECT_THAT(latest["timestamp"].GetString(), HasSubstr("2024-01-19T10:00:00"));
}

TEST_F(contract, rows_columns_and_lines_carry_the_same_readings) {
  const auto s = add_sensors(api, 4);
  const auto post = [&](const std::string& body, const std::string& type) {
    const auto got = api.send("POST", "/api/readings/bulk?precision=s", body, {{"Content-Type", type}});
    EXPECT_EQ(got.status, 201) << got.body;
    EXPECT_EQ(got.json()["inserted"].GetUint64(), 2U);
  };
  const auto id = [](std::uint32_t n) { return std::to_string(n); };
  post("[{\"sensor_id\":" + id(s[0]) + ",\"value\":1.5,\"timestamp\":10},{\"sensor_id\":" + id(s[0]) +
           ",\"value\":-2,\"timestamp\":11}]",
       "application/json");
  post("{\"sensor_id\":[" + id(s[1]) + "," + id(s[1]) + "],\"timestamp\":[10,11],\"value\":[1.5,-2]}", "application/json");
  post("{\"sensor_id\":" + id(s[2]) + ",\"start\":10,\"interval_ms\":1000,\"values\":[1.5,-2]}", "application/json");
  post("{\"sensor_id\":" + id(s[3]) + ",\"value\":1.5,\"timestamp\":10}\n{\"sensor_id\":" + id(s[3]) +
           ",\"value\":-2,\"timestamp\":11}\n",
       "application/x-ndjson");
  for (const auto sensor : s)
    EXPECT_EQ(readings_of(api, sensor), (std::vector<reading>{{sensor, 10'000'000, 1.5}, {sensor, 11'000'000, -2}}));
}

TEST_F(contract, readings_come_in_pages_both_ways_and_in_ranges) {
  const auto sensor = add_sensors(api, 1).at(0);
  post_values(sensor, {1, 2, 3, 4, 5});
  const auto values = [&](const std::string& query) {
    std::vector<double> out;
    const auto page = get_json(api, of(sensor, "/readings" + query));
    for (const auto& row : page["readings"].GetArray()) out.push_back(row["value"].GetDouble());
    return out;
  };
  EXPECT_EQ(values(""), (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(values("?order=desc&limit=2"), (std::vector<double>{5, 4}));
  EXPECT_EQ(values("?from=2024-01-19T10:00:01Z&to=2024-01-19T10:00:03Z"), (std::vector<double>{2, 3}));
  const auto first = get_json(api, of(sensor, "/readings?order=desc&limit=2"));
  EXPECT_EQ(values("?order=desc&limit=2&cursor=" + std::string(first["next_cursor"].GetString())), (std::vector<double>{3, 2}));
  EXPECT_TRUE(get_json(api, of(sensor, "/readings?limit=5"))["next_cursor"].IsNull());
}

TEST_F(contract, readings_come_as_csv_and_as_lines) {
  const auto sensor = add_sensors(api, 1).at(0);
  post_values(sensor, {1.25, 2});
  const auto csv = api.send("GET", of(sensor, "/readings"), {}, {{"Accept", "text/csv"}});
  EXPECT_THAT(csv.headers.at("content-type"), HasSubstr("text/csv"));
  EXPECT_THAT(csv.body, HasSubstr("2024-01-19T10:00:00"));
  EXPECT_THAT(csv.body, HasSubstr("1.25"));
  const auto lines = api.send("GET", of(sensor, "/readings"), {}, {{"Accept", "application/x-ndjson"}});
  EXPECT_EQ(std::count(lines.body.begin(), lines.body.end(), '\n'), 2);
}

TEST_F(contract, stats_are_of_all_readings_or_of_a_range) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto none = get_json(api, of(sensor, "/stats"));
  EXPECT_EQ(none["count"].GetUint64(), 0U);
  EXPECT_TRUE(none["min"].IsNull() && none["max"].IsNull() && none["avg"].IsNull());
  post_values(sensor, {2, 4, 4, 4, 5, 5, 7, 9});
  const auto all = get_json(api, of(sensor, "/stats"));
  EXPECT_EQ(all["sensor_id"].GetUint(), sensor);
  EXPECT_EQ(all["min"].GetDouble(), 2);
  EXPECT_EQ(all["max"].GetDouble(), 9);
  EXPECT_EQ(all["avg"].GetDouble(), 5);
  EXPECT_EQ(all["count"].GetUint64(), 8U);
  EXPECT_NEAR(all["std_dev"].GetDouble(), 2.138, 0.0005);
  EXPECT_EQ(all["first"].GetDouble(), 2);
  EXPECT_EQ(all["last"].GetDouble(), 9);
  const auto some = get_json(api, of(sensor, "/stats?from=2024-01-19T10:00:06Z&to=2024-01-19T10:00:08Z"));
  EXPECT_EQ(some["count"].GetUint64(), 2U);
  EXPECT_EQ(some["avg"].GetDouble(), 8);
}

TEST_F(contract, stats_of_all_sensors_of_a_machine_come_in_one_answer) {
  const auto sensors = add_sensors(api, 3);
  post_values(sensors[0], {1, 3});
  post_values(sensors[2], {5, 6, 7});
  const auto machine = get_json(api, of(sensors[0], ""))["machine_id"].GetUint();
  const auto got = get_json(api, "/api/stats?machine_id=" + std::to_string(machine) + "&to=2024-01-19T10:00:02Z");
  ASSERT_EQ(got["stats"].Size(), 3U);
  EXPECT_EQ(got["stats"][0]["sensor_id"].GetUint(), sensors[0]);
  EXPECT_EQ(got["stats"][0]["avg"].GetDouble(), 2);
  EXPECT_EQ(got["stats"][1]["count"].GetUint64(), 0U);
  EXPECT_EQ(got["stats"][2]["avg"].GetDouble(), 5.5);
}

TEST_F(contract, aggregate_answers_a_down_sampled_series) {
  const auto sensor = add_sensors(api, 1).at(0);
  post_values(sensor, {1, 2, 3, 4, 5, 6});
  const auto got = get_json(api, of(sensor, "/aggregate?from=2024-01-19T10:00:00Z&to=2024-01-19T10:00:06Z&step=2s&fn=avg,max"));
  const auto& series = got["series"];
  ASSERT_EQ(series.Size(), 3U);
  EXPECT_EQ(series[0]["avg"].GetDouble(), 1.5);
  EXPECT_EQ(series[2]["max"].GetDouble(), 6);
  EXPECT_EQ(api.get(of(sensor, "/aggregate?step=0s")).status, 400);
}

TEST_F(contract, anomalies_follow_the_original_rules) {
  const auto sensor = add_sensors(api, 1).at(0);
  expect_problem(api.get(of(sensor, "/anomalies")), 404, "No readings available for analysis");
  post_values(sensor, {2, 4, 4, 4, 5, 5, 7, 9});
  const auto got = get_json(api, of(sensor, "/anomalies?threshold=1.5"));
  EXPECT_EQ(got["sensor_id"].GetUint(), sensor);
  EXPECT_STREQ(got["sensor_name"].GetString(), "s0");
  EXPECT_EQ(got["analyzed_readings"].GetUint64(), 8U);
  EXPECT_NEAR(got["statistics"]["std_dev"].GetDouble(), 2.138, 0.0005);
  EXPECT_EQ(got["statistics"]["mean"].GetDouble(), 5);
  ASSERT_EQ(got["anomalies_found"].GetUint64(), 1U);
  const auto& found = got["anomalies"][0];
  EXPECT_EQ(found["id"].GetInt64(), start_us + 7'000'000);
  EXPECT_EQ(found["value"].GetDouble(), 9);
  EXPECT_NEAR(found["z_score"].GetDouble(), 4 / 2.13809, 0.0005);
  EXPECT_STREQ(found["severity"].GetString(), "medium");
  EXPECT_EQ(get_json(api, of(sensor, "/anomalies?limit=3"))["analyzed_readings"].GetUint64(), 3U);
  expect_problem(api.get("/api/sensors/99999/anomalies"), 404, "Sensor not found");
}

TEST_F(contract, alerts_follow_the_original_rules) {
  const auto plain = add_sensors(api, 1).at(0);
  expect_problem(api.get(of(plain, "/alerts")), 400, "No thresholds configured for this sensor");
  const auto sensor = add_sensors(api, 1, R"("min_threshold":-10,"max_threshold":100)").at(0);
  expect_problem(api.get(of(sensor, "/alerts")), 404, "No readings available to check");
  post_values(sensor, {100, 105, 115, 125, -10, -10.5, -11.5, -12.5});
  const auto got = get_json(api, of(sensor, "/alerts"));
  EXPECT_EQ(got["checked_readings"].GetUint64(), 8U);
  EXPECT_EQ(got["thresholds"]["min"].GetDouble(), -10);
  ASSERT_EQ(got["alerts_found"].GetUint64(), 6U);
  const char* const severities[] = {"medium", "high", "critical", "medium", "high", "critical"};
  for (unsigned i = 0; i < 6; ++i) {
    EXPECT_STREQ(got["alerts"][i]["severity"].GetString(), severities[i]) << i;
    EXPECT_STREQ(got["alerts"][i]["breach_type"].GetString(), i < 3 ? "above_maximum" : "below_minimum") << i;
    EXPECT_EQ(got["alerts"][i]["threshold_value"].GetDouble(), i < 3 ? 100 : -10) << i;
  }
  EXPECT_EQ(got["alerts"][0]["reading_id"].GetInt64(), start_us + 1'000'000);
}

TEST_F(contract, options_of_a_rule_are_shown_checked_and_changed) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto made =
      api.post("/api/rules", R"({"sensor_id":)" + std::to_string(sensor) +
                                 R"(,"name":"hot","condition":"GREATER_THAN","high":80,"deadband":"2.5%","on_delay_ms":5000,)"
                                 R"("count":2,"of":3,"priority":1,"instructions":"open the valve"})");
  ASSERT_EQ(made.status, 201) << made.body;
  for (const char* member : {R"("deadband":"2.5%")", R"("on_delay_ms":5000)", R"("off_delay_ms":0)", R"("count":2)", R"("of":3)",
                             R"("priority":1)", R"("message":"")", R"("instructions":"open the valve")"})
    EXPECT_NE(made.body.find(member), std::string::npos) << member << " in " << made.body;
  const std::string self = "/api/rules/" + std::to_string(made.json()["id"].GetUint());
  const auto changed = api.patch(self, R"({"deadband":1.5,"priority":null})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_NE(changed.body.find(R"("deadband":1.5,"on_delay_ms":5000)"), std::string::npos) << changed.body;
  EXPECT_NE(changed.body.find(R"("priority":null)"), std::string::npos) << changed.body;
  for (const char* wrong :
       {R"({"deadband":"2"})", R"({"deadband":-1})", R"({"on_delay_ms":1.5})", R"({"count":4})", R"({"of":65})"})
    EXPECT_EQ(api.patch(self, wrong).status, 400) << wrong;
}

TEST_F(contract, readings_around_a_limit_raise_one_alert_where_the_rule_has_a_deadband) {
  const auto sensor = add_sensors(api, 1).at(0);
  ASSERT_EQ(api.post("/api/rules", R"({"sensor_id":)" + std::to_string(sensor) +
                                       R"(,"name":"hot","condition":"GREATER_THAN","high":80,"deadband":2})")
                .status,
            201);
  post_values(sensor, {70, 81, 79, 81, 79, 81, 79, 81, 79, 81, 70});
  const std::string events = "/api/events?sensor_id=" + std::to_string(sensor) + "&kind=";
  await([&] { return get_json(api, events + "alert_cleared")["events"].Size() == 1; }, "the alert to clear");
  EXPECT_EQ(get_json(api, events + "alert_raised")["events"].Size(), 1U);
}

TEST_F(contract, a_rule_raises_an_alert_that_is_acknowledged_and_cleared) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto rule =
      api.post("/api/rules", R"({"sensor_id":)" + std::to_string(sensor) +
                                 R"(,"name":"hot","condition":"GREATER_THAN","high":90,"severity":"CRITICAL","enabled":true})");
  ASSERT_EQ(rule.status, 201) << rule.body;
  post_values(sensor, {50, 95, 96});
  const std::string alerts = "/api/alerts?sensor_id=" + std::to_string(sensor);
  await([&] { return get_json(api, alerts)["alerts"].Size() == 1; }, "the alert");
  const auto raised = get_json(api, alerts);
  EXPECT_STREQ(raised["alerts"][0]["severity"].GetString(), "CRITICAL");
  EXPECT_TRUE(raised["alerts"][0]["active"].GetBool());
  const std::string self = "/api/alerts/" + std::string(raised["alerts"][0]["id"].GetString());
  const auto acknowledged = api.post(self + "/acknowledge", R"({"by":"Ada"})");
  EXPECT_EQ(acknowledged.status, 200) << acknowledged.body;
  EXPECT_STREQ(get_json(api, self)["acknowledged_by"].GetString(), "Ada");
  store(api, {{sensor, start_us + 10'000'000, 40}});
  await([&] { return !get_json(api, self)["active"].GetBool(); }, "the alert to clear");
}

TEST_F(contract, a_value_far_outside_its_window_becomes_an_anomaly_event) {
  const auto sensor = add_sensors(api, 1).at(0);
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) values.push_back(50 + i % 3);
  values.push_back(500);
  post_values(sensor, values);
  const std::string events = "/api/events?kind=anomaly&sensor_id=" + std::to_string(sensor);
  await([&] { return get_json(api, events)["events"].Size() == 1; }, "the anomaly");
  EXPECT_EQ(get_json(api, events)["events"][0]["value"].GetDouble(), 500);
}

TEST_F(contract, unknown_routes_wrong_methods_and_wrong_types_are_told_apart) {
  expect_problem(api.get("/api/nothing"), 404, "");
  const auto method = api.del("/api/readings");
  expect_problem(method, 405, "");
  EXPECT_THAT(method.headers.at("allow"), HasSubstr("POST"));
  expect_problem(api.send("POST", "/api/readings", "x", {{"Content-Type", "text/html"}}), 415, "");
  expect_problem(api.post("/api/readings", "{"), 400, "");
}

TEST_F(contract, the_daemon_shows_health_readiness_metrics_and_its_description) {
  EXPECT_EQ(api.get("/health").status, 200);
  EXPECT_EQ(api.get("/ready").status, 200);
  EXPECT_THAT(api.get("/metrics").body, HasSubstr("factory_committed_readings_total"));
  EXPECT_THAT(api.get("/openapi.json").json()["openapi"].GetString(), HasSubstr("3.1"));
  EXPECT_THAT(api.get("/").headers.at("content-type"), HasSubstr("text/html"));
}

TEST_F(contract, the_anomaly_service_tells_that_it_runs) {
  const auto got = analyzer.get("/health");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "Anomaly Detector Service is running");
}

TEST_F(contract, the_anomaly_service_analyses_and_echoes_what_it_was_sent) {
  std::string body;
  const int values[] = {2, 4, 4, 4, 5, 5, 7, 9};
  for (int i = 0; i < 8; ++i)
    body += std::string(i ? "," : "") + R"({"id":)" + std::to_string(100 + i) + R"(,"value":)" + std::to_string(values[i]) +
            R"(,"timestamp":"at )" + std::to_string(i) + "\"}";
  const auto got = analyzer.post("/analyze", R"({"readings":[)" + body + R"(],"threshold":1.5})");
  ASSERT_EQ(got.status, 200) << got.body;
  const auto report = got.json();
  EXPECT_EQ(report["total_readings"].GetUint64(), 8U);
  EXPECT_EQ(report["mean"].GetDouble(), 5);
  EXPECT_NEAR(report["std_dev"].GetDouble(), 2.138, 0.0005);
  ASSERT_EQ(report["anomalies"].Size(), 1U);
  EXPECT_EQ(report["anomalies"][0]["id"].GetInt64(), 107);
  EXPECT_STREQ(report["anomalies"][0]["timestamp"].GetString(), "at 7");
  EXPECT_STREQ(report["anomalies"][0]["severity"].GetString(), "medium");
}

TEST_F(contract, the_anomaly_service_uses_threshold_two_and_finds_none_without_spread) {
  const auto flat =
      analyzer.post("/analyze", R"({"readings":[{"id":1,"value":5,"timestamp":"a"},{"id":2,"value":5,"timestamp":"b"}]})");
  EXPECT_EQ(flat.json()["std_dev"].GetDouble(), 0);
  EXPECT_EQ(flat.json()["anomalies"].Size(), 0U);
  std::string body;
  for (int i = 0; i < 20; ++i) body += R"({"id":1,"value":)" + std::to_string(10 + i % 2) + R"(,"timestamp":"a"},)";
  const auto spike = analyzer.post("/analyze", R"({"readings":[)" + body + R"({"id":9,"value":100,"timestamp":"b"}]})");
  ASSERT_EQ(spike.json()["anomalies"].Size(), 1U);
  EXPECT_STREQ(spike.json()["anomalies"][0]["severity"].GetString(), "critical");
  EXPECT_EQ(analyzer.post("/analyze", "{").status, 400);
  EXPECT_EQ(analyzer.get("/analyze").status, 405);
}

}  // namespace
}  // namespace factory::test
