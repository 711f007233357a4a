// Alarms of a plant under its operators: over the API, over kill -9, and over a week.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "pipelines/model/time.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t week_us = 7 * 24 * 60 * minute_us;

std::int64_t this_second_us() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count() * second_us;
}

answer expect(unsigned status, answer got) {
  EXPECT_EQ(got.status, status) << got.body;
  return got;
}

std::uint32_t add_rule(http_client& api, std::uint32_t sensor, const std::string& members) {
  return expect(201, api.post("/api/rules", fmt::format(R"({{"sensor_id":{},"name":"r",{}}})", sensor, members)))
      .json()["id"]
      .GetUint();
}

std::string id_of(std::uint32_t sensor, std::int64_t raised_us, std::uint32_t rule) {
  return fmt::format("{}-{}-alert_rule-{}", sensor, raised_us, rule);
}

std::string state_of(http_client& api, const std::string& alert) {
  return get_json(api, "/api/alerts/" + alert)["state"].GetString();
}

/// Waits until the alert can be read, and tells its state.
std::string awaited_state_of(http_client& api, const std::string& alert) {
  await([&] { return api.get("/api/alerts/" + alert).status == 200; }, alert);
  return state_of(api, alert);
}

/// The times at which events of this kind happened.
std::vector<std::string> times_of(http_client& api, std::string_view kind) {
  std::vector<std::string> all;
  const auto page = get_json(api, fmt::format("/api/events?kind={}&limit=1000", kind));
  for (const auto& each : page["events"].GetArray()) all.emplace_back(each["timestamp"].GetString());
  return all;
}

TEST(alarms, rules_about_anomalies_and_quality_hold_over_kill_9_and_late_readings) {
  fresh_daemon plant({"--checkpoint-bytes", "20000"});
  http_client api(plant->api_port());
  const auto sensors = add_sensors(api, 2);
  expect(200, api.patch(fmt::format("/api/sensors/{}", sensors[0]), R"({"detection":{"physical_max":100}})"));
  const auto odd = add_rule(api, sensors[0], R"("condition":"ANOMALY","min_score":1.5,"detectors":["out_of_range"])");
  const auto poor = add_rule(api, sensors[1], R"("condition":"STALE_QUALITY","for_ms":10000)");
  const auto drafted = fmt::format(R"({{"rule":{{"sensor_id":{},"name":"r","condition":"ANOMALY"}}}})", sensors[0]);
  expect(400, api.post("/api/rules/preview", drafted));
  const auto begin_us = this_second_us() - 30 * second_us;
  const auto post = [&](std::size_t sensor, std::int64_t second, double value, std::string_view quality = "good") {
    expect(201,
           api.post("/api/readings", fmt::format(R"({{"sensor_id":{},"value":{},"timestamp":"{}","quality":"{}"}})",
                                                 sensors[sensor], value, format_time(begin_us + second * second_us), quality)));
  };
  for (std::int64_t second = 0; second < 3; ++second) post(0, second, 50);
  post(0, 3, 150);
  post(1, 0, 50);
  for (std::int64_t second = 1; second < 13; ++second) post(1, second, 0, "bad");
  const auto of_anomaly = id_of(sensors[0], begin_us + 3 * second_us, odd);
  const auto of_quality = id_of(sensors[1], begin_us + 10 * second_us, poor);
  EXPECT_EQ(awaited_state_of(api, of_anomaly), "active_unacknowledged");
  EXPECT_EQ(awaited_state_of(api, of_quality), "active_unacknowledged");
  plant->kill();
  plant->start();
  api = http_client(plant->api_port());
  post(1, 4, 50);
  await([&] { return api.get("/api/alerts/" + of_quality).status == 404; }, "the alert to be taken back");
  post(1, 13, 50);
  for (std::int64_t second = 4; second < 20; ++second) post(0, second, 50);
  await([&] { return state_of(api, of_anomaly) == "returned_unacknowledged"; }, "the end of the anomaly");
  await([&] { return get_json(api, fmt::format("/api/alerts?sensor_id={}", sensors[1]))["alerts"].Empty(); },
        "no alert of the quality to be left");
}

