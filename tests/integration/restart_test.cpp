// A stop, a start and a lost SQLite file change nothing visible.
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

/// What a client can see of a plant, as texts.
struct visible {
  std::vector<std::string> entities;
  std::vector<std::vector<reading>> readings;
  std::vector<std::string> status, stats, events;
  std::string alerts;
  bool operator==(const visible&) const = default;
};

std::string body_of(http_client& api, const std::string& target) {
  const auto got = api.get(target);
  EXPECT_EQ(got.status, 200) << target << ": " << got.body;
  return got.body;
}

visible look(http_client& api, const std::vector<std::uint32_t>& sensors) {
  await_processed(api);
  visible out;
  for (const char* all : {"/api/factories", "/api/machines", "/api/sensors", "/api/rules"})
    out.entities.push_back(body_of(api, all));
  for (const auto sensor : sensors) {
    out.readings.push_back(readings_of(api, sensor));
    out.status.push_back(body_of(api, fmt::format("/api/sensors/{}/status", sensor)));
    out.stats.push_back(body_of(api, fmt::format("/api/sensors/{}/stats", sensor)));
  }
  out.events = findings(api);
  out.alerts = body_of(api, "/api/alerts?limit=1000");
  return out;
}

void expect_same(const visible& now, const visible& before) {
  EXPECT_EQ(now.entities, before.entities);
  EXPECT_EQ(now.readings, before.readings);
  EXPECT_EQ(now.status, before.status);
  EXPECT_EQ(now.stats, before.stats);
  EXPECT_EQ(now.events, before.events);
  EXPECT_EQ(now.alerts, before.alerts);
}

TEST(own_writes, are_read_as_soon_as_they_are_acknowledged) {
  fresh_daemon daemon;
  http_client writer(daemon->api_port()), reader(daemon->api_port());
  const auto sensor = add_sensors(writer, 1).at(0);
  for (int i = 1; i <= 300; ++i) {
    const auto got =
        writer.post("/api/readings", fmt::format(R"({{"sensor_id":{},"value":{},"timestamp":{}}})", sensor, i, 1'000 * i));
    ASSERT_EQ(got.status, 201) << got.body;
    ASSERT_EQ(get_json(reader, fmt::format("/api/sensors/{}/latest", sensor))["value"].GetDouble(), i);
    ASSERT_EQ(get_json(reader, fmt::format("/api/sensors/{}/stats", sensor))["count"].GetInt(), i);
  }
}

TEST(repeated_readings, are_stored_once_and_the_last_write_wins) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  for (const double value : {1.0, 1.0, 2.5}) store(api, {{sensor, 5'000'000, value}});
  EXPECT_EQ(readings_of(api, sensor), (std::vector<reading>{{sensor, 5'000'000, 2.5}}));
  daemon->restart();
  http_client again(daemon->api_port());
  EXPECT_EQ(readings_of(again, sensor), (std::vector<reading>{{sensor, 5'000'000, 2.5}}));
}

constexpr const char* limits = R"("max_threshold":90)";

void add_rule(http_client& api, std::uint32_t sensor) {
  const auto rule = api.post(
      "/api/rules", fmt::format(R"({{"sensor_id":{},"name":"low","condition":"LESS_THAN","low":36,"severity":"INFO"}})", sensor));
  ASSERT_EQ(rule.status, 201) << rule.body;
}

/// Enough to seal blocks, with repeated readings, late ones, corrections, anomalies and alerts.
void fill(http_client& api, const std::vector<std::uint32_t>& sensors) {
  store(api, signals(sensors, 100, 5'000));
  store(api, signals(sensors, 4'990, 20));
  store(api, signals(sensors, 0, 50));
  auto corrected = signals({sensors[1]}, 5'090, 5);
  for (auto& r : corrected) r.value += 1;
  store(api, corrected);
}

class restart : public testing::Test {
 protected:
  fresh_daemon daemon;
  std::vector<std::uint32_t> sensors;
  visible before;

  void SetUp() override {
    http_client api(daemon->api_port());
    sensors = add_sensors(api, 5, limits);
    add_rule(api, sensors[0]);
    fill(api, sensors);
    daemon->restart();  // what was found before the stop is in the log now, whatever was under way
    http_client restarted(daemon->api_port());
    const auto alert = get_json(restarted, "/api/alerts");
    ASSERT_GT(alert["alerts"].Size(), 0U);
    const auto got =
        restarted.post(fmt::format("/api/alerts/{}/acknowledge", alert["alerts"][0]["id"].GetString()), R"({"by":"Ada"})");
    ASSERT_EQ(got.status, 200) << got.body;
    before = look(restarted, sensors);
  }
};

TEST_F(restart, keeps_readings_windows_alerts_and_events_exactly_once) {
  EXPECT_EQ(before.readings[0].size(), 5'050U);
  EXPECT_GT(before.events.size(), 10U);
  for (int i = 0; i < 2; ++i) {
    daemon->restart();
    http_client api(daemon->api_port());
    expect_same(look(api, sensors), before);
  }
}

TEST_F(restart, after_kill_9_shows_the_same) {
  daemon->kill();
  daemon->start();
  http_client api(daemon->api_port());
  expect_same(look(api, sensors), before);
}

/// Rows of the mirror's tables.
std::map<std::string, std::int64_t> mirrored(const std::filesystem::path& file) {
  std::map<std::string, std::int64_t> out;
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  for (const char* table : {"factories", "machines", "sensors", "alert_rules", "alerts", "anomalies", "series"}) {
    const auto take = [](void* into, int, char** columns, char**) {
      return *static_cast<std::int64_t*>(into) = std::stoll(columns[0]), 0;
    };
    EXPECT_EQ(sqlite3_exec(db, fmt::format("select count(*) from {}", table).c_str(), take, &out[table], nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
  }
  sqlite3_close(db);
  return out;
}

TEST_F(restart, rebuilds_a_deleted_sqlite_file) {
  ASSERT_EQ(daemon->stop(), 0);
  const auto file = daemon->data_dir() / "mirror.sqlite";
  const auto rows = mirrored(file);
  EXPECT_EQ(rows.at("sensors"), 5);
  EXPECT_EQ(rows.at("series"), 5);
  EXPECT_EQ(rows.at("alert_rules"), 1);
  EXPECT_GT(rows.at("alerts"), 0);
  EXPECT_GT(rows.at("anomalies"), 0);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + suffix);
  daemon->start();
  {
    http_client api(daemon->api_port());
    expect_same(look(api, sensors), before);
  }
  ASSERT_EQ(daemon->stop(), 0);
  EXPECT_EQ(mirrored(file), rows);
}

TEST_F(restart, goes_on_as_if_there_had_been_none) {
  const auto more = signals(sensors, 5'200, 3'000);
  http_client api(daemon->api_port());
  store(api, more);
  EXPECT_EQ(readings_of(api, sensors[0]).size(), 8'050U);
  daemon->restart();

  fresh_daemon other;
  {
    http_client uninterrupted(other->api_port());
    ASSERT_EQ(add_sensors(uninterrupted, 5, limits), sensors);
    add_rule(uninterrupted, sensors[0]);
    fill(uninterrupted, sensors);
    store(uninterrupted, more);
  }
  other->restart();
  http_client interrupted(daemon->api_port()), uninterrupted(other->api_port());
  await_processed(interrupted);
  await_processed(uninterrupted);
  auto found = findings_at_once(interrupted);
  std::erase_if(found, [](const std::string& event) { return event.find("alert_acknowledged") != std::string::npos; });
  EXPECT_EQ(found, findings_at_once(uninterrupted));
}

}  // namespace
}  // namespace factory::test
