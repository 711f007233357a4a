// The background jobs as its users see it: over the API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <chrono>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// Noon of yesterday, UTC: what the daily report tells of. (A run over midnight would ask for another day: the test would tell.)
std::int64_t yesterday_noon_us() {
  using namespace std::chrono;
  const std::int64_t now_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  return now_us / day_us * day_us - day_us / 2;
}

rapidjson::Document run_job(http_client& api, const std::string& name) {
  const auto got = api.post("/api/jobs/" + name + "/run", "");
  EXPECT_EQ(got.status, 200) << got.body;
  return got.json();
}

struct jobs : testing::Test {
  fresh_daemon daemon;
  http_client api{daemon->api_port()};
};

TEST_F(jobs, are_listed_with_their_schedules) {
  // The runner draws up its schedule on a thread of its own, which may be still at it.
  await([&] { return get_json(api, "/api/jobs")[4]["next_at"].IsString(); }, "a schedule");
  const auto listed = get_json(api, "/api/jobs");
  ASSERT_EQ(listed.Size(), 5U);
  EXPECT_STREQ(listed[0]["name"].GetString(), "rollup");
  EXPECT_EQ(listed[0]["every_seconds"].GetDouble(), 300);
  EXPECT_TRUE(listed[0]["next_at"].IsString());
  EXPECT_TRUE(listed[0]["last_run"].IsNull());
}

TEST_F(jobs, run_by_hand_and_their_runs_stay_over_a_restart) {
  store(api, signals(add_sensors(api, 2), 0, 700));
  for (const std::string name : {"rollup", "retention", "anomaly_scan", "daily_report", "rewrite"}) {
    const auto run = run_job(api, name);
    EXPECT_STREQ(run["result"].GetString(), "succeeded") << name << ": " << run["detail"].GetString();
    EXPECT_GE(run["duration_ms"].GetDouble(), 0);
  }
  EXPECT_THAT(run_job(api, "anomaly_scan")["detail"].GetString(), HasSubstr("in 1400 readings of 2 sensors"));
  EXPECT_EQ(get_json(api, "/api/jobs/anomaly_scan/runs").Size(), 2U);
  daemon->restart();
  http_client again(daemon->api_port());
  EXPECT_EQ(get_json(again, "/api/jobs/anomaly_scan/runs").Size(), 2U);
  EXPECT_EQ(again.post("/api/jobs/polishing/run", "").status, 404);
  EXPECT_EQ(again.get("/api/jobs/polishing/runs").status, 404);
}

TEST_F(jobs, the_daily_report_counts_the_day_in_json_and_as_a_page) {
  const auto sensor = add_sensors(api, 1, R"("max_threshold":90)").at(0);
  std::vector<reading> day;
  for (int i = 0; i < 60; ++i) day.push_back({sensor, yesterday_noon_us() + i * 1'000'000, i == 50 ? 95.0 : 20.0 + i % 2});
  store(api, day);
  await([&] { return get_json(api, "/api/events?kind=alert_cleared")["events"].Size() == 1; }, "the events of the day");
  run_job(api, "daily_report");
  const auto listed = get_json(api, "/api/reports");
  ASSERT_EQ(listed.Size(), 1U);
  const std::string path = "/api/reports/" + std::to_string(listed[0]["id"].GetUint64());
  const auto report = get_json(api, path);
  const auto& line = report["sensors"][0];
  EXPECT_EQ(line["count"].GetUint64(), 60U);
  EXPECT_EQ(line["min"].GetDouble(), 20);
  EXPECT_EQ(line["max"].GetDouble(), 95);
  EXPECT_EQ(line["alerts"].GetUint64(), 1U);
  EXPECT_EQ(line["anomalies"].GetUint64(), 1U);
  EXPECT_THAT(api.get(path + ".html").body, HasSubstr("<table"));
  EXPECT_EQ(api.get("/api/reports/999").status, 404);
}