TEST(alarms, of_a_machine_that_begin_together_are_a_group_whatever_their_order) {
  fresh_daemon plant;
  http_client api(plant->api_port());
  const auto sensors = add_sensors(api, 3);
  std::vector<std::uint32_t> rules;
  for (const auto sensor : sensors) rules.push_back(add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80)"));
  const auto begin_us = this_second_us() - 40 * second_us;
  store(api, {{sensors[2], begin_us + 20 * second_us, 90}});
  store(api, {{sensors[0], begin_us, 90}});
  store(api, {{sensors[1], begin_us + 70 * second_us, 90}});
  const auto first = id_of(sensors[0], begin_us, rules[0]);
  for (const auto& [sensor, second] : {std::pair(0, 0), {1, 70}, {2, 20}})
    awaited_state_of(api, id_of(sensors[sensor], begin_us + second * second_us, rules[sensor]));
  const auto page = get_json(api, "/api/alerts");
  ASSERT_EQ(page["alerts"].Size(), 3U);
  ASSERT_EQ(page["groups"].Size(), 1U);
  EXPECT_EQ(std::string(page["groups"][0]["first_out"].GetString()), first);
  EXPECT_EQ(page["groups"][0]["alarms"].Size(), 2U);
  const std::string group = page["groups"][0]["id"].GetString();
  const auto of_group = get_json(api, "/api/alerts?group=" + group);
  ASSERT_EQ(of_group["alerts"].Size(), 2U);
  for (const auto& each : of_group["alerts"].GetArray()) EXPECT_EQ(std::string(each["first_out"].GetString()), first);
  EXPECT_EQ(get_json(api, "/api/alerts?first_out=true")["alerts"].Size(), 2U) << "one is alone";
  EXPECT_EQ(get_json(api, "/api/alerts?first_out=false")["alerts"].Size(), 1U);
  EXPECT_EQ(get_json(api, "/api/alerts?group_window_ms=100000")["groups"][0]["alarms"].Size(), 3U);
  EXPECT_TRUE(get_json(api, "/api/alerts/" + first + "?group_window_ms=0")["group"].IsNull());
  expect(400, api.get("/api/alerts?group=press"));
}

TEST(alarms, a_kill_9_within_a_delay_and_on_a_shelf_neither_resets_nor_doubles_them) {
  fresh_daemon plant({"--checkpoint-bytes", "20000"});
  http_client api(plant->api_port());
  const auto sensors = add_sensors(api, 2);
  const auto slow = add_rule(api, sensors[0], R"("condition":"GREATER_THAN","high":80,"on_delay_ms":4000)");
  const auto quick = add_rule(api, sensors[1], R"("condition":"GREATER_THAN","high":80)");
  const auto now_us = this_second_us();
  store(api, {{sensors[0], now_us, 90}, {sensors[1], now_us, 90}});
  await_processed(api);
  const auto alert = id_of(sensors[1], now_us, quick);
  awaited_state_of(api, alert);
  const auto shelved =
      expect(200, api.post("/api/alerts/" + alert + "/shelve", R"({"for_ms":6000,"reason":"test","by":"Ann"})")).json();
  EXPECT_STREQ(shelved["state"].GetString(), "shelved");
  const std::string until = shelved["shelf"]["until"].GetString();
  for (int i = 0; i < 3; ++i) {
    plant->kill();
    plant->start();
    api = http_client(plant->api_port());
    EXPECT_NE(get_json(api, "/api/alerts/" + alert)["active"].GetBool(), false);
  }
  await([&] { return !times_of(api, "alert_unshelved").empty(); }, "the end of the shelf");
  plant->kill();
  plant->start();
  api = http_client(plant->api_port());
  await([&] { return times_of(api, "alert_raised").size() == 2; }, "the end of the delay");
  EXPECT_EQ(times_of(api, "alert_unshelved"), std::vector<std::string>{until}) << "once, at its time";
  EXPECT_EQ(state_of(api, alert), "active_unacknowledged");
  EXPECT_EQ(state_of(api, id_of(sensors[0], now_us + 4 * second_us, slow)), "active_unacknowledged");
  EXPECT_EQ(times_of(api, "alert_shelved").size(), 1U);
  EXPECT_EQ(times_of(api, "alert_raised").size(), 2U);
}

