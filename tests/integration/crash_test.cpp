// kill -9 in the middle of a load: every acknowledged reading is there once, none that was never sent, and the events are those of
// an uninterrupted run. FACTORY_CRASH_ROUNDS sets the number of kills.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

constexpr std::size_t connections = 4, sensors_per_connection = 25, ticks_per_body = 20, kills_per_directory = 5;
constexpr const char* limits = R"("min_threshold":36,"max_threshold":90)";

int rounds() {
  const char* given = std::getenv("FACTORY_CRASH_ROUNDS");
  return given ? std::atoi(given) : 4;
}

/// One collector with sensors of its own: sends its bodies in order, again after a lost connection, and keeps the ledger.
struct collector {
  std::vector<std::uint32_t> sensors;
  std::uint64_t acknowledged = 0;  ///< bodies
  bool unknown = false;            ///< the body behind them was sent, and its answer never came

  std::vector<reading> body(std::uint64_t index) const { return signals(sensors, index * ticks_per_body, ticks_per_body); }

  /// Sends until the daemon is gone, or until `last` bodies are acknowledged.
  void run(std::uint16_t port, std::atomic<std::uint64_t>& acknowledged_by_all, std::uint64_t last) {
    http_client api(port);
    try {
      while (acknowledged < last) {
        unknown = true;
        const auto got = api.post("/api/readings/bulk?precision=us", rows_json(body(acknowledged)));
        if (got.status == 503) continue;
        ASSERT_EQ(got.status, 201) << got.body;
        ASSERT_EQ(got.json()["inserted"].GetUint64(), sensors.size() * ticks_per_body);
        unknown = false;
        ++acknowledged;
        acknowledged_by_all.fetch_add(1);
        acknowledged_by_all.notify_all();
      }
    } catch (const connection_lost&) {
    }
  }
};

class plant_under_fire {
 public:
  explicit plant_under_fire(std::uint64_t seed) : random_(seed) {
    http_client api(daemon_->api_port());
    const auto all = add_sensors(api, connections * sensors_per_connection, limits);
    for (std::size_t c = 0; c < connections; ++c)
      collectors_[c].sensors.assign(all.begin() + c * sensors_per_connection, all.begin() + (c + 1) * sensors_per_connection);
  }

  /// All collectors send; the daemon is killed once a random number of further bodies is acknowledged.
  void load_and_kill() {
    const std::uint64_t at = acknowledged_ + 5 + random_() % 120;
    std::vector<std::jthread> senders = send(UINT64_MAX);
    for (std::uint64_t now = acknowledged_; now < at; now = acknowledged_) acknowledged_.wait(now);
    daemon_->kill();
  }

  /// Kills the daemon at some instant of its start.
  void kill_while_starting() {
    auto starting = child_process::start(
        {program("factoryd"), "--data-dir", daemon_->data_dir().string(), "--api-port", "0", "--anomaly-port", "0"});
    ASSERT_TRUE(starting) << starting.error().message;
    (void)(*starting)->wait(std::chrono::milliseconds(random_() % 80));  // not a wait for anything: it picks the instant
    (*starting)->signal(SIGKILL);
    ASSERT_TRUE((*starting)->wait(std::chrono::seconds(120)));
  }

  void start() { daemon_->start(); }

  /// The ledger against the store: all of what was acknowledged, bit for bit and once; of a body without an answer all or nothing.
  void check() {
    http_client api(daemon_->api_port());
    for (const collector& c : collectors_) {
      std::map<std::uint32_t, std::vector<reading>> sent;
      for (const reading& r : signals(c.sensors, 0, (c.acknowledged + c.unknown) * ticks_per_body)) sent[r.sensor].push_back(r);
      const std::size_t surely = c.acknowledged * ticks_per_body;
      std::optional<std::size_t> stored_count;
      for (const auto sensor : c.sensors) {
        const auto stored = readings_of(api, sensor);
        if (!stored_count) stored_count = stored.size();
        EXPECT_EQ(stored.size(), *stored_count) << "part of a body";
        EXPECT_TRUE(stored.size() == surely || (c.unknown && stored.size() == surely + ticks_per_body))
            << stored.size() << " of " << surely;
        ASSERT_LE(stored.size(), sent[sensor].size());
        EXPECT_TRUE(std::equal(stored.begin(), stored.end(), sent[sensor].begin()));
      }
    }
  }

  /// Lets every collector finish what it began, so that the readings are those of an uninterrupted run.
  std::uint64_t finish() {
    std::uint64_t last = 0;
    for (const collector& c : collectors_) last = std::max(last, c.acknowledged + 1);
    send(last).clear();
    daemon_->restart();
    return last;
  }

  std::vector<std::string> found() {
    http_client api(daemon_->api_port());
    return findings(api);
  }

  /// What one daemon finds that nobody kills.
  std::vector<std::string> found_without_kills(std::uint64_t bodies) const {
    fresh_daemon calm;
    {
      http_client api(calm->api_port());
      add_sensors(api, connections * sensors_per_connection, limits);
      for (const collector& c : collectors_) store(api, signals(c.sensors, 0, bodies * ticks_per_body));
    }
    calm->restart();
    http_client api(calm->api_port());
    return findings(api);
  }

  std::uint64_t random() { return random_(); }

 private:
  std::vector<std::jthread> send(std::uint64_t last) {
    std::vector<std::jthread> out;
    for (collector& c : collectors_)
      out.emplace_back([this, &c, last, port = daemon_->api_port()] { c.run(port, acknowledged_, last); });
    return out;
  }

  fresh_daemon daemon_;
  std::mt19937_64 random_;
  collector collectors_[connections];
  std::atomic<std::uint64_t> acknowledged_{0};
};

TEST(kill_9, loses_doubles_and_changes_nothing_that_was_acknowledged) {
  const int all = rounds();
  for (int done = 0; done < all;) {
    SCOPED_TRACE(fmt::format("directory that begins with kill {}", done));
    plant_under_fire plant(static_cast<std::uint64_t>(done) + 1);
    for (std::size_t i = 0; i < kills_per_directory && done < all; ++i, ++done) {
      plant.load_and_kill();
      if (plant.random() % 2 == 0) plant.kill_while_starting();
      plant.start();
      plant.check();
      if (testing::Test::HasFailure()) return;
    }
    const std::uint64_t bodies = plant.finish();
    plant.check();
    const auto found = plant.found();
    EXPECT_GT(found.size(), 0U);
    EXPECT_EQ(found, plant.found_without_kills(bodies));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace factory::test
