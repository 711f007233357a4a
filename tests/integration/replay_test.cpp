// factory-replay on real files: over HTTP, and straight into a data directory.
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

void run_replay(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program("factory-replay"));
  const finished done = run(arguments);
  ASSERT_EQ(done.status.code, 0) << done.output;
  ASSERT_EQ(done.status.signal, 0) << done.output;
}

/// The file as it should be stored: one reading per distinct time, the last line of each wins. It steps back 55 minutes at line 10151.
std::map<std::int64_t, double> last_line_of_each_time(const std::filesystem::path& csv) {
  std::map<std::int64_t, double> out;
  std::ifstream file(csv);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::tm parts{};
    const char* rest = ::strptime(line.c_str(), "%Y-%m-%d %H:%M:%S,", &parts);
    if (!rest) throw std::runtime_error("no time in line: " + line);
    out[static_cast<std::int64_t>(::timegm(&parts)) * 1'000'000] = std::strtod(rest, nullptr);
  }
  return out;
}

class machine_temperature : public testing::Test {
 protected:
  const std::filesystem::path csv = shared_data("nab/data/realKnownCause/machine_temperature_system_failure.csv");
  std::map<std::int64_t, double> expected;
  fresh_daemon daemon;
  std::uint32_t sensor = 0;

  void SetUp() override {
    if (!std::filesystem::exists(csv))
      GTEST_SKIP() << "The NAB data is not at " << shared_data() << ", so there is nothing to replay.";
    expected = last_line_of_each_time(csv);
    http_client api(daemon->api_port());
    sensor = add_sensors(api, 1, R"("min_threshold":40,"max_threshold":100)").at(0);
  }

  std::vector<std::string> columns() const {
    return {"--map",
            "timestamp=timestamp",
            "--map",
            "value=value",
            "--map",
            fmt::format("sensor_id={}", sensor),
            "--allow-overwrite"};
  }

  void expect_the_file() {
    http_client api(daemon->api_port());
    std::vector<reading> all;
    double sum = 0, min = expected.begin()->second, max = min;
    for (const auto& [time_us, value] : expected) {
      all.push_back({sensor, time_us, value});
      sum += value;
      min = std::min(min, value);
      max = std::max(max, value);
    }
    EXPECT_TRUE(readings_of(api, sensor) == all);
    const auto stats = get_json(api, fmt::format("/api/sensors/{}/stats", sensor));
    EXPECT_EQ(stats["count"].GetUint64(), expected.size());
    EXPECT_EQ(stats["min"].GetDouble(), min);
    EXPECT_EQ(stats["max"].GetDouble(), max);
    EXPECT_NEAR(stats["avg"].GetDouble(), sum / static_cast<double>(expected.size()), 1e-9);
  }

  void expect_the_file_after_each_restart() {
    expect_the_file();
    daemon->restart();
    expect_the_file();
    ASSERT_EQ(daemon->stop(), 0);
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove((daemon->data_dir() / "mirror.sqlite").string() + suffix);
    daemon->start();
    expect_the_file();
  }
};

TEST_F(machine_temperature, replayed_over_http_is_stored_and_stays) {
  auto arguments = columns();
  arguments.insert(arguments.begin(), {csv.string(), "--url", daemon->url()});
  ASSERT_NO_FATAL_FAILURE(run_replay(arguments));
  expect_the_file_after_each_restart();
}

TEST_F(machine_temperature, replayed_straight_into_a_data_directory_is_stored_and_stays) {
  ASSERT_EQ(daemon->stop(), 0);
  auto arguments = columns();
  arguments.insert(arguments.begin(), {csv.string(), "--data-dir", daemon->data_dir().string()});
  ASSERT_NO_FATAL_FAILURE(run_replay(arguments));
  daemon->start();
  expect_the_file_after_each_restart();
}

TEST_F(machine_temperature, finds_the_same_over_http_and_straight_into_a_data_directory) {
  auto arguments = columns();
  arguments.insert(arguments.begin(), {csv.string(), "--url", daemon->url()});
  ASSERT_NO_FATAL_FAILURE(run_replay(arguments));
  daemon->restart();
  http_client api(daemon->api_port());
  const auto over_http = findings(api);
  EXPECT_GT(over_http.size(), 0U);

  fresh_daemon other;
  {
    http_client fill(other->api_port());
    ASSERT_EQ(add_sensors(fill, 1, R"("min_threshold":40,"max_threshold":100)").at(0), sensor);
  }
  ASSERT_EQ(other->stop(), 0);
  arguments = columns();
  arguments.insert(arguments.begin(), {csv.string(), "--data-dir", other->data_dir().string()});
  ASSERT_NO_FATAL_FAILURE(run_replay(arguments));
  other->start();
  http_client direct(other->api_port());
  EXPECT_EQ(findings(direct), over_http);
}

TEST(milling_machine, wide_file_without_times_makes_a_sensor_of_every_numeric_column) {
  const auto csv = shared_data("cnc_mill/experiment_01.csv");
  if (!std::filesystem::exists(csv))
    GTEST_SKIP() << "The CNC data is not at " << shared_data() << ", so there is nothing to replay.";
  std::ifstream file(csv);
  std::string header, line;
  std::getline(file, header);
  std::vector<double> x1_position;
  while (std::getline(file, line)) x1_position.push_back(std::strtod(line.c_str(), nullptr));

  fresh_daemon daemon;
  ASSERT_NO_FATAL_FAILURE(
      run_replay({csv.string(), "--url", daemon->url(), "--format", "wide", "--auto-register", "Ann Arbor/CNC mill", "--ignore",
                  "Machining_Process", "--start", "2018-01-01T00:00:00Z", "--interval", "100ms"}));
  http_client api(daemon->api_port());
  const auto sensors = get_json(api, "/api/sensors");
  EXPECT_EQ(sensors.Size(), 47U);
  std::uint64_t total = 0;
  for (const auto& sensor : sensors.GetArray()) {
    const auto id = sensor["id"].GetUint();
    total += get_json(api, fmt::format("/api/sensors/{}/stats", id))["count"].GetUint64();
    if (sensor["name"].GetString() != std::string("X1_ActualPosition")) continue;
    const auto stored = readings_of(api, id);
    ASSERT_EQ(stored.size(), x1_position.size());
    for (std::size_t i = 0; i < stored.size(); ++i)
      EXPECT_EQ(stored[i], (reading{id, 1'514'764'800'000'000 + static_cast<std::int64_t>(i) * 100'000, x1_position[i]}));
  }
  EXPECT_EQ(total, 47 * x1_position.size());
}

}  // namespace
}  // namespace factory::test
