// Labels and selectors, over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// Two presses with two sensors each: 1 and 2 on machine 1, 3 and 4 on machine 2.
class labels : public testing::Test {
 protected:
  labels() {
    made(api.post("/api/factories", R"({"name":"Plant"})"));
    made(api.post("/api/machines", R"([{"factory_id":1,"name":"P1","type":"press","labels":{"line":"3"}},
                                       {"factory_id":1,"name":"P2","type":"press"}])"));
    made(api.post("/api/sensors", R"([{"machine_id":1,"name":"temp"},{"machine_id":1,"name":"bearing_a","labels":{"zone":"hot"}},
                                      {"machine_id":2,"name":"temp","labels":{"zone":"hot","at":"10:30"}},
                                      {"machine_id":2,"name":"bearing_a"}])"));
  }
  static void made(const answer& got) { ASSERT_EQ(got.status, 201) << got.body; }
  /// Ids in the answer, such as "1 2 ".
  std::string ids(const std::string& path) {
    const auto got = api.get(path);
    EXPECT_EQ(got.status, 200) << got.body;
    const auto entries = got.json();
    std::string text;
    for (const auto& each : entries.GetArray()) text += std::to_string(each["id"].GetUint()) + " ";
    return text;
  }
  fresh_daemon daemon_;
  http_client api{daemon_.process.api_port()};
};

TEST_F(labels, are_shown_and_found_and_outlive_a_restart) {
  EXPECT_STREQ(api.get("/api/machines/1").json()["labels"]["line"].GetString(), "3");
  EXPECT_EQ(api.get("/api/sensors/1").json()["labels"].MemberCount(), 0U) << "its own only";
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(ids("/api/machines?label=line:3"), "1 ");
    EXPECT_EQ(ids("/api/machines?factory_id=1&label=line:4"), "");
    EXPECT_EQ(ids("/api/sensors?label=line:3"), "1 2 ") << "of the machine";
    EXPECT_EQ(ids("/api/sensors?label=zone:hot"), "2 3 ");
    EXPECT_EQ(ids("/api/sensors?label=zone:hot&label=line:3"), "2 ");
    EXPECT_EQ(ids("/api/sensors?label=at:10:30"), "3 ");
    EXPECT_EQ(ids("/api/sensors?machine_id=2&label=zone:hot"), "3 ");
    daemon_->restart();
    api = http_client(daemon_.process.api_port());
  }
}

