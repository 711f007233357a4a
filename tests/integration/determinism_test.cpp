// The same readings give the same events, however they come in and whoever works on them.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

constexpr std::string_view limits_of_each = R"("min_threshold":36,"max_threshold":90)";

struct determinism : testing::Test {
  static std::vector<reading> all_of(const std::vector<std::uint32_t>& sensors) { return signals(sensors, 0, 700); }
  /// All that was found is in the log after a stop.
  static std::vector<std::string> findings_after_a_stop(daemon& of) {
    of.restart();
    http_client api(of.api_port());
    return findings(api);
  }
  /// Loads the readings in bodies of `batch`, in a daemon with `options`.
  template <class Order>
  static std::vector<std::string> found(std::size_t batch, const std::vector<std::string>& options, Order order) {
    fresh_daemon daemon(options);
    {
      http_client api(daemon->api_port());
      auto readings = all_of(add_sensors(api, 7, limits_of_each));
      order(readings);
      store(api, readings, batch);
    }
    return findings_after_a_stop(daemon.process);
  }
  static std::vector<std::string> found(std::size_t batch, const std::vector<std::string>& options = {}) {
    return found(batch, options, [](auto&) {});
  }

  static inline std::vector<std::string> as_usual;
  static void SetUpTestSuite() {
    as_usual = found(10'000);
    ASSERT_GT(as_usual.size(), 20U);
  }
};

TEST_F(determinism, in_bodies_of_1_and_of_333) {
  EXPECT_EQ(found(1), as_usual);
  EXPECT_EQ(found(333), as_usual);
}

TEST_F(determinism, on_1_thread_and_on_8) {
  EXPECT_EQ(found(1'000, {"--worker-threads", "1", "--analysis-actors", "1", "--http-threads", "1"}), as_usual);
  EXPECT_EQ(found(50, {"--worker-threads", "8", "--analysis-actors", "8"}), as_usual);
}

TEST_F(determinism, one_sensor_behind_the_other_and_mingled_at_random) {
  EXPECT_EQ(found(200, {}, [](auto& rows) { std::ranges::stable_sort(rows, {}, &reading::sensor); }), as_usual);
  const auto mingle = [](std::vector<reading>& rows) {
    std::vector<std::uint32_t> turns;
    for (const reading& each : rows) turns.push_back(each.sensor);
    std::ranges::shuffle(turns, std::mt19937(7));
    std::ranges::stable_sort(rows, {}, &reading::sensor);
    std::vector<reading> mingled;
    std::map<std::uint32_t, std::size_t> next;
    for (const std::uint32_t sensor : turns) {
      auto at = next.contains(sensor)
                    ? next[sensor]
                    : static_cast<std::size_t>(std::ranges::lower_bound(rows, sensor, {}, &reading::sensor) - rows.begin());
      mingled.push_back(rows[at]);
      next[sensor] = at + 1;
    }
    rows = std::move(mingled);
  };
  EXPECT_EQ(found(77, {}, mingle), as_usual);
}

TEST_F(determinism, with_a_kill_in_between) {
  fresh_daemon daemon;
  {
    http_client api(daemon->api_port());
    const auto readings = all_of(add_sensors(api, 7, limits_of_each));
    const auto half = readings.begin() + static_cast<std::ptrdiff_t>(readings.size() / 2);
    store(api, {readings.begin(), half}, 100);
    daemon->kill();
    daemon->start();
    http_client again(daemon->api_port());
    store(again, {half, readings.end()}, 100);
  }
  EXPECT_EQ(findings_after_a_stop(daemon.process), as_usual);
}

TEST_F(determinism, replayed_from_a_file_over_http_and_into_the_directory) {
  for (const bool over_http : {true, false}) {
    fresh_daemon daemon;
    const auto file = daemon.directory.path() / "readings.ndjson";
    {
      http_client api(daemon->api_port());
      std::ofstream out(file);
      for (const reading& each : all_of(add_sensors(api, 7, limits_of_each)))
        out << fmt::format(R"({{"sensor_id":{},"value":{},"timestamp":{}}})", each.sensor, each.value, each.time_us / 1'000)
            << '\n';
    }
    if (!over_http) daemon->stop();
    const auto to = over_http ? std::vector<std::string>{"--url", daemon->url()}
                              : std::vector<std::string>{"--data-dir", daemon->data_dir().string()};
    const finished done = run({program("factory-replay"), file.string(), "--format", "ndjson", to[0], to[1]});
    ASSERT_EQ(done.status.code, 0) << done.output;
    if (!over_http) daemon->start();
    EXPECT_EQ(findings_after_a_stop(daemon.process), as_usual) << (over_http ? "over HTTP" : "into the directory");
  }
}

}  // namespace
}  // namespace factory::test