struct alarms_api : testing::Test {
  fresh_daemon plant;
  http_client api{plant->api_port()};
  std::int64_t noon_us = 1'768'816'800 * second_us;

  rapidjson::Document order(const std::string& alert, std::string_view what, std::string_view body, unsigned status = 200) {
    return expect(status, api.post("/api/alerts/" + alert + "/" + std::string(what), body)).json();
  }
};

TEST_F(alarms_api, operators_shelve_reset_and_take_out_of_service) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto rule = add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80,"latch":true)");
  store(api, {{sensor, noon_us, 90}});
  await_processed(api);
  const auto alert = id_of(sensor, noon_us, rule);
  awaited_state_of(api, alert);
  order(alert, "unshelve", R"({"by":"Ann"})", 409);
  order(alert, "shelve", R"({"reason":"x","by":"Ann"})", 400);
  order(alert, "shelve", R"({"for_ms":1000,"once":true,"reason":"x","by":"Ann"})", 400);
  order(alert, "shelve", R"({"for_ms":1000,"by":"Ann"})", 400);
  order(alert, "shelve", R"({"until":"2020-01-01T00:00:00Z","reason":"x","by":"Ann"})", 400);
  EXPECT_STREQ(order(alert, "shelve", R"({"once":true,"reason":"pump","by":"Ann"})")["shelf"]["reason"].GetString(), "pump");
  EXPECT_EQ(get_json(api, "/api/alarms/shelved")["shelved"].Size(), 1U);
  EXPECT_EQ(state_of(api, alert), "shelved");
  EXPECT_STREQ(order(alert, "unshelve", R"({"by":"Ann"})")["state"].GetString(), "active_unacknowledged");
  order(alert, "reset", R"({"by":"Ann"})", 409);
  store(api, {{sensor, noon_us + second_us, 20}});
  await_processed(api);
  await([&] { return state_of(api, alert) == "latched_unacknowledged"; }, "the return");
  order(alert, "reset", R"({"by":"Ann"})", 409);
  EXPECT_STREQ(order(alert, "acknowledge", R"({"by":"Ann","comment":"seen"})")["comment"].GetString(), "seen");
  EXPECT_EQ(state_of(api, alert), "latched_acknowledged");
  EXPECT_STREQ(order(alert, "reset", R"({"by":"Ann"})")["state"].GetString(), "cleared");
  const auto service = fmt::format("/api/rules/{}/", rule);
  expect(409, api.post(service + "in_service", R"({"by":"Ann"})"));
  expect(400, api.post(service + "out_of_service", R"({"by":"Ann"})"));
  expect(200, api.post(service + "out_of_service", R"({"by":"Ann","reason":"calibration"})"));
  plant->restart();
  api = http_client(plant->api_port());
  store(api, {{sensor, noon_us + 2 * second_us, 90}});
  await_processed(api);
  const auto second = id_of(sensor, noon_us + 2 * second_us, rule);
  EXPECT_EQ(awaited_state_of(api, second), "out_of_service");
  expect(200, api.post(service + "in_service", R"({"by":"Ben"})"));
  EXPECT_EQ(state_of(api, second), "active_unacknowledged");
  EXPECT_EQ(get_json(api, "/api/alarms/shelved")["shelved"].Size(), 0U);
}

