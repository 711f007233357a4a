// Settings of detection belong to the sensor: they are changed by calls, stay over restarts under other options, and follow feedback.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

struct detection : testing::Test {
  fresh_daemon process;
  http_client api{process->api_port()};
  std::uint32_t id = add_sensors(api, 1).front();

  void send(std::int64_t first, std::size_t count) {
    std::mt19937 random(static_cast<unsigned>(first));
    std::normal_distribution<double> noise(50, 1);
    std::vector<reading> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back({id, ten_us + (first + static_cast<std::int64_t>(i)) * second_us, noise(random)});
    store(api, rows);
  }
  void send_one(std::int64_t at, double value) { store(api, {{id, ten_us + at * second_us, value}}); }
  rapidjson::Document change(std::string_view members) {
    return api.patch(fmt::format("/api/sensors/{}", id), fmt::format(R"({{"detection":{}}})", members)).json();
  }
  std::vector<std::string> found_by() {
    await_processed(api);
    process->restart();
    http_client again(process->api_port());
    std::vector<std::string> detectors;
    const auto page = get_json(again, "/api/anomalies?limit=1000");
    for (const auto& each : page["anomalies"].GetArray()) detectors.emplace_back(each["detector"].GetString());
    std::sort(detectors.begin(), detectors.end());
    return detectors;
  }
};

