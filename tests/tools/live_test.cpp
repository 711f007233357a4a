#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <future>

#include <rapidjson/document.h>
#include <rapidjson/istreamwrapper.h>

#include "process/child_process.hpp"
#include "support/paths.hpp"
#include "tools/support/stub_server.hpp"

namespace factory {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// One answer for each request of a plant of one press: what is posted is there, with ids.
std::string plant_answer(const stub_server::request& request) {
  static const std::string sensors = [] {
    std::string text = "[";
    int id = 1;
    for (const auto* const name : {"hydraulic_pressure", "oil_temperature", "vibration", "motor_current", "stroke_rate"})
      text += (id > 1 ? "," : "") + (R"({"machine_id":1,"name":")" + std::string(name) + R"(","id":)" + std::to_string(id)) + "}",
          ++id;
    return text + "]";
  }();
  if (request.line.starts_with("GET")) return http_text(200, "[]");
  if (request.line.ends_with("factories")) return http_text(201, R"([{"name":"North Plant","id":1}])");
  if (request.line.ends_with("machines")) return http_text(201, R"([{"factory_id":1,"name":"Press 1","id":1}])");
  return http_text(201, request.line.ends_with("sensors") ? sensors : "[]");
}

std::unique_ptr<child_process> start_live(const std::string& url) {
  auto started = child_process::start(
      {test::program("factory-simulate"), "live", "--url", url, "--factories", "1", "--machines", "1", "--rate", "500"});
  EXPECT_TRUE(started) << started.error().message;
  return std::move(*started);
}

TEST(factory_simulate, live_waits_for_a_daemon_that_is_busy_says_so_and_stops_with_0) {
  int busy_answers = 0, bodies = 0;
  std::string refused;
  std::promise<std::string> second_body;
  stub_server server([&](const auto& request) {
    if (!request.line.starts_with("POST /api/readings/bulk")) return plant_answer(request);
    if (bodies == 1 && busy_answers < 3) {
      ++busy_answers;
      refused = request.body;
      return http_text(503, R"({"error":"restarting"})");
    }
    if (++bodies == 2) second_body.set_value(request.body);
    return http_text(201, R"({"inserted":1})");
  });
  const auto live = start_live(server.url());
  ASSERT_TRUE(live->wait_for_line("factory-simulate: restarting; trying again", 60s)) << live->output();
  ASSERT_TRUE(live->wait_for_line("factory-simulate: going on after", 60s)) << live->output();
  const auto accepted = second_body.get_future().get();  // after it the server leaves `refused` alone
  EXPECT_EQ(accepted, refused) << "what was refused is sent again";
  live->signal(SIGTERM);
  const auto end = live->wait(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0) << live->output();
  EXPECT_EQ(end->signal, 0);
  EXPECT_THAT(live->output(), HasSubstr("stopped after"));
}

TEST(factory_simulate, live_stops_while_nobody_listens) {
  const auto live = start_live("http://127.0.0.1:1");
  ASSERT_TRUE(live->wait_for_line("factory-simulate: cannot connect", 60s)) << live->output();
  live->signal(SIGINT);
  const auto end = live->wait(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0) << live->output();
}

TEST(factory_simulate, live_looks_for_its_plant_again_when_the_daemon_does_not_know_it) {
  int bodies = 0;
  std::promise<void> went_on;
  stub_server server([&](const auto& request) {
    if (!request.line.starts_with("POST /api/readings/bulk")) return plant_answer(request);
    if (++bodies == 1) return http_text(400, R"({"error":"unknown sensor 1"})");
    if (bodies == 2) went_on.set_value();
    return http_text(201, R"({"inserted":1})");
  });
  const auto live = start_live(server.url());
  went_on.get_future().wait();
  live->signal(SIGTERM);
  ASSERT_TRUE(live->wait(60s));
  EXPECT_THAT(live->output(), HasSubstr("unknown sensor 1"));
}

TEST(factory_simulate, history_sends_the_whole_range_and_writes_its_ledger) {
  std::atomic<std::uint64_t> bodies = 0;
  stub_server server([&](const auto& request) {
    if (!request.line.starts_with("POST /api/readings/bulk")) return plant_answer(request);
    ++bodies;
    return http_text(201, R"({"inserted":1})");
  });
  const temp_directory directory("simulate");
  const auto ledger = (directory.path() / "faults.json").string();
  auto history = child_process::start({test::program("factory-simulate"), "history", "--url", server.url(), "--factories", "1",
                                       "--machines", "1", "--days", "2", "--until", "2026-01-18T09:00:00Z", "--faults", ledger});
  ASSERT_TRUE(history);
  const auto end = (*history)->wait(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0) << (*history)->output();
  EXPECT_EQ(bodies.load(), 1U);
  EXPECT_THAT((*history)->output(), HasSubstr("5 sensors from 2026-01-16T09:00:00Z to 2026-01-18T09:00:00Z"));
  std::ifstream file(ledger);
  rapidjson::IStreamWrapper text(file);
  rapidjson::Document faults;
  faults.ParseStream(text);
  ASSERT_TRUE(faults.IsArray());
  ASSERT_GT(faults.Size(), 0U);
  std::int64_t before_us = 0, last_end_us = 0;
  for (const auto& fault : faults.GetArray()) {
    EXPECT_GE(fault["begin_us"].GetInt64(), before_us) << "in order of time";
    last_end_us = std::max(last_end_us, fault["end_us"].GetInt64());
    before_us = fault["begin_us"].GetInt64();
  }
  EXPECT_EQ(last_end_us, 1'768'726'800'000'000) << "a drift was under way at the end and ends there";
}

}  // namespace
}  // namespace factory
