// A snapshot of a working daemon, and its restore.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr std::uint64_t readings_per_body = 50;

std::vector<reading> body_of(std::uint32_t sensor, std::uint64_t index) {
  std::vector<reading> body;
  for (std::uint64_t i = 0; i < readings_per_body; ++i) {
    const auto tick = static_cast<std::int64_t>(index * readings_per_body + i);
    body.push_back({sensor, (tick + 1) * 100'000, static_cast<double>(tick) * 0.1});
  }
  return body;
}

/// Posts bodies of one sensor, in order, until told to stop.
struct writer {
  std::uint32_t sensor;
  std::atomic<std::uint64_t> acknowledged{0};
  explicit writer(std::uint32_t of) : sensor(of) {}
  void run(std::uint16_t port, const std::atomic<bool>& ends) {
    http_client api(port);
    while (!ends) {
      store(api, body_of(sensor, acknowledged));
      ++acknowledged;
    }
  }
};

/// Checks that exactly the bodies up to some number exist, each complete. Returns that number.
std::uint64_t bodies_in(http_client& api, std::uint32_t sensor) {
  const auto found = readings_of(api, sensor);
  EXPECT_EQ(found.size() % readings_per_body, 0U);
  std::vector<reading> sent;
  for (std::uint64_t i = 0; i * readings_per_body < found.size(); ++i)
    for (const reading& r : body_of(sensor, i)) sent.push_back(r);
  EXPECT_EQ(found, sent);
  return found.size() / readings_per_body;
}

struct snapshots : testing::Test {
  temp_directory directory{"factoryd-test"};
  fs::path data = directory.path() / "data", restored = directory.path() / "restored";
  daemon process{data, {"--checkpoint-bytes", "20000"}};
  std::string inspect = program("factory-inspect");

  finished restore(const std::string& from) { return run({inspect, "restore", "--from", from, "--data-dir", restored.string()}); }
};

TEST_F(snapshots, under_load_hold_a_prefix_with_everything_acknowledged_before_the_call) {
  process.start();
  http_client api(process.api_port());
  std::vector<std::unique_ptr<writer>> writers;
  for (const auto sensor : add_sensors(api, 3)) writers.push_back(std::make_unique<writer>(sensor));
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (auto& each : writers) threads.emplace_back([&, port = process.api_port()] { each->run(port, ends); });

  std::vector<std::vector<std::uint64_t>> before, after;
  std::vector<std::string> taken;
  const auto now = [&] {
    std::vector<std::uint64_t> bodies;
    for (const auto& each : writers) bodies.push_back(each->acknowledged);
    return bodies;
  };
  for (const char* name : {"one", "two"}) {
    const auto start = now();
    await([&] { return now().front() >= start.front() + 20; }, "twenty more bodies");
    before.push_back(now());
    const auto got = api.post(std::string("/api/admin/snapshot?as=") + name, "");
    EXPECT_EQ(got.status, 201) << got.body;
    after.push_back(now());
    taken.emplace_back(got.json()["path"].GetString());
  }
  ends = true;
  for (auto& each : threads) each.join();
  EXPECT_EQ(process.stop(), 0);

  for (std::size_t i = 0; i < taken.size(); ++i) {
    const auto done = restore(taken[i]);
    EXPECT_EQ(done.status.code, 0) << done.output;
    EXPECT_THAT(done.output, HasSubstr("all good"));
    daemon again(restored);
    again.start();
    http_client client(again.api_port());
    for (std::size_t w = 0; w < writers.size(); ++w) {
      const auto bodies = bodies_in(client, writers[w]->sensor);
      EXPECT_GE(bodies, before[i][w]);
      EXPECT_LE(bodies, after[i][w] + 1);  // its answer may still have been under way
    }
    EXPECT_EQ(again.stop(), 0);
    fs::remove_all(restored);
  }
}

TEST_F(snapshots, have_plain_names_and_are_never_replaced) {
  process.start();
  http_client api(process.api_port());
  for (const char* name : {"..", "a%2Fb", "%2Ftmp%2Fx", ".hidden", "x.partial", ""})
    EXPECT_EQ(api.post(std::string("/api/admin/snapshot?as=") + name, "").status, 400) << name;
  const auto first = api.post("/api/admin/snapshot?as=first", "");
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.json()["path"].GetString(), (data / "snapshots" / "first").string());
  EXPECT_EQ(api.post("/api/admin/snapshot?as=first", "").status, 409);
  const auto by_time = api.post("/api/admin/snapshot", "");
  ASSERT_EQ(by_time.status, 201) << by_time.body;
  EXPECT_TRUE(fs::exists(data / "snapshots" / by_time.json()["name"].GetString() / "FORMAT"));
  EXPECT_EQ(process.stop(), 0);
}

TEST_F(snapshots, go_where_the_option_says) {
  daemon elsewhere(data, {"--snapshot-dir", (directory.path() / "safe").string()});
  elsewhere.start();
  http_client api(elsewhere.api_port());
  ASSERT_EQ(api.post("/api/admin/snapshot?as=a", "").status, 201);
  EXPECT_TRUE(fs::exists(directory.path() / "safe" / "a" / "FORMAT"));
  EXPECT_EQ(elsewhere.stop(), 0);
}

TEST_F(snapshots, that_are_damaged_are_not_restored) {
  process.start();
  http_client api(process.api_port());
  store(api, signals(add_sensors(api, 2), 0, 5'000));
  process.restart();  // a checkpoint: tables are written
  EXPECT_EQ(process.stop(), 0);
  const fs::path copy = directory.path() / "copy";
  const auto taken = run({inspect, "snapshot", "--data-dir", data.string(), "--to", copy.string()});
  ASSERT_EQ(taken.status.code, 0) << taken.output;
  EXPECT_EQ(run({inspect, "snapshot", "--data-dir", data.string(), "--to", copy.string()}).status.code, 1);
  for (const auto& entry : fs::directory_iterator(copy / "db")) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream table(entry.path(), std::ios::in | std::ios::out);
    table.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    table.put('\x5a').put('\xa5').put('\x5a');
  }
  const auto refused = restore(copy.string());
  EXPECT_NE(refused.status.code, 0) << refused.output;
  EXPECT_TRUE(fs::is_empty(restored));
}

}  // namespace
}  // namespace factory::test
