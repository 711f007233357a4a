// Corrections on the real daemon: what a client sees, who may do what, and that a kill changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <random>
#include <thread>

#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "integration/support/plant.hpp"
#include "support/await.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t corrected_from_us = 1'790'000'040 * second_us;  // in September 2026

/// Steady readings of each sensor, a second apart, with a wrong one each minute.
std::vector<reading> readings_with_faults(const std::vector<std::uint32_t>& sensors, int seconds) {
  std::mt19937 random(1);
  std::vector<reading> out;
  for (int i = 0; i < seconds; ++i)
    for (const auto sensor : sensors)
      out.push_back(
          {sensor, corrected_from_us + i * second_us, i % 60 == 59 ? 500.0 : 50 + static_cast<double>(random() % 100) / 100});
  return out;
}

std::string body_of(const std::string& sensors, std::string_view action, int from_s = 0, int to_s = 1'000'000) {
  return fmt::format(R"({{{},"from":{},"to":{},{},"reason":"testing","by":"Ada"}})", sensors,
                     (corrected_from_us + from_s * second_us) / 1'000, (corrected_from_us + to_s * second_us) / 1'000, action);
}

TEST(corrections, are_seen_by_queries_withdraw_alerts_and_are_taken_back) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  const auto sensors = add_sensors(api, 2, R"("max_threshold":90)");
  store(api, readings_with_faults(sensors, 300));
  await([&] { return alerts(api).size() == 10; }, "the alerts");
  const auto before = findings(api);

  const auto preview = api.post("/api/corrections?preview=true", body_of(R"("sensor_id":1)", R"("action":"exclude")", 59, 60));
  EXPECT_EQ(preview.status, 200U);
  EXPECT_THAT(preview.body, HasSubstr("1 alert withdrawn"));
  EXPECT_EQ(alerts(api).size(), 10U);

  const auto made = api.post("/api/corrections", body_of(R"("sensor_id":1)", R"("action":"exclude")", 59, 60));
  EXPECT_EQ(made.status, 201U) << made.body;
  await([&] { return !get_json(api, "/api/corrections/1")["consequences"].IsNull(); }, "what follows");
  EXPECT_THAT(api.get("/api/corrections/1").body, HasSubstr("1 alert withdrawn"));
  EXPECT_EQ(alerts(api).size(), 9U);
  EXPECT_EQ(get_json(api, "/api/sensors/1/stats")["count"].GetInt(), 299);
  EXPECT_EQ(get_json(api, "/api/sensors/1/stats?raw=true")["count"].GetInt(), 300);
  EXPECT_THAT(api.get("/api/sensors/1/readings").body, HasSubstr(R"("flags":["excluded"])"));
  EXPECT_THAT(api.get("/api/sensors/1/readings?raw=true").body, ::testing::Not(HasSubstr("excluded")));
  EXPECT_THAT(api.get("/api/events?kind=readings_corrected").body, HasSubstr(R"("alerts_withdrawn":1)"));

  EXPECT_EQ(api.post("/api/corrections/1/revert", R"({"by":"Bob","reason":"it was right"})").status, 200U);
  await([&] { return alerts(api).size() == 10; }, "the alert again");
  EXPECT_EQ(get_json(api, "/api/sensors/1/stats")["count"].GetInt(), 300);
  EXPECT_EQ(get_json(api, "/api/corrections?in_force=true")["corrections"].Size(), 0U);
  EXPECT_THAT(api.get("/api/audit").body, HasSubstr("/api/corrections/1/revert"));
  EXPECT_EQ(daemon.process.stop(), 0);
}

TEST(corrections, what_follows_is_finished_by_the_next_start_wherever_a_kill_came) {
  fresh_daemon daemon;
  std::vector<std::uint32_t> sensors;
  {
    http_client api(daemon->api_port());
    sensors = add_sensors(api, 40, R"("max_threshold":90)");
    store(api, readings_with_faults(sensors, 300));
    await([&] { return alerts(api).size() == 200; }, "the alerts");
  }
  std::mt19937 random(3);
  for (int round = 0; round < 6; ++round) {
    http_client api(daemon->api_port());
    const bool back = round % 2 == 1;
    const auto path = back ? fmt::format("/api/corrections/{}/revert", round / 2 + 1) : std::string("/api/corrections");
    const auto body = back ? std::string(R"({"by":"Bob","reason":"testing"})")
                           : body_of(R"("selector":{"unit":"C"})", R"("action":"replace","value":50)", round, 1'000'000);
    std::thread asking([&] {
      try {
        http_client other(daemon->api_port());
        (void)other.post(path, body);
      } catch (const connection_lost&) {  // it was killed
      }
    });
    await([&] { return get_json(api, "/api/corrections?in_force=true")["corrections"].Size() == (back ? 0U : 1U); },
          "that it is committed");
    if (random() % 3 != 0)
      await([&] { return api.get("/api/events?kind=readings_corrected&limit=1").status == 200; }, "an answer");
    daemon->kill();
    asking.join();
    daemon->start();
    http_client again(daemon->api_port());
    await([&] { return !get_json(again, "/api/corrections")["corrections"][0]["consequences"].IsNull(); }, "what follows");
    EXPECT_EQ(alerts(again).size(), back ? 200U : 0U) << round;
  }
}

