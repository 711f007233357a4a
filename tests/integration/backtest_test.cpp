// Past readings judged again: by the daemon, and by factory-replay in a data directory that nobody has open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A daemon with limits and a rule, and readings in any order within the allowed lateness.
struct loaded_daemon {
  explicit loaded_daemon(std::vector<std::string> options = {}, std::size_t batch = 500) : running(std::move(options)) {
    sensors = add_sensors(api, 5, R"("min_threshold":36,"max_threshold":90)");
    const auto made =
        api.post("/api/rules",
                 fmt::format(R"({{"sensor_id":{},"name":"hot","condition":"GREATER_THAN","high":85,"deadband":2}})", sensors[0]));
    EXPECT_EQ(made.status, 201U) << made.body;
    auto rows = signals(sensors, 0, 900);
    std::ranges::shuffle(rows, std::mt19937(5));
    // At most 40 s late: 100 ms a tick, and the newest stays within the lateness of 60 s.
    std::ranges::stable_sort(rows, {}, [](const reading& each) { return each.time_us / 40'000'000; });
    store(api, rows, batch);
    count = rows.size();
    await_processed(api);
  }
  std::string digest() { return get_json(api, "/api/events/digest")["digest"].GetString(); }
  /// The digest when all that was found is in the log.
  std::string digest_after_a_stop() {
    running->restart();
    api = http_client(running->api_port());
    return digest();
  }
  rapidjson::Document finished_backtest(std::string_view body) {
    const auto begun = api.post("/api/backtests", body);
    EXPECT_EQ(begun.status, 201U) << begun.body;
    const auto path = fmt::format("/api/backtests/{}", begun.json()["id"].GetUint());
    rapidjson::Document now;
    await([&] { return !(now = get_json(api, path))["result"].IsNull() || !now["error"].IsNull(); }, "the backtest");
    EXPECT_STREQ(now["state"].GetString(), "done");
    return now;
  }
  std::string replay(std::vector<std::string> more) {
    std::vector<std::string> command{program("factory-replay"), "--backtest", "--data-dir", running->data_dir().string()};
    command.insert(command.end(), more.begin(), more.end());
    const auto done = run(command);
    EXPECT_EQ(done.status.code, 0) << done.output;
    return done.output;
  }

  fresh_daemon running;
  http_client api{running->api_port()};
  std::vector<std::uint32_t> sensors;
  std::size_t count = 0;
};

struct backtests : testing::Test, loaded_daemon {};

TEST_F(backtests, have_the_digest_of_the_live_findings_whoever_runs_them) {
  const auto live = digest_after_a_stop();
  const auto done = finished_backtest("{}");
  EXPECT_EQ(done["result"]["digest"].GetString(), live);
  EXPECT_EQ(done["result"]["readings"].GetUint64(), count);
  EXPECT_EQ(done["progress"].GetDouble(), 1);
  EXPECT_EQ(digest(), live) << "nothing is stored";
  running->stop();
  EXPECT_EQ(replay({"--digest"}), live + "\n");
}