TEST_F(alarms_api, severity_and_peak_follow_the_readings_also_after_a_kill) {
  const auto sensor = add_sensors(api, 1, R"("max_threshold":80)").at(0);
  const auto rule = add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80)");
  const auto of_limit = fmt::format("{}-{}-max_threshold-0", sensor, noon_us), of_rule = id_of(sensor, noon_us, rule);
  const auto peak = [&](const std::string& alert) {
    const auto answer = api.get("/api/alerts/" + alert);
    if (answer.status == 404) return std::string("not stored yet");
    const auto now = answer.json();
    return fmt::format("{} {} {}", now["severity"].GetString(), now["peak"]["value"].GetDouble(),
                       now["peak"]["timestamp"].GetString());
  };
  store(api, {{sensor, noon_us, 82}, {sensor, noon_us + second_us, 100}, {sensor, noon_us + 2 * second_us, 101}});
  await_processed(api);
  await([&] { return peak(of_limit) == "critical 100 2026-01-19T10:00:01Z"; }, "the escalation");
  await([&] { return peak(of_rule) == "WARNING 100 2026-01-19T10:00:01Z"; }, "the peak");
  plant->kill();
  plant->start();
  api = http_client(plant->api_port());
  EXPECT_EQ(peak(of_limit), "critical 100 2026-01-19T10:00:01Z");
  store(api, {{sensor, noon_us + 3 * second_us, 70}});
  await([&] { return peak(of_rule) == "WARNING 101 2026-01-19T10:00:02Z"; }, "the end, which is exact");
  store(api, {{sensor, noon_us + second_us / 2, 120}});  // late
  await([&] { return peak(of_limit) == "critical 120 2026-01-19T10:00:00.500Z"; }, "the peak that came late");
}

TEST_F(alarms_api, a_rule_with_a_schedule_is_in_force_in_its_shifts_alone) {
  const auto sensor = add_sensors(api, 1).at(0);
  const std::string schedule = R"({"zone":"Europe/Berlin","times":[{"days":["mon"],"from":"06:00","to":"12:00"}]})";
  const auto rule = add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80,"schedule":)" + schedule);
  const auto path = fmt::format("/api/rules/{}", rule);
  EXPECT_NE(api.get(path).body.find("\"schedule\":" + schedule), std::string::npos) << api.get(path).body;
  constexpr std::int64_t hour_us = 60 * minute_us;
  store(api, {{sensor, noon_us - 6 * hour_us, 90}, {sensor, noon_us, 90}, {sensor, noon_us + 2 * hour_us, 90}});
  const auto alert = id_of(sensor, noon_us, rule);
  awaited_state_of(api, alert);
  await([&] { return state_of(api, alert) == "returned_unacknowledged"; }, "the end of the shift");
  EXPECT_STREQ(get_json(api, "/api/alerts/" + alert)["cleared_at"].GetString(), "2026-01-19T11:00:00Z");
  EXPECT_EQ(get_json(api, "/api/alerts")["alerts"].Size(), 1U) << "neither before the shift nor behind it";
  expect(200, api.patch(path, R"({"schedule":null})"));
  store(api, {{sensor, noon_us + 3 * hour_us, 90}});
  awaited_state_of(api, id_of(sensor, noon_us + 3 * hour_us, rule));
}

TEST_F(alarms_api, schedules_that_are_wrong_are_refused_with_the_member) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto path = fmt::format("/api/rules/{}", add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80)"));
  for (const auto& [schedule, field] : std::vector<std::pair<std::string, std::string>>{
           {R"({})", "schedule.times"},
           {R"({"times":[]})", "schedule.times"},
           {R"({"times":[{"from":"06:00"}]})", "schedule.times[0].to"},
           {R"({"times":[{"from":"6:00","to":"14:00"}]})", "schedule.times[0].from"},
           {R"({"times":[{"from":"24:00","to":"14:00"}]})", "schedule.times[0].from"},
           {R"({"times":[{"days":["monday"],"from":"06:00","to":"14:00"}]})", "schedule.times[0].days"},
           {R"({"zone":"Europe/Nowhere","times":[{"from":"06:00","to":"14:00"}]})", "schedule.zone"},
           {R"({"zone":"../../../etc/passwd","times":[{"from":"06:00","to":"14:00"}]})", "schedule.zone"},
           {R"({"shifts":[]})", "schedule.shifts"}}) {
    const auto refused = expect(400, api.patch(path, R"({"schedule":)" + schedule + "}"));
    EXPECT_NE(refused.body.find(R"("field":")" + field + '"'), std::string::npos) << refused.body;
  }
  for (const std::string zone : {"UTC", "+05:30", "Europe/Berlin", "AEST-10AEDT,M10.1.0,M4.1.0/3"})
    expect(200, api.patch(path, R"({"schedule":{"zone":")" + zone + R"(","times":[{"from":"22:00","to":"06:00"}]}})"));
}

