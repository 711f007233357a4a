// Commands of operators through the API, over kill -9.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

constexpr std::size_t commanded_sensors = 40;

std::string acknowledge(const std::string& alert) { return "/api/alerts/" + alert + "/acknowledge"; }

std::vector<std::string> ids_of_alerts(http_client& api) {
  std::vector<std::string> ids;
  const auto page = get_json(api, "/api/alerts?limit=1000");
  for (const auto& each : page["alerts"].GetArray()) ids.emplace_back(each["id"].GetString());
  return ids;
}

TEST(acknowledging, is_in_force_once_after_kill_9_whenever_it_was_answered) {
  fresh_daemon plant({"--checkpoint-bytes", "50000"});
  std::vector<std::string> alerts;
  {
    http_client api(plant->api_port());
    std::vector<reading> breaches;
    for (const auto sensor : add_sensors(api, commanded_sensors, R"("max_threshold":90)"))
      breaches.push_back({sensor, 1'768'816'800'000'000, 95});
    store(api, breaches);
    await([&] { return (alerts = ids_of_alerts(api)).size() == commanded_sensors; }, "the alerts");
    ASSERT_EQ(alerts.size(), commanded_sensors);
  }
  std::map<std::string, std::string> answered;
  for (std::size_t next = 0, round = 0; next < alerts.size(); ++round) {
    std::atomic<std::size_t> done{0};
    std::jthread operators([&, port = plant->api_port()] {
      http_client api(port);
      try {
        for (; next < alerts.size(); ++next, ++done, done.notify_all()) {
          const auto got = api.post(acknowledge(alerts[next]), fmt::format(R"({{"by":"round {}"}})", round));
          ASSERT_EQ(got.status, 200U) << got.body;
          answered[alerts[next]] = got.json()["acknowledged_by"].GetString();
        }
      } catch (const connection_lost&) {
      }
      done = alerts.size();
      done.notify_all();
    });
    for (std::size_t seen = 0; seen < 7; seen = done) done.wait(seen);
    plant->kill();
    operators.join();
    plant->start();
    http_client api(plant->api_port());
    for (const auto& [alert, by] : answered) {
      EXPECT_EQ(std::string(get_json(api, "/api/alerts/" + alert)["acknowledged_by"].GetString()), by);
      EXPECT_EQ(api.post(acknowledge(alert), R"({"by":"too late"})").json()["acknowledged_by"].GetString(), by);
    }
  }
  http_client api(plant->api_port());
  const auto events = get_json(api, "/api/events?kind=alert_acknowledged&limit=1000");
  EXPECT_EQ(events["events"].Size(), commanded_sensors);
  EXPECT_EQ(api.post(acknowledge("1-5-max_threshold-0"), R"({"by":"Ann"})").status, 404U);
}

}  // namespace
}  // namespace factory::test