TEST(backtest, has_one_digest_for_one_set_of_readings_whatever_threads_and_bodies) {
  loaded_daemon one({"--worker-threads", "1", "--analysis-actors", "1"}, 1'000);
  loaded_daemon other({"--worker-threads", "8", "--analysis-actors", "8"}, 37);
  const auto live = other.digest_after_a_stop();
  EXPECT_EQ(one.digest_after_a_stop(), live);
  one.running->stop();
  other.running->stop();
  EXPECT_EQ(one.replay({"--digest"}), live + "\n");
  EXPECT_EQ(other.replay({"--digest"}), live + "\n");
}

TEST_F(backtests, say_what_a_draft_would_change) {
  const auto done = finished_backtest(fmt::format(
      R"({{"rules":[{{"id":1,"high":1000}},{{"sensor_id":{0},"name":"low","condition":"LESS_THAN","low":-5}}],
           "labels":[{{"sensor_id":{0},"from":"2020-01-01T00:00:00Z","to":"2030-01-01T00:00:00Z"}}]}})",
      sensors[0]));
  const auto& result = done["result"];
  EXPECT_EQ(result["sensors"].GetUint(), 1U);
  ASSERT_EQ(result["differences"].Size(), 2U);
  EXPECT_THAT(result["differences"][0].GetString(), HasSubstr("draft rule 1 (hot): 0 alarms instead of "));
  EXPECT_THAT(result["differences"][0].GetString(), HasSubstr("1 of 1 known fault missed instead of 0"));
  EXPECT_THAT(result["differences"][1].GetString(), HasSubstr("draft rule (low): "));
  const auto page = api.get(fmt::format("/api/backtests/{}.html", done["id"].GetUint()));
  EXPECT_EQ(page.status, 200U);
  EXPECT_THAT(page.body, HasSubstr("<svg"));
  EXPECT_THAT(page.body, HasSubstr("rule 1 hot"));
  for (const auto* const outside : {"http:", "https:", "src=", "@import"}) EXPECT_THAT(page.body, Not(HasSubstr(outside)));
}

TEST_F(backtests, refuse_in_words_what_cannot_be_tried) {
  const auto refused = [&](std::string_view body, std::string_view why) {
    const auto got = api.post("/api/backtests", body);
    EXPECT_EQ(got.status, 400U) << body;
    EXPECT_THAT(got.body, HasSubstr(why)) << body;
  };
  refused(R"({"pipelines":[{}]})", "pipelines are not tried");
  refused(R"({"rules":[{"id":99}]})", "rules[0].id: Rule not found");
  refused(R"({"rules":[{"sensor_id":1,"name":"x","condition":"GREATER_THAN"}]})", "rules[0]");
  refused(R"({"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"})", "from must be before to");
  refused(R"({"labels":[{"from":"2026-01-02T00:00:00Z"}]})", "labels[0]");
  refused(R"({"detectors":{"nothing":{}}})", "detectors.nothing");
  refused(R"({"selector":{"machine_type":"oven"}})", "no sensor is chosen");
  EXPECT_EQ(api.get("/api/backtests/77").status, 404U);
  EXPECT_EQ(api.del("/api/backtests/77").status, 404U);
}

TEST_F(backtests, are_previewed_for_one_rule_at_once) {
  const auto got = api.post("/api/rules/preview", R"({"rule":{"id":1}})");
  ASSERT_EQ(got.status, 200U) << got.body;
  const auto seen = got.json();
  EXPECT_EQ(seen["readings"].GetUint64(), count / sensors.size());
  const auto raised = [&] { return get_json(api, "/api/alerts?rule_id=1&limit=1000")["alerts"].Size(); };
  await([&] { return raised() == seen["fired"]["count"].GetUint64(); }, "as many alerts as the preview says");
  EXPECT_EQ(seen["proposals"].Size(), 3U);
  EXPECT_THAT(seen["text"].GetString(), HasSubstr("99.9 % of readings lie in "));
  EXPECT_EQ(api.post("/api/rules/preview", R"({"sensor_id":1})").status, 400U);
  EXPECT_EQ(api.post("/api/rules/preview", R"({"rule":{"id":1},"sensor_id":99})").status, 400U);
}

TEST_F(backtests, of_a_directory_come_as_a_table_as_json_and_as_a_page) {
  running->stop();
  const auto page = running.directory.path() / "result.html";
  EXPECT_THAT(replay({"--html", page.string()}), HasSubstr("rule 1 hot"));
  std::ifstream file(page);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(text, HasSubstr("<svg"));
  rapidjson::Document json;
  json.Parse(replay({"--json"}).c_str());
  EXPECT_EQ(json["readings"].GetUint64(), count);
}

}  // namespace
}  // namespace factory::test