TEST_F(alarms_api, a_machine_in_maintenance_suppresses_and_lists_are_filtered_and_sorted) {
  const auto sensors = add_sensors(api, 3, R"("max_threshold":1000)");
  const auto hot =
      add_rule(api, sensors[0], R"("condition":"GREATER_THAN","high":80,"severity":"CRITICAL","message":"Bearing is HOT")");
  add_rule(api, sensors[1], R"("condition":"GREATER_THAN","high":80,"severity":"INFO")");
  add_rule(api, sensors[2], R"("condition":"GREATER_THAN","high":80,"priority":2)");
  store(api, {{sensors[0], noon_us, 90}, {sensors[1], noon_us + second_us, 90}, {sensors[2], noon_us + 2 * second_us, 90}});
  await_processed(api);
  const auto ids = [&](const std::string& query) {
    std::vector<std::uint32_t> all;
    const auto page = get_json(api, "/api/alerts?" + query);
    for (const auto& each : page["alerts"].GetArray()) all.push_back(each["sensor_id"].GetUint());
    return all;
  };
  await([&] { return ids("limit=10").size() == 3; }, "the alerts");
  using list = std::vector<std::uint32_t>;
  EXPECT_EQ(ids("sort=raised_at"), (list{sensors[2], sensors[1], sensors[0]})) << "newest first";
  EXPECT_EQ(ids("sort=priority"), (list{sensors[0], sensors[2], sensors[1]}));
  EXPECT_EQ(ids("priority=1,2&sort=raised_at"), (list{sensors[2], sensors[0]}));
  EXPECT_EQ(ids("text=hot"), (list{sensors[0]}));
  EXPECT_EQ(ids("text=mill").size(), 3U) << "the machine's name";
  EXPECT_EQ(ids(fmt::format("rule_id={}", hot)), (list{sensors[0]}));
  EXPECT_EQ(ids("machine_id=99"), list{});
  order(id_of(sensors[0], noon_us, hot), "acknowledge", R"({"by":"Ann"})");
  EXPECT_EQ(ids("state=active_acknowledged"), (list{sensors[0]}));
  expect(200, api.patch("/api/machines/1", R"({"status":"MAINTENANCE"})"));
  await([&] { return ids("state=suppressed").size() == 3; }, "the suppression");
  expect(200, api.patch("/api/machines/1", R"({"status":"OPERATIONAL"})"));
  await([&] { return ids("state=suppressed").empty(); }, "its end");
  EXPECT_EQ(ids("state=active_unacknowledged&sort=sensor_id"), (list{sensors[1], sensors[2]}));
  expect(400, api.get("/api/alerts?state=sleeping"));
  expect(400, api.get("/api/alerts?sort=priority&cursor=d5"));
}

/// Alerts of the simulated week: when each was raised and ended, by sensor.
struct week_of_alarms {
  std::vector<reading> readings;
  std::map<std::uint32_t, std::vector<std::int64_t>> raises;

  /// One excursion above the limit.
  void breach(std::uint32_t sensor, std::int64_t from_us, std::int64_t until_us) {
    readings.push_back({sensor, from_us, 95});
    readings.push_back({sensor, until_us, 20});
    raises[sensor].push_back(from_us);
  }
};

