// factory-simulate against the real daemon: the engine finds the planned faults.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/await.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

constexpr std::uint64_t sensors = 15, readings_of_a_day = 8'640;

rapidjson::Document json_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  rapidjson::Document parsed;
  parsed.Parse(text.str().c_str());
  return parsed;
}

struct simulate : testing::Test {
  fresh_daemon daemon;
  http_client api{daemon->api_port()};
  std::filesystem::path ledger = daemon.directory.path() / "faults.json";

  std::vector<std::string> command(const std::string& verb) const {
    return {program("factory-simulate"), verb, "--url", daemon.process.url(), "--factories", "1", "--machines", "3"};
  }
  void send_the_history() {
    auto history = command("history");
    for (const std::string option : {"--days", "1", "--until", "2026-01-19T00:00:00Z", "--faults", ledger.c_str()})
      history.push_back(option);
    const finished done = run(history);
    ASSERT_EQ(done.status.code, 0) << done.output;
    await_processed(api);
  }
  /// Of the sensors that are sent; behind them are those that pipelines fill.
  std::uint64_t stored_readings() {
    const auto stats = get_json(api, "/api/stats");
    std::uint64_t count = 0;
    for (const auto& line : stats["stats"].GetArray())
      if (line["sensor_id"].GetUint64() <= sensors) count += line["count"].GetUint64();
    return count;
  }
};

bool begins_within_a_fault(const rapidjson::Value& finding, const rapidjson::Document& faults) {
  const std::string id = finding["id"].GetString();  // sensor-time-source-rule
  const auto time_us = std::stoll(id.substr(id.find('-') + 1));
  for (const auto& fault : faults.GetArray())
    if (fault["sensor_id"].GetUint() == finding["sensor_id"].GetUint() && fault["begin_us"].GetInt64() <= time_us &&
        time_us < fault["end_us"].GetInt64())
      return true;
  return false;
}

TEST_F(simulate, alerts_come_from_planned_faults_and_from_nothing_else) {
  send_the_history();
  const auto faults = json_file(ledger);
  const auto alerts = get_json(api, "/api/alerts?limit=1000");
  ASSERT_GT(alerts["alerts"].Size(), 0U);
  for (const auto& alert : alerts["alerts"].GetArray())
    EXPECT_TRUE(alert["sensor_id"].GetUint64() > sensors || begins_within_a_fault(alert, faults)) << alert["id"].GetString();
}

TEST_F(simulate, the_same_history_again_stores_and_finds_nothing_more) {
  send_the_history();
  EXPECT_EQ(stored_readings(), sensors * readings_of_a_day);
  const auto found = findings(api);
  send_the_history();
  EXPECT_EQ(stored_readings(), sensors * readings_of_a_day);
  EXPECT_EQ(findings(api), found);
}

TEST_F(simulate, its_pipelines_have_computed_from_the_history) {
  send_the_history();
  const auto pipelines = get_json(api, "/api/pipelines");
  EXPECT_EQ(pipelines.Size(), 7U);
  const auto filled = [&](const char* name) -> std::uint64_t {
    const auto all = get_json(api, "/api/sensors");
    for (const auto& each : all.GetArray())
      if (each["name"] == name) return readings_of(api, each["id"].GetUint()).size();
    return 0;
  };
  await([&] { return filled("energy_per_shift") == 4; }, "two whole shifts of the day, and parts of two at its ends");
  await([&] { return filled("availability") == 24 && filled("oee") == 24; }, "a value for each hour");
}

TEST_F(simulate, live_sends_until_it_is_told_to_stop) {
  auto live = child_process::start(command("live"));
  ASSERT_TRUE(live) << live.error().message;
  await([&] { return metric(api, "factory_processed_readings_total") >= 2 * sensors; }, "two live readings of each sensor");
  (*live)->signal(SIGTERM);
  const auto status = (*live)->wait(std::chrono::seconds(60));
  ASSERT_TRUE(status) << (*live)->output();
  EXPECT_EQ(status->signal, 0);
  EXPECT_EQ(status->code, 0) << (*live)->output();
}

}  // namespace
}  // namespace factory::test