TEST(retention, drops_whole_blocks_of_the_past_and_keeps_the_rest) {
  fresh_daemon daemon({"--retention", "7d"});
  http_client api(daemon->api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  std::vector<reading> old, fresh;
  for (std::int64_t i = 0; i < 5'000; ++i)
    old.push_back({sensor, yesterday_noon_us() - 100 * day_us + i * 1'000'000, static_cast<double>(i)});
  for (std::int64_t i = 0; i < 5'000; ++i) fresh.push_back({sensor, yesterday_noon_us() + i * 1'000, static_cast<double>(i)});
  store(api, old);
  daemon->restart();  // a stop seals the head
  http_client after(daemon->api_port());
  store(after, fresh);
  daemon->restart();
  http_client last(daemon->api_port());
  run_job(last, "retention");
  EXPECT_EQ(get_json(last, fmt::format("/api/sensors/{}/stats", sensor))["count"].GetUint64(), 5'000U);
}

TEST(retention, of_events_drops_what_is_over_and_keeps_what_is_active) {
  fresh_daemon daemon({"--event-retention", "30d"});
  http_client api(daemon->api_port());
  const auto sensors = add_sensors(api, 2, R"("max_threshold":90)");
  const std::int64_t long_ago_us = yesterday_noon_us() - 100 * day_us;
  store(api, {{sensors[0], long_ago_us, 95}, {sensors[0], long_ago_us + 1'000'000, 20}, {sensors[1], long_ago_us, 95}});
  await([&] { return get_json(api, "/api/alerts")["alerts"].Size() == 2; }, "the alerts");
  run_job(api, "retention");
  const auto left = get_json(api, "/api/alerts");
  ASSERT_EQ(left["alerts"].Size(), 1U);
  EXPECT_TRUE(left["alerts"][0]["active"].GetBool());
  EXPECT_EQ(get_json(api, "/api/events?kind=alert_raised")["events"].Size(), 1U);
}

TEST(retention, of_a_sensor_is_set_and_taken_away_over_the_api_and_events_outlive_the_readings) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  const auto sensors = add_sensors(api, 2, R"("retention_days":7,"max_threshold":4000)");
  const std::int64_t long_ago_us = yesterday_noon_us() - 100 * day_us;
  for (const auto sensor : sensors) {
    std::vector<reading> old;
    for (std::int64_t i = 0; i < 5'000; ++i) old.push_back({sensor, long_ago_us + i * 1'000'000, static_cast<double>(i)});
    store(api, old);
  }
  const auto change = [](http_client& to, std::string_view target, std::string_view body) {
    const auto got = to.patch(target, body);
    EXPECT_EQ(got.status, 200) << got.body;
    return got.json();
  };
  EXPECT_EQ(get_json(api, "/api/sensors/1")["retention_days"].GetInt(), 7);
  EXPECT_TRUE(get_json(api, "/api/machines/1")["retention_days"].IsNull());
  EXPECT_EQ(change(api, "/api/factories/1", R"({"retention_days":30})")["retention_days"].GetInt(), 30);
  EXPECT_EQ(change(api, "/api/machines/1", R"({"retention_days":0})")["retention_days"].GetInt(), 0);
  EXPECT_TRUE(change(api, "/api/sensors/2", R"({"retention_days":null})")["retention_days"].IsNull());
  for (const char* wrong : {"-1", "36501", "1.5", "\"7\"", "true"})
    EXPECT_EQ(api.patch("/api/sensors/1", fmt::format(R"({{"retention_days":{}}})", wrong)).status, 400) << wrong;
  await_processed(api);
  daemon->restart();  // a stop seals the heads
  http_client after(daemon->api_port());
  EXPECT_EQ(get_json(after, "/api/sensors/1")["retention_days"].GetInt(), 7);
  const auto events = findings(after);
  EXPECT_FALSE(events.empty());
  run_job(after, "rollup");
  run_job(after, "retention");
  const auto count_of = [&](std::uint32_t sensor) {
    const auto count = get_json(after, fmt::format("/api/sensors/{}/stats", sensor))["count"].GetUint64();
    EXPECT_EQ(readings_of(after, sensor).size(), count);
    return count;
  };
  EXPECT_EQ(count_of(sensors[0]), 0U);
  EXPECT_EQ(count_of(sensors[1]), 5'000U);  // for ever, as its machine says
  EXPECT_EQ(after.get("/api/sensors/1/latest").status, 404);
  EXPECT_EQ(findings(after), events);
}

}  // namespace
}  // namespace factory::test