TEST_F(labels, choose_sensors_for_statistics_and_anomalies) {
  const auto stats = get_json(api, "/api/stats?label=zone:hot");
  ASSERT_EQ(stats["stats"].Size(), 2U);
  EXPECT_EQ(stats["stats"][0]["sensor_id"].GetUint(), 2U);
  EXPECT_EQ(get_json(api, "/api/stats?label=zone:hot&machine_id=2")["stats"].Size(), 1U);
  for (const std::uint32_t sensor : {1U, 2U}) {
    std::vector<reading> readings;
    for (int i = 0; i < 100; ++i)
      readings.push_back({sensor, 1'705'658'400'000'000 + i * 1'000'000LL, i == 90 ? 500.0 : 50 + i % 5});
    store(api, readings);
  }
  for (const char* sensor : {"1", "2"})
    await([&] { return get_json(api, std::string("/api/anomalies?sensor_id=") + sensor)["anomalies"].Size() >= 1; },
          "an anomaly");
  const auto hot = get_json(api, "/api/anomalies?label=zone:hot");
  ASSERT_GE(hot["anomalies"].Size(), 1U);
  for (const auto& each : hot["anomalies"].GetArray()) EXPECT_EQ(each["sensor_id"].GetUint(), 2U);
  EXPECT_EQ(get_json(api, "/api/anomalies?label=zone:cold")["anomalies"].Size(), 0U);
}

TEST_F(labels, choose_what_is_about_their_sensors_in_every_list) {
  made(api.post("/api/rules", R"([{"sensor_id":1,"name":"of line 3","condition":"GREATER_THAN","high":100},
                                  {"sensor_id":4,"name":"of none","condition":"GREATER_THAN","high":100},
                                  {"selector":{"name":"temp"},"name":"of both","condition":"GREATER_THAN","high":100}])"));
  made(api.post("/api/pipelines",
                R"([{"name":"one","sources":{"a":{"sensor_id":2}},"steps":[{"compute":"a"}],"sinks":[{"sensor":{"name":"one"}}]},
                                      {"name":"two","sources":{"a":{"sensor_id":4}},"steps":[{"compute":"a"}],"sinks":[{"sensor":{"name":"two"}}]},
                                      {"name":"all","per":"machine","sources":{"a":{"name":"temp"}},"steps":[{"compute":"a"}],"sinks":[{"sensor":{"name":"all"}}]}])"));
  EXPECT_EQ(ids("/api/rules?label=line:3"), "1 3 ");
  EXPECT_EQ(ids("/api/rules?label=zone:hot"), "3 ");
  EXPECT_EQ(ids("/api/rules?label=zone:cold"), "");
  EXPECT_EQ(ids("/api/pipelines?label=line:3"), "1 3 ");
  EXPECT_EQ(ids("/api/pipelines?label=zone:hot"), "1 3 ");
  EXPECT_EQ(ids("/api/pipelines?label=zone:hot&label=line:3"), "1 ");
  store(api, {{1, 1'705'658'400'000'000, 500}, {4, 1'705'658'400'000'000, 500}});
  await([&] { return get_json(api, "/api/alerts")["alerts"].Size() == 3; }, "the alerts");
  EXPECT_EQ(get_json(api, "/api/alerts?label=line:3")["alerts"].Size(), 2U);
  EXPECT_EQ(get_json(api, "/api/alerts?label=line:3&sort=sensor_id")["alerts"].Size(), 2U);
  EXPECT_EQ(get_json(api, "/api/alerts?label=zone:hot")["alerts"].Size(), 0U);
  EXPECT_EQ(get_json(api, "/api/events?label=line:3")["events"].Size(), 2U);
  EXPECT_EQ(get_json(api, "/api/events?label=zone:hot")["events"].Size(), 0U);
  for (const char* list : {"rules", "pipelines", "alerts", "events", "corrections", "annotations", "alarms/shelved"})
    EXPECT_EQ(api.get(std::string("/api/") + list + "?label=line").status, 400) << list;
}

TEST_F(labels, choose_the_corrections_notes_and_shelved_limits_of_their_sensors) {
  const auto span = std::string(R"("from":"2026-01-19T10:00:00Z","to":"2026-01-19T11:00:00Z","by":"Ada")");
  const auto correct = [&](const std::string& whom) {
    made(api.post("/api/corrections", "{" + whom + R"(,"action":"exclude","reason":"test",)" + span + "}"));
  };
  correct(R"("sensor_id":1)");
  correct(R"("sensor_id":4)");
  correct(R"("selector":{"name":"temp"})");
  const auto note = [&](const std::string& whom) {
    made(api.post("/api/annotations", "{" + whom + R"(,"kind":"note","text":"test",)" + span + "}"));
  };
  note(R"("machine_id":1)");
  note(R"("machine_id":2)");
  note(R"("sensor_id":2)");
  note(R"("sensor_id":4)");
  const auto ids_of = [&](const std::string& list, const std::string& query) {
    std::string text;
    const auto got = get_json(api, "/api/" + list + "?" + query);
    for (const auto& each : got[list.c_str()].GetArray()) text += std::to_string(each["id"].GetUint()) + " ";
    return text;
  };
  EXPECT_EQ(ids_of("corrections", "label=line:3"), "3 1 ") << "newest first";
  EXPECT_EQ(ids_of("corrections", "label=zone:hot"), "3 ") << "one sensor of several is enough";
  EXPECT_EQ(ids_of("corrections", "label=zone:hot&sensor_id=1"), "3 ");
  EXPECT_EQ(ids_of("corrections", "label=zone:cold"), "");
  EXPECT_EQ(ids_of("annotations", "label=line:3"), "3 1 ");
  EXPECT_EQ(ids_of("annotations", "label=zone:hot"), "3 2 1 ") << "also of the machines of such sensors";
  EXPECT_EQ(ids_of("annotations", "label=at:10:30"), "2 ");
  EXPECT_EQ(ids_of("annotations", "label=zone:cold"), "");
  const auto page = get_json(api, "/api/annotations?label=zone:hot&limit=2");
  EXPECT_EQ(ids_of("annotations", std::string("label=zone:hot&limit=2&cursor=") + page["next_cursor"].GetString()), "1 ");

  made(api.post("/api/rules", R"([{"sensor_id":1,"name":"a","condition":"GREATER_THAN","high":1},
                                  {"sensor_id":4,"name":"b","condition":"GREATER_THAN","high":1}])"));
  for (const char* rule : {"1", "2"})
    EXPECT_EQ(api.post(std::string("/api/rules/") + rule + "/out_of_service", R"({"reason":"test","by":"Ada"})").status, 200U);
  EXPECT_EQ(get_json(api, "/api/alarms/shelved")["shelved"].Size(), 2U);
  const auto shelved = get_json(api, "/api/alarms/shelved?label=line:3");
  ASSERT_EQ(shelved["shelved"].Size(), 1U);
  EXPECT_EQ(shelved["shelved"][0]["sensor_id"].GetUint(), 1U);
}

TEST_F(labels, change_by_name_and_null_takes_them_away) {
  auto got = api.patch("/api/sensors/3", R"({"labels":{"zone":null,"line":"4"}})");
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_THAT(got.body, HasSubstr(R"("labels":{"at":"10:30","line":"4"})"));
  EXPECT_EQ(ids("/api/sensors?label=zone:hot"), "2 ");
  EXPECT_EQ(ids("/api/sensors?label=line:4"), "3 ");
  EXPECT_THAT(api.patch("/api/sensors/3", R"({"labels":null})").body, HasSubstr(R"("labels":{})"));
  EXPECT_THAT(api.patch("/api/sensors/2", R"({"unit":"K"})").body, HasSubstr(R"("labels":{"zone":"hot"})"));
}

TEST_F(labels, that_are_wrong_are_named) {
  for (const auto& [body, field] :
       std::vector<std::pair<std::string, std::string>>{{R"({"labels":{"my line":"3"}})", "labels.my line"},
                                                        {R"({"labels":{"line":3}})", "labels.line"},
                                                        {R"({"labels":{"line":""}})", "labels.line"},
                                                        {R"({"labels":["line"]})", "labels"}}) {
    const auto refused = api.patch("/api/machines/1", body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_THAT(refused.body, HasSubstr(field));
  }
  EXPECT_EQ(api.get("/api/sensors?label=line").status, 400);
  EXPECT_EQ(api.get("/api/sensors?label=").status, 400);
  EXPECT_EQ(api.get("/api/sensors?label=line:3&label=line:4").status, 400);
  EXPECT_EQ(api.get("/api/factories?label=line:3").status, 400) << "factories have none";
}

}  // namespace
}  // namespace factory::test