TEST_F(detection, a_new_sensor_shows_the_options_of_the_daemon_and_a_change_leaves_the_others) {
  const auto before = get_json(api, fmt::format("/api/sensors/{}", id));
  EXPECT_EQ(before["detection"]["allowed_lateness_ms"].GetInt64(), 60'000);
  EXPECT_EQ(before["detection"]["z_threshold"].GetDouble(), 4);
  EXPECT_TRUE(before["detection"]["detectors"].ObjectEmpty());
  change(R"({"z_threshold":3,"detectors":{"spike":{"sensitivity":0.5}}})");
  const auto after = change(R"({"physical_max":90,"detectors":{"drift":{"on":false}}})");
  EXPECT_EQ(after["detection"]["z_threshold"].GetDouble(), 3);
  EXPECT_EQ(after["detection"]["physical_max"].GetDouble(), 90);
  EXPECT_EQ(after["detection"]["detectors"]["spike"]["sensitivity"].GetDouble(), 0.5);
  EXPECT_FALSE(after["detection"]["detectors"]["drift"]["on"].GetBool());
}

TEST_F(detection, what_cannot_be_is_refused_with_its_name) {
  for (const auto& [members, field] : std::vector<std::pair<std::string_view, std::string_view>>{
           {R"({"z_treshold":3})", "detection.z_treshold"},
           {R"({"physical_min":3,"physical_max":2})", "detection"},
           {R"({"detectors":{"spikes":{"on":false}}})", "detection.detectors.spikes"},
           {R"({"detectors":{"spike":{"sensitivity":0}}})", "detection.detectors.spike.sensitivity"},
           {R"({"detectors":{"spike":{"direction":"left"}}})", "detection.detectors.spike.direction"}}) {
    const auto refused = api.patch(fmt::format("/api/sensors/{}", id), fmt::format(R"({{"detection":{}}})", members));
    EXPECT_EQ(refused.status, 400U) << members;
    EXPECT_NE(refused.body.find(field), std::string::npos) << refused.body;
  }
}

TEST_F(detection, a_reading_beyond_what_the_sensor_can_measure_is_found_once_that_is_known) {
  send_one(0, 120);
  change(R"({"physical_max":100})");
  send_one(1, 120);
  EXPECT_EQ(found_by(), (std::vector<std::string>{"out_of_range"}));
}

TEST_F(detection, a_detector_that_is_off_finds_nothing) {
  change(R"({"z_threshold":1000,"detectors":{"spike":{"on":false},"level_shift":{"on":false}}})");
  send(0, 1'000);
  send_one(1'000, 90);
  send(1'001, 20);
  EXPECT_EQ(found_by(), (std::vector<std::string>{}));
}

TEST_F(detection, a_restart_under_other_options_judges_as_before) {
  send(0, 200);
  await_processed(api);
  process->stop();
  daemon other(process->data_dir(), {"--z-threshold", "100", "--allowed-lateness", "1ms"});
  other.start();
  http_client again(other.api_port());
  store(again, {{id, ten_us + 200 * second_us, 90}});
  store(again, {{id, ten_us + 190 * second_us + 1, 50}});
  await_processed(again);
  const auto status = get_json(again, fmt::format("/api/sensors/{}/status", id));
  EXPECT_EQ(status["late"].GetUint(), 0U);
  await([&] { return get_json(again, "/api/anomalies?detector=z_score")["anomalies"].Size() == 1; }, "the anomaly");
}

TEST_F(detection, settings_of_a_machine_and_a_factory_are_inherited_and_shown_with_where_they_come_from) {
  const auto patched = [&](std::string_view path, std::string_view members) {
    const auto got = api.patch(path, fmt::format(R"({{"detection":{}}})", members));
    EXPECT_EQ(got.status, 200U) << got.body;
    return got.json();
  };
  patched("/api/factories/1", R"({"z_threshold":3,"detectors":{"spike":{"sensitivity":0.5},"machine":{"sensitivity":0.8}}})");
  const auto machine = patched("/api/machines/1", R"({"detectors":{"spike":{"on":false}}})");
  EXPECT_FALSE(machine["detection"]["detectors"]["spike"]["on"].GetBool());
  EXPECT_FALSE(machine["detection"].HasMember("z_threshold")) << "what is set there, and no more";
  change(R"({"allowed_lateness_ms":5000})");
  const auto of_sensor = get_json(api, fmt::format("/api/sensors/{}/detection", id));
  const auto expect = [](const rapidjson::Value& member, std::string_view from) { EXPECT_EQ(member["from"].GetString(), from); };
  EXPECT_EQ(of_sensor["z_threshold"]["value"].GetDouble(), 3);
  expect(of_sensor["z_threshold"], "factory");
  expect(of_sensor["allowed_lateness_ms"], "sensor");
  expect(of_sensor["future_skew_ms"], "daemon");
  expect(of_sensor["detectors"]["spike"]["on"], "machine");
  expect(of_sensor["detectors"]["spike"]["sensitivity"], "factory");
  EXPECT_FALSE(of_sensor["detectors"]["spike"]["on"]["value"].GetBool());
  EXPECT_FALSE(of_sensor["detectors"].HasMember("machine"));
  const auto of_machine = get_json(api, "/api/machines/1/detection");
  expect(of_machine["detectors"]["machine"]["sensitivity"], "factory");
  expect(of_machine["detectors"]["machine"]["on"], "daemon");
  EXPECT_FALSE(of_machine.HasMember("physical_min"));
  expect(get_json(api, "/api/factories/1/detection")["z_threshold"], "factory");
  const auto sensor = get_json(api, fmt::format("/api/sensors/{}", id));
  EXPECT_EQ(sensor["detection"]["z_threshold"].GetDouble(), 3);
  EXPECT_FALSE(sensor["detection"]["detectors"]["spike"]["on"].GetBool());
  patched("/api/machines/1", R"({"detectors":{"spike":null}})");
  patched("/api/factories/1", "null");
  expect(get_json(api, fmt::format("/api/sensors/{}/detection", id))["detectors"]["spike"]["on"], "daemon");
}

TEST_F(detection, what_a_machine_cannot_set_is_refused_with_its_name) {
  for (const auto& [members, field] : std::vector<std::pair<std::string_view, std::string_view>>{
           {R"({"physical_min":3})", "detection.physical_min"},
           {R"({"detectors":{"machine":{"direction":"up"}}})", "detection.detectors.machine.direction"},
           {R"({"detectors":{"machine":{"on":1}}})", "detection.detectors.machine.on"},
           {R"({"detectors":7})", "detection.detectors"},
           {R"(7)", "detection"}}) {
    const auto refused = api.patch("/api/machines/1", fmt::format(R"({{"detection":{}}})", members));
    EXPECT_EQ(refused.status, 400U) << members;
    EXPECT_NE(refused.body.find(field), std::string::npos) << refused.body;
  }
  const auto of_sensor = api.patch(fmt::format("/api/sensors/{}", id), R"({"detection":{"detectors":{"machine":{"on":false}}}})");
  EXPECT_EQ(of_sensor.status, 400U) << of_sensor.body;
  EXPECT_EQ(api.get("/api/machines/9/detection").status, 404U);
}

/// What a fresh daemon finds in readings amid which settings change; where it is disturbed, it is killed behind them.
std::vector<std::string> found_amid_changes(bool disturbed) {
  fresh_daemon process;
  auto api = std::make_unique<http_client>(process->api_port());
  const auto id = add_sensors(*api, 1).front();
  const auto send = [&](std::int64_t first, std::size_t count, double away = 0) {
    std::mt19937 random(static_cast<unsigned>(first));
    std::normal_distribution<double> noise(50, 1);
    std::vector<reading> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back({id, ten_us + (first + static_cast<std::int64_t>(i)) * second_us, noise(random) + away});
    store(*api, rows);
  };
  const auto set = [&](std::string_view path, std::string_view members) {
    EXPECT_EQ(api->patch(path, fmt::format(R"({{"detection":{}}})", members)).status, 200U);
  };
  send(0, 400);
  send(400, 1, 40);
  set("/api/machines/1", R"({"z_threshold":1000,"detectors":{"spike":{"on":false},"level_shift":{"on":false}}})");
  send(401, 100);
  send(501, 1, 40);
  set("/api/factories/1", R"({"detectors":{"stuck":{"on":false}}})");
  if (disturbed) {
    process->kill();
    process->start();
    api = std::make_unique<http_client>(process->api_port());
  }
  send(502, 300);
  send(802, 1, 40);
  set("/api/machines/1", "null");
  send(803, 100);
  send(903, 1, 40);
  await_processed(*api);
  process->restart();
  http_client again(process->api_port());
  return findings(again);
}

TEST_F(detection, settings_changed_amid_the_readings_stand_where_they_were_also_over_kill_9) {
  const auto undisturbed = found_amid_changes(false);
  EXPECT_GE(undisturbed.size(), 4U);
  EXPECT_EQ(found_amid_changes(true), undisturbed);
  for (const auto& each : undisturbed)
    EXPECT_EQ(each.find("2026-01-19T10:08:21"), std::string::npos) << "row 501, with all switched off: " << each;
}

TEST_F(detection, false_alarms_make_a_detector_less_sensitive_until_they_are_taken_back) {
  send(0, 1'000);
  send_one(1'000, 90);
  std::string spike;
  await(
      [&] {
        const auto page = get_json(api, "/api/anomalies?detector=spike");
        if (page["anomalies"].Size() == 1) spike = page["anomalies"][0]["id"].GetString();
        return !spike.empty();
      },
      "the spike");
  const auto sensitivity = [&] {
    const auto sensor = get_json(api, fmt::format("/api/sensors/{}", id));
    const auto& detectors = sensor["detection"]["detectors"];
    return detectors.HasMember("spike") ? detectors["spike"]["sensitivity"].GetDouble() : 1.0;
  };
  const auto judge = [&](std::string_view verdict) {
    const auto got =
        api.post(fmt::format("/api/anomalies/{}/feedback", spike), fmt::format(R"({{"verdict":"{}","by":"Ann"}})", verdict));
    ASSERT_EQ(got.status, 200U) << got.body;
  };
  judge("false_alarm");
  EXPECT_DOUBLE_EQ(sensitivity(), 0.9);
  judge("false_alarm");
  EXPECT_DOUBLE_EQ(sensitivity(), 0.9);
  judge("confirmed");
  EXPECT_DOUBLE_EQ(sensitivity(), 1.0);
}

}  // namespace
}  // namespace factory::test
