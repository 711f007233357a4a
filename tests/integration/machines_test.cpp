// The machine detector over kill -9: what it finds is found once, and is what an undisturbed daemon finds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/await.hpp"
#include "support/paths.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::size_t rows_of_a_day = 1'440, fault_begins = 2 * rows_of_a_day + 300, row_count = fault_begins + 400;

std::int64_t time_of(std::size_t row) { return ten_us + static_cast<std::int64_t>(row) * minute_us; }

/// Three sensors of a machine that follow one load, a reading a minute; for two hours of the third day the second does not.
std::vector<reading> rows_of(const std::vector<std::uint32_t>& sensors, std::size_t begin, std::size_t end) {
  std::vector<reading> all;
  for (auto row = begin; row < end; ++row)
    for (std::size_t i = 0; i < sensors.size(); ++i) {
      std::mt19937 noise(static_cast<unsigned>(row * sensors.size() + i) * 2'654'435'761U);
      const double own = static_cast<double>(noise() % 1'000) / 1'000;
      const bool faulty = i == 1 && row >= fault_begins && row < fault_begins + 120;
      all.push_back({sensors[i], time_of(row), 50 + 4 * std::sin(static_cast<double>(row) / 20) + own + (faulty ? 25 : 0)});
    }
  return all;
}

struct machines : testing::Test {
  /// What is said of the machine, without what tells when it came.
  static std::string found(http_client& api) {
    std::string text;
    const auto page = get_json(api, "/api/anomalies?detector=machine&limit=100");
    for (const auto& each : page["anomalies"].GetArray())
      text += fmt::format("{} {} {} {} {} {} {}\n", each["id"].GetString(), each["open"].GetBool(), each["end"].GetString(),
                          each["count"].GetUint64(), each["score"].GetDouble(), each["machine_id"].GetUint(),
                          each["contributions"][0]["sensor_id"].GetUint());
    return text;
  }
  static std::string of_machine_id(http_client& api) {
    return get_json(api, "/api/anomalies?detector=machine")["anomalies"][0]["id"].GetString();
  }
  /// Anomalies of machine 1 that are more by its reports of this kind, as the bearer of a token sees them; nothing without reports.
  static std::optional<int> reported(std::uint16_t port, std::string_view kind, const std::string& token = {}) {
    http_client::header_map headers;
    if (!token.empty()) headers["Authorization"] = "Bearer " + token;
    const auto page = http_client(port).send("GET", fmt::format("/api/events?limit=1000&kind={}", kind), {}, headers).json();
    std::optional<int> more;
    for (const auto& each : page["events"].GetArray())
      if (std::string_view(each["source"].GetString()) == "machine_correction" && each["machine_id"].GetUint() == 1)
        more = more.value_or(0) + each["anomalies_raised"].GetInt() - each["anomalies_withdrawn"].GetInt();
    return more;
  }
  static void await_machine(http_client& api, std::uint64_t learned) {
    await(
        [&] {
          const auto health = get_json(api, "/api/machines/1/health");
          const auto& watch = health["machine_detector"];
          return watch.HasMember("learned_rows") && watch["learned_rows"].GetUint64() >= learned;
        },
        "the machine detector");
  }
};

TEST_F(machines, a_state_found_over_kill_9_is_the_one_that_an_undisturbed_daemon_finds) {
  std::string undisturbed;
  {
    fresh_daemon process;
    http_client api(process->api_port());
    const auto sensors = add_sensors(api, 3);
    store(api, rows_of(sensors, 0, row_count), 3'000);
    await_machine(api, row_count - 1);
    process->restart();
    http_client again(process->api_port());
    await_machine(again, row_count - 1);
    undisturbed = found(again);
    ASSERT_FALSE(undisturbed.empty());
    EXPECT_EQ(std::count(undisturbed.begin(), undisturbed.end(), '\n'), 1) << undisturbed;
    const auto health = get_json(again, "/api/machines/1/health");
    EXPECT_STREQ(health["machine_detector"]["state"].GetString(), "ok");
    EXPECT_EQ(health["machine_detector"]["sensors"].Size(), 3U);
    const auto of_machine = get_json(again, "/api/anomalies?machine_id=1&limit=1000");
    bool is_there = false;
    for (const auto& each : of_machine["anomalies"].GetArray()) is_there = is_there || each["detector"] == "machine";
    EXPECT_TRUE(is_there);
    const std::string id = of_machine_id(again);
    const auto why = get_json(again, "/api/anomalies/" + id + "/explain");
    EXPECT_TRUE(why["recomputed"].GetBool() && why["agrees"].GetBool()) << text_of(why);
    const auto& t2 = why["figures"]["t2"];
    const auto& q = why["figures"]["q"];
    EXPECT_TRUE(t2["value"].GetDouble() > t2["bound"].GetDouble() || q["value"].GetDouble() > q["bound"].GetDouble());
    EXPECT_EQ(why["sensors"].Size(), 3U);
    EXPECT_EQ(why["sensors"][0]["sensor_id"].GetUint(), 2U);
    EXPECT_GT(why["sensors"][0]["share"].GetDouble(), 0.4);
    EXPECT_GT(why["learned"]["rows"].GetUint64(), rows_of_a_day);
    EXPECT_NE(std::string_view(why["sentence"].GetString()).find("times its bound"), std::string_view::npos);
  }
  fresh_daemon process({"--checkpoint-bytes", "20000"});
  {
    http_client api(process->api_port());
    add_sensors(api, 3);
  }
  for (std::size_t row = 0; row < row_count; row += 400) {
    http_client api(process->api_port());
    store(api, rows_of({1, 2, 3}, row, std::min(row_count, row + 400)), 300);
    process->kill();
    process->start();
  }
  http_client api(process->api_port());
  await_machine(api, row_count - 1);
  process->restart();
  http_client again(process->api_port());
  EXPECT_EQ(found(again), undisturbed);
}

TEST_F(machines, a_state_in_readings_that_come_hours_late_is_found_explained_and_taken_back_over_kill_9) {
  const auto all = rows_of({1, 2, 3}, 0, row_count);
  const auto is_late = [](const reading& each) {
    return each.sensor == 2 && each.time_us >= time_of(fault_begins - 20) && each.time_us < time_of(fault_begins + 140);
  };
  std::vector<reading> in_time, late;
  for (const auto& each : all) (is_late(each) ? late : in_time).push_back(each);
  std::string in_order;
  {
    fresh_daemon process;
    http_client api(process->api_port());
    add_sensors(api, 3);
    store(api, all, 3'000);
    await_machine(api, row_count - 1);
    process->restart();  // what was found is in the log
    http_client again(process->api_port());
    in_order = found(again);
    ASSERT_FALSE(in_order.empty());
  }
  fresh_daemon process({"--checkpoint-bytes", "20000"});
  {
    http_client api(process->api_port());
    add_sensors(api, 3);
    store(api, in_time, 3'000);
    await_machine(api, row_count - 1);
    EXPECT_EQ(found(api), "");
    store(api, late, 60);
  }
  process->kill();
  process->start();
  {
    http_client api(process->api_port());
    await([&] { return found(api) == in_order; }, "the state that came late");
    const auto why = get_json(api, "/api/anomalies/" + of_machine_id(api) + "/explain");
    EXPECT_TRUE(why["recomputed"].GetBool() && why["agrees"].GetBool()) << text_of(why);
    EXPECT_LT(why["figures"]["readings"].GetUint64(), 3'000U) << "it begins at a mark, not with the first reading";
    const auto body =
        fmt::format(R"({{"sensor_id":2,"from":{},"to":{},"action":"offset","offset":-25,"reason":"test","by":"Ada"}})",
                    time_of(fault_begins) / 1'000, time_of(fault_begins + 120) / 1'000);
    EXPECT_EQ(api.post("/api/corrections", body).status, 201);
  }
  process->kill();
  process->start();
  http_client api(process->api_port());
  await([&] { return found(api).empty(); }, "that the state is withdrawn");
  process->restart();
  http_client again(process->api_port());
  await_machine(again, row_count - 1);
  EXPECT_EQ(found(again), "");

  EXPECT_EQ(reported(process->api_port(), "backlog_judged"), 1);
  EXPECT_EQ(reported(process->api_port(), "readings_corrected"), -1);
  process->stop();
  auto admin = run({program("factoryd"), "token", "create", "--data-dir", process->data_dir().string(), "--name", "admin",
                    "--scope", "admin"})
                   .output;
  admin.erase(admin.find_last_not_of('\n') + 1);
  process->start();
  http_client limited(process->api_port());
  const http_client::header_map as_admin{{"Authorization", "Bearer " + admin}, {"Content-Type", "application/json"}};
  ASSERT_EQ(limited.send("POST", "/api/factories", R"({"name":"another"})", as_admin).status, 201U);
  for (const std::string factory : {"1", "2"}) {
    const auto made = limited.send(
        "POST", "/api/tokens", R"({"name":"of )" + factory + R"(","scopes":["read"],"factory_id":)" + factory + "}", as_admin);
    ASSERT_EQ(made.status, 201U) << made.body;
    const auto seen = reported(process->api_port(), "readings_corrected", made.json()["token"].GetString());
    EXPECT_EQ(seen, factory == "1" ? std::optional(-1) : std::nullopt);
  }
}

}  // namespace
}  // namespace factory::test
