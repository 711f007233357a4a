// The two sides of the daemon, each without the other.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <csignal>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

constexpr const char* body = R"({"readings":[{"id":1,"value":1,"timestamp":"a"},{"id":2,"value":3,"timestamp":"b"}]})";

TEST(anomaly_side, serves_alone_without_a_data_directory) {
  const temp_directory directory("factoryd-test");
  daemon alone(directory.path() / "never-made", {"--only", "anomaly"});
  alone.start();
  EXPECT_EQ(alone.api_port(), 0);
  http_client analyzer(alone.anomaly_port());
  EXPECT_EQ(analyzer.get("/health").body, "Anomaly Detector Service is running");
  EXPECT_EQ(analyzer.post("/analyze", body).json()["mean"].GetDouble(), 2);
  EXPECT_EQ(alone.stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(alone.data_dir()));
}

TEST(api_side, answers_503_for_anomalies_while_the_anomaly_side_is_down) {
  const temp_directory directory("factoryd-test");
  daemon analyzing(directory.path() / "unused", {"--only", "anomaly"});
  analyzing.start();
  daemon api_only(directory.path() / "data", {"--only", "api", "--anomaly-port", std::to_string(analyzing.anomaly_port())});
  api_only.start();
  http_client api(api_only.api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  store(api, signals({sensor}, 0, 50));
  const std::string anomalies = fmt::format("/api/sensors/{}/anomalies", sensor);
  EXPECT_EQ(api.get(anomalies).status, 200);
  EXPECT_EQ(analyzing.stop(), 0);
  const auto down = api.get(anomalies);
  EXPECT_EQ(down.status, 503) << down.body;
  EXPECT_EQ(down.headers.count("retry-after"), 1U);
  EXPECT_EQ(api.get(fmt::format("/api/sensors/{}/stats", sensor)).status, 200);
  EXPECT_EQ(api_only.stop(), 0);
}

TEST(daemon_start, says_what_is_wrong_with_a_data_directory_in_use) {
  fresh_daemon first;
  const auto second =
      run({program("factoryd"), "--data-dir", first->data_dir().string(), "--api-port", "0", "--anomaly-port", "0"});
  EXPECT_NE(second.status.code, 0);
  EXPECT_NE(second.output.find(first->data_dir().string()), std::string::npos) << second.output;
}

TEST(daemon_start, says_what_is_wrong_with_a_port_in_use) {
  fresh_daemon first;
  const temp_directory directory("factoryd-test");
  const auto port = std::to_string(first->api_port());
  const auto second =
      run({program("factoryd"), "--data-dir", directory.path().string(), "--api-port", port, "--anomaly-port", "0"});
  EXPECT_NE(second.status.code, 0);
  EXPECT_NE(second.output.find(port), std::string::npos) << second.output;
}

TEST(daemon_start, takes_options_from_the_environment) {
  const temp_directory directory("factoryd-test"), other("factoryd-test");
  const auto moved = other.path() / "data";
  auto started = child_process::start({program("factoryd"), "--api-port", "0"},
                                      {"FACTORY_DATA_DIR=" + moved.string(), "FACTORY_ANOMALY_PORT=0"});
  ASSERT_TRUE(started) << started.error().message;
  const auto ready = (*started)->wait_for_line("ready", std::chrono::seconds(120));
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_TRUE(std::filesystem::exists(moved));
  (*started)->signal(SIGTERM);
  EXPECT_EQ((*started)->wait(std::chrono::seconds(120))->code, 0);
}

}  // namespace
}  // namespace factory::test
