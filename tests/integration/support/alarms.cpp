#include "integration/support/alarms.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace factory::test {

namespace {

constexpr std::int64_t pace_us = 61'000'000;

}  // namespace

watched_plant::watched_plant(http_client& api, std::size_t sensors, std::string_view routing)
    : sensors_(add_sensors(api, sensors)) {
  using namespace std::chrono;
  next_us_ = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count() - 60 * pace_us;
  std::string rules;
  for (const auto sensor : sensors_)
    rules += fmt::format(R"({}{{"sensor_id":{},"name":"hot","condition":"GREATER_THAN","high":90,"severity":"WARNING",{}}})",
                         rules.empty() ? "[" : ",", sensor, routing);
  const auto made = api.post("/api/rules", rules + "]");
  if (made.status != 201) throw std::runtime_error(made.body);
  const auto parsed = made.json();
  for (const auto& rule : parsed.GetArray()) rules_.push_back(rule["id"].GetUint());
}

void watched_plant::post(http_client& api, std::size_t sensor, double value) {
  store(api, {{sensors_.at(sensor), next_us_, value}});
  next_us_ += pace_us;
}

void watched_plant::post_all(http_client& api, double value) {
  std::vector<reading> all;
  for (const auto sensor : sensors_) all.push_back({sensor, next_us_, value});
  next_us_ += pace_us;
  store(api, all);
}

std::uint32_t add_channel(http_client& api, std::string_view members) {
  static int number = 0;
  const auto made = api.post("/api/channels", fmt::format(R"({{"name":"channel {}",{}}})", ++number, members));
  if (made.status != 201) throw std::runtime_error(made.body);
  return made.json()["id"].GetUint();
}

std::uint32_t add_webhook(http_client& api, std::string_view url, std::string_view more) {
  const std::string_view groups = more.find("group_every_ms") == std::string_view::npos ? R"(,"group_every_ms":0)" : "";
  const std::string_view digests = more.find("digest_above") == std::string_view::npos ? R"(,"digest_above":0)" : "";
  return add_channel(api, fmt::format(R"("type":"webhook","allow_private":true,"url":"{}"{}{}{}{})", url, digests, groups,
                                      more.empty() ? "" : ",", more));
}

std::string alert_of(http_client& api, std::uint32_t sensor) {
  std::string id;
  await(
      [&] {
        const auto page = get_json(api, fmt::format("/api/alerts?sensor_id={}", sensor));
        if (page["alerts"].Empty()) return false;
        id = page["alerts"][0]["id"].GetString();
        return true;
      },
      "the alert");
  return id;
}

}  // namespace factory::test