week_of_alarms simulated(const std::vector<std::uint32_t>& sensors, std::int64_t begin_us) {
  std::mt19937 random(16);
  week_of_alarms week;
  for (std::size_t i = 2; i < sensors.size(); ++i)  // now and then, each by itself
    for (auto at_us = begin_us + minute_us; at_us < begin_us + week_us - 60 * minute_us;) {
      week.breach(sensors[i], at_us, at_us + 5 * minute_us);
      at_us += (120 + static_cast<std::int64_t>(random() % 2'000)) * minute_us;
    }
  for (int day = 0; day < 7; ++day)  // the first one chatters once a day, for two minutes
    for (int i = 0; i < 12; ++i) {
      const auto at_us = begin_us + day * 24 * 60 * minute_us + 600 * minute_us + i * 10 * second_us;
      week.breach(sensors[0], at_us, at_us + 5 * second_us);
    }
  week.breach(sensors[1], begin_us + 24 * 60 * minute_us, begin_us + 3 * 24 * 60 * minute_us);  // the second one stands
  return week;
}

TEST_F(alarms_api, the_performance_of_a_simulated_week_is_that_of_its_alarms) {
  const auto sensors = add_sensors(api, 30);
  for (const auto sensor : sensors) add_rule(api, sensor, R"("condition":"GREATER_THAN","high":80)");
  const auto begin_us = noon_us;
  auto week = simulated(sensors, begin_us);
  std::ranges::stable_sort(week.readings, {}, &reading::time_us);
  store(api, week.readings, 500);
  await_processed(api);
  await([&] { return times_of(api, "alert_cleared").size() == std::min<std::size_t>(1'000, week.readings.size() / 2); },
        "the alerts");
  std::size_t alarms = 0;
  std::map<std::int64_t, std::size_t> spans;
  std::vector<std::size_t> loads;
  for (const auto& [sensor, raises] : week.raises) {
    alarms += raises.size();
    loads.push_back(raises.size());
    for (const auto us : raises) ++spans[(us - begin_us) / (10 * minute_us)];
  }
  std::ranges::sort(loads, std::greater());
  const auto above = std::ranges::count_if(spans, [](const auto& each) { return each.second > 10; });
  const auto query = fmt::format("/api/alarms/performance?from={}&to={}", begin_us / 1'000, (begin_us + week_us) / 1'000);
  const auto page = get_json(api, query);
  const auto& figures = page["figures"];
  EXPECT_EQ(page["alarms"].GetUint(), alarms);
  EXPECT_NEAR(figures["average_per_10_minutes"]["value"].GetDouble(), static_cast<double>(alarms) / 1'008, 1e-9);
  EXPECT_STREQ(figures["average_per_10_minutes"]["verdict"].GetString(), "good");
  EXPECT_EQ(figures["peak_in_10_minutes"]["value"].GetUint(),
            std::ranges::max_element(spans, {}, [](const auto& each) { return each.second; })->second);
  EXPECT_STREQ(figures["peak_in_10_minutes"]["verdict"].GetString(), "bad");
  EXPECT_NEAR(figures["share_of_10_minutes_above_10"]["value"].GetDouble(), static_cast<double>(above) / 1'008, 1e-9);
  EXPECT_EQ(figures["chattering_limits"]["value"].GetUint(), 1U);
  EXPECT_EQ(page["chattering"][0]["sensor_id"].GetUint(), sensors[0]);
  EXPECT_EQ(page["chattering"][0]["chattering_minutes"].GetUint(), 14U);
  EXPECT_EQ(figures["standing_over_24_h"]["value"].GetUint(), 1U);
  EXPECT_EQ(page["top_ten"].Size(), 10U);
  EXPECT_EQ(page["top_ten"][0]["alarms"].GetUint(), loads[0]);
  EXPECT_EQ(figures["by_priority"]["value"]["3"].GetUint(), alarms);
  std::cout << "the week: " << text_of(page) << "\n";
}

}  // namespace
}  // namespace factory::test