TEST(corrections, derived_readings_end_as_they_should_wherever_a_kill_came) {
  fresh_daemon daemon;
  const auto values = [](http_client& api) {
    std::map<std::string, double> found;
    const auto page = get_json(api, "/api/sensors/2/readings?limit=1000");
    for (const auto& each : page["readings"].GetArray()) found[each["timestamp"].GetString()] = each["value"].GetDouble();
    return found;
  };
  std::map<std::string, double> before;
  {
    http_client api(daemon->api_port());
    const auto sensors = add_sensors(api, 1);
    const auto made = api.post("/api/pipelines", R"({"name":"minutes","sources":{"a":{"sensor_id":1}},
        "steps":[{"window":{"tumbling_ms":60000},"aggregate":"mean"}],
        "sinks":[{"sensor":{"name":"minutes"}},{"event":{"when":"value > 55"}}]})");
    ASSERT_EQ(made.status, 201U) << made.body;
    store(api, readings_with_faults(sensors, 1'200));
    await([&] { return values(api).size() == 20; }, "the derived readings");
    before = values(api);
  }
  std::mt19937 random(5);
  for (int round = 0; round < 6; ++round) {
    http_client api(daemon->api_port());
    const bool back = round % 2 == 1;
    const auto path = back ? fmt::format("/api/corrections/{}/revert", round / 2 + 1) : std::string("/api/corrections");
    const auto body = back ? std::string(R"({"by":"Bob","reason":"testing"})")
                           : body_of(R"("sensor_id":1)", R"("action":"replace","value":50)", 60 * round, 1'080);
    std::thread asking([&] {
      try {
        http_client other(daemon->api_port());
        (void)other.post(path, body);
      } catch (const connection_lost&) {  // it was killed
      }
    });
    await([&] { return get_json(api, "/api/corrections?in_force=true")["corrections"].Size() == (back ? 0U : 1U); },
          "that it is committed");
    for (auto calls = random() % 30; calls > 0; --calls) (void)values(api);
    daemon->kill();
    asking.join();
    daemon->start();
    http_client again(daemon->api_port());
    await([&] { return !get_json(again, "/api/corrections")["corrections"][0]["consequences"].IsNull(); }, "what follows");
    auto expected = before;
    auto minute = 0;
    for (auto& [time, value] : expected)
      if (const auto at = minute++; !back && at >= round && at < 18) value = 50;
    EXPECT_EQ(values(again), expected) << round;
    const auto derived = get_json(again, "/api/corrections")["corrections"][0]["consequences"]["derived"].Size();
    EXPECT_EQ(derived, 1U) << round;
  }
}

TEST(annotations, of_a_machine_are_shown_with_its_sensors_and_outlive_a_kill) {
  fresh_daemon daemon;
  {
    http_client api(daemon->api_port());
    add_sensors(api, 2);
    const auto made = api.post("/api/annotations", R"({"machine_id":1,"kind":"planned_stop","from":"2026-09-21T12:00:00Z",
        "to":"2026-09-21T13:00:00Z","text":"lunch","by":"Ada"})");
    EXPECT_EQ(made.status, 201U) << made.body;
    EXPECT_EQ(api.post("/api/annotations", R"({"sensor_id":2,"from":1,"to":2,"text":"x","by":"Ada"})").status, 201U);
    EXPECT_EQ(
        api.post("/api/annotations", R"({"sensor_id":2,"from":2,"to":2,"text":"x","by":"Ada"})").json()["field"].GetString(),
        std::string("to"));
    EXPECT_EQ(api.post("/api/annotations", R"({"machine_id":9,"from":1,"to":2,"text":"x","by":"Ada"})").status, 404U);
    EXPECT_EQ(api.patch("/api/annotations/1", R"({"text":"long lunch"})").status, 200U);
  }
  daemon->kill();
  daemon->start();
  http_client api(daemon->api_port());
  const auto of_sensor = get_json(api, "/api/annotations?sensor_id=1&from=2026-09-21T12:59:59Z&to=2026-09-22T00:00:00Z");
  ASSERT_EQ(of_sensor["annotations"].Size(), 1U);
  EXPECT_EQ(of_sensor["annotations"][0]["text"].GetString(), std::string("long lunch"));
  EXPECT_EQ(get_json(api, "/api/annotations?sensor_id=1&from=2026-09-21T13:00:00Z")["annotations"].Size(), 0U);
  EXPECT_EQ(get_json(api, "/api/annotations?sensor_id=2")["annotations"].Size(), 2U);
  EXPECT_EQ(api.del("/api/annotations/1").status, 204U);
  EXPECT_EQ(api.get("/api/annotations/1").status, 404U);
}

TEST(annotations, that_exclude_their_span_from_the_baseline_say_so_and_are_followed_after_a_kill) {
  fresh_daemon daemon;
  {
    http_client api(daemon->api_port());
    add_sensors(api, 2);
    const std::string stop =
        R"("kind":"planned_stop","from":"2026-01-19T12:00:00Z","to":"2026-01-19T13:00:00Z","text":"lunch","by":"Ada")";
    EXPECT_EQ(
        api.post("/api/annotations", R"({"machine_id":1,"exclude_from_baseline":1,)" + stop + "}").json()["field"].GetString(),
        std::string("exclude_from_baseline"));
    const auto made = api.post("/api/annotations", R"({"machine_id":1,"exclude_from_baseline":true,)" + stop + "}").json();
    EXPECT_TRUE(made["exclude_from_baseline"].GetBool());
    EXPECT_EQ(made["correction_id"].GetInt(), 1);
  }
  daemon->kill();
  daemon->start();
  http_client api(daemon->api_port());
  const auto correction = get_json(api, "/api/corrections/1");
  EXPECT_EQ(correction["action"].GetString(), std::string("exclude_from_baseline"));
  EXPECT_EQ(correction["sensor_ids"].Size(), 2U);
  const auto baseline = get_json(api, "/api/sensors/2/baseline");
  ASSERT_EQ(baseline["excluded"].Size(), 1U);
  EXPECT_EQ(baseline["excluded"][0]["from"].GetString(), std::string("2026-01-19T12:00:00Z"));
  EXPECT_EQ(api.post("/api/corrections/1/revert", R"({"reason":"no","by":"Bob"})").status, 409U);
  EXPECT_EQ(api.patch("/api/annotations/1", R"({"exclude_from_baseline":false})").status, 200U);
  EXPECT_EQ(get_json(api, "/api/corrections/1")["state"].GetString(), std::string("reverted"));
  EXPECT_EQ(get_json(api, "/api/sensors/2/baseline")["excluded"].Size(), 0U);
}

TEST(corrections, are_refused_with_the_member_at_fault) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  add_sensors(api, 1);
  const auto field = [&](const std::string& body) {
    const auto refused = api.post("/api/corrections", body);
    return refused.status == 400 ? std::string(refused.json()["field"].GetString()) : std::to_string(refused.status);
  };
  const std::string one = R"("sensor_id":1)";
  EXPECT_EQ(field(body_of(one, R"("action":"explode")")), "action");
  EXPECT_EQ(field(body_of(one, R"("action":"exclude_from_baseline")")), "action");
  EXPECT_EQ(field(body_of(one, R"("action":"scale")")), "factor");
  EXPECT_EQ(field(body_of(one, R"("action":"scale","factor":0)")), "factor");
  EXPECT_EQ(field(body_of(one, R"("action":"exclude","value":1)")), "value");
  EXPECT_EQ(field(body_of(one, R"("action":"flag","flag":"good")")), "flag");
  EXPECT_EQ(field(body_of(one, R"("action":"exclude")", 5, 5)), "to");
  EXPECT_EQ(field(body_of(one, R"("action":"exclude")", 0, 1'000'000'000)), "to");
  EXPECT_EQ(field(body_of(R"("selector":{"name":"nobody"})", R"("action":"exclude")")), "selector");
  EXPECT_EQ(field(body_of(R"("sensor_id":7)", R"("action":"exclude")")), "404");
  EXPECT_EQ(field(R"({"sensor_id":1,"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","action":"exclude","by":"Ada"})"),
            "reason");
  EXPECT_EQ(api.post("/api/corrections/1/revert", R"({"by":"Ada","reason":"x"})").status, 404U);
  EXPECT_EQ(daemon.process.stop(), 0);
}

}  // namespace
}  // namespace factory::test
