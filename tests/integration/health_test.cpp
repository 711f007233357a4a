// What the detectors of a sensor expect and find, as a client sees it.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <random>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

struct health : testing::Test {
  std::int64_t now_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  fresh_daemon process;
  http_client api{process->api_port()};
  std::vector<std::uint32_t> ids = add_sensors(api, 2);

  /// A reading a second up to now, of noise around 50.
  void send(std::uint32_t sensor, std::size_t count) {
    std::mt19937 random(7);
    std::normal_distribution<double> noise(50, 1);
    std::vector<reading> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back({sensor, now_us - static_cast<std::int64_t>(count - i) * second_us, noise(random)});
    store(api, rows);
  }
};

TEST_F(health, of_a_sensor_without_readings_says_so) {
  const auto baseline = get_json(api, fmt::format("/api/sensors/{}/baseline", ids[0]));
  EXPECT_EQ(baseline["learned_readings"].GetUint(), 0U);
  EXPECT_TRUE(baseline["level"].IsNull());
  EXPECT_STREQ(get_json(api, fmt::format("/api/sensors/{}/health", ids[0]))["state"].GetString(), "no_readings");
}

TEST_F(health, a_baseline_says_what_is_expected_and_what_is_still_being_learned) {
  send(ids[0], 1'000);
  const auto baseline = get_json(api, fmt::format("/api/sensors/{}/baseline", ids[0]));
  EXPECT_EQ(baseline["learned_readings"].GetUint(), 1'000U);
  EXPECT_NEAR(baseline["level"].GetDouble(), 50, 0.5);
  EXPECT_NEAR(baseline["usual_interval_ms"].GetDouble(), 1'000, 1);
  EXPECT_FALSE(baseline["by_time_of_day"].GetBool());
  for (const auto& each : baseline["detectors"].GetArray()) {
    const std::string_view name = each["detector"].GetString();
    if (name == "spike" || name == "stuck") {
      EXPECT_TRUE(each["ready"].GetBool()) << name;
    }
    if (name == "drift" || name == "pattern") {
      EXPECT_FALSE(each["ready"].GetBool()) << name;
    }
  }
  EXPECT_STREQ(get_json(api, fmt::format("/api/sensors/{}/health", ids[0]))["state"].GetString(), "ok");
}

TEST_F(health, an_open_anomaly_is_the_state_of_its_sensor_and_is_counted_by_machine_and_factory) {
  send(ids[0], 1'000);
  send(ids[1], 1'000);
  store(api, {{ids[1], now_us, 90}});
  const auto of_sensor = get_json(api, fmt::format("/api/sensors/{}/health", ids[1]));
  EXPECT_STREQ(of_sensor["state"].GetString(), "anomaly");
  ASSERT_EQ(of_sensor["open"].Size(), 1U);
  const auto& open = of_sensor["open"][0];
  EXPECT_STREQ(open["detector"].GetString(), "spike");
  EXPECT_NE(std::string_view(open["explanation"].GetString()).find("90 C where 5"), std::string_view::npos)
      << open["explanation"].GetString();
  const auto target_of_it = fmt::format("/api/anomalies/{}", open["id"].GetString());
  await([&] { return api.get(target_of_it).status == 200; }, "the anomaly");
  const auto anomaly = get_json(api, target_of_it);
  EXPECT_TRUE(anomaly["open"].GetBool());
  EXPECT_EQ(anomaly["peak"]["value"].GetDouble(), 90);

  for (const char* const target : {"/api/machines/1/health", "/api/factories/1/health"}) {
    const auto all = get_json(api, target);
    EXPECT_STREQ(all["state"].GetString(), "anomaly");
    EXPECT_EQ(all["sensors"].GetUint(), 2U);
    EXPECT_EQ(all["counts"]["ok"].GetUint(), 1U);
    ASSERT_EQ(all["list"].Size(), 1U);
    EXPECT_EQ(all["list"][0]["sensor_id"].GetUint(), ids[1]);
  }
  EXPECT_EQ(api.get("/api/machines/9/health").status, 404U);
  EXPECT_EQ(api.get("/api/factories/9/health").status, 404U);
  EXPECT_EQ(api.get("/api/sensors/9/baseline").status, 404U);
}

}  // namespace
}  // namespace factory::test
