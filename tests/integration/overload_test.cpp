// More readings than the engine may hold: the excess is refused at once, and nothing acknowledged is lost.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

TEST(overload, is_answered_503_with_retry_after_and_loses_nothing_acknowledged) {
  constexpr std::size_t connections = 10, bodies = 60, body_readings = 5'000;
  fresh_daemon daemon({"--in-flight-readings", "10000"});  // two bodies of ten at a time
  http_client api(daemon->api_port());
  const auto sensors = add_sensors(api, connections);
  std::atomic<std::uint64_t> refused{0}, without_retry_after{0}, wrong{0};
  std::vector<std::vector<reading>> acknowledged(connections);
  {
    std::vector<std::jthread> senders;
    for (std::size_t c = 0; c < connections; ++c)
      senders.emplace_back([&, c] {
        http_client sender(daemon->api_port());
        for (std::size_t i = 0; i < bodies; ++i) {
          const auto readings = signals({sensors[c]}, i * body_readings, body_readings);
          const auto got = sender.post("/api/readings/bulk?precision=us", rows_json(readings));
          if (got.status == 201) {
            acknowledged[c].insert(acknowledged[c].end(), readings.begin(), readings.end());
          } else if (got.status == 503) {
            ++refused;
            if (!got.headers.contains("retry-after")) ++without_retry_after;
          } else {
            ++wrong;
          }
        }
      });
  }
  EXPECT_GT(refused, 0U);
  EXPECT_EQ(without_retry_after, 0U);
  EXPECT_EQ(wrong, 0U);
  for (std::size_t c = 0; c < connections; ++c) EXPECT_EQ(readings_of(api, sensors[c]), acknowledged[c]);
  EXPECT_EQ(api.post("/api/readings", fmt::format(R"({{"sensor_id":{},"value":1,"timestamp":1}})", sensors[0])).status, 201);
}

}  // namespace
}  // namespace factory::test
