// Past readings judged again: by the daemon, and by factory-replay in a data directory that nobody has open.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <random>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"
#include "support/times.hpp"

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

/// Three sensors of a machine that follow one load, a reading a minute; for two hours of the third day the second does not.
std::vector<reading> of_a_machine(const std::vector<std::uint32_t>& all) {
  std::vector<reading> rows;
  for (std::size_t row = 0; row < 4'320; ++row)
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::mt19937 noise(static_cast<unsigned>(row * all.size() + i) * 2'654'435'761U);
      const bool faulty = i == 1 && row >= 3'600 && row < 3'720;
      rows.push_back(
          {all[i], ten_us + static_cast<std::int64_t>(row) * minute_us,
           50 + 4 * std::sin(static_cast<double>(row) / 20) + static_cast<double>(noise() % 1'000) / 1'000 + (faulty ? 25 : 0)});
    }
  return rows;
}

/// Live, by the API and from the directory: one digest, with pipelines and the machine detector at work.
std::string digest_with_pipelines(std::vector<std::string> options, std::size_t body) {
  fresh_daemon running(std::move(options));
  http_client api(running->api_port());
  const auto sensors = add_sensors(api, 3);
  const auto made = api.post(
      "/api/pipelines",
      R"json([{"name":"apart","per":"machine","sources":{"a":{"name":"s0"},"b":{"name":"s1"}},"steps":[{"align":{"tolerance_ms":60000}},
           {"compute":"abs(a - b)"},{"window":{"tumbling_ms":600000},"aggregate":"mean"}],
           "sinks":[{"sensor":{"name":"apart"}},{"event":{"when":"value > 10"}}]},
          {"name":"smooth","sources":{"a":{"sensor_id":2}},"steps":[{"window":{"sliding_ms":1200000},"aggregate":"std"}],
           "sinks":[{"event":{"when":"value > 6"}}]}])json");
  EXPECT_EQ(made.status, 201U) << made.body;
  const auto rule = api.post(
      "/api/rules", R"({"selector":{"name":"apart"},"name":"far","condition":"GREATER_THAN","high":12,"on_delay_ms":1200000})");
  EXPECT_EQ(rule.status, 201U) << rule.body;
  store(api, of_a_machine(sensors), body);
  await_processed(api);
  await(
      [&] {
        const auto health = get_json(api, "/api/machines/1/health");
        const auto& watch = health["machine_detector"];
        return watch.HasMember("learned_rows") && watch["learned_rows"].GetUint64() >= 4'319;
      },
      "the machine detector");
  running->restart();
  api = http_client(running->api_port());
  const auto digest = [&] { return std::string(get_json(api, "/api/events/digest")["digest"].GetString()); };
  const auto live = digest();
  for (const auto* const kind : {"pipeline_raised", "alert_raised"})
    EXPECT_GT(get_json(api, fmt::format("/api/events?kind={}", kind))["events"].Size(), 0U) << kind;
  EXPECT_GT(get_json(api, "/api/anomalies?detector=machine")["anomalies"].Size(), 0U);
  const auto begun = api.post("/api/backtests", "{}").json();
  rapidjson::Document now;
  await(
      [&] {
        now = get_json(api, fmt::format("/api/backtests/{}", begun["id"].GetUint()));
        return !now["result"].IsNull() || !now["error"].IsNull();
      },
      "the backtest");
  EXPECT_STREQ(now["result"]["digest"].GetString(), live.c_str());
  EXPECT_EQ(digest(), live) << "nothing is stored";
  running->stop();
  const auto replayed = run({program("factory-replay"), "--backtest", "--data-dir", running->data_dir().string(), "--digest"});
  EXPECT_EQ(replayed.output, live + "\n");
  return live;
}

TEST(backtest, with_pipelines_and_machines_has_the_digest_of_live_whatever_threads_and_bodies) {
  const auto one = digest_with_pipelines({"--worker-threads", "1", "--analysis-actors", "1"}, 3'000);
  EXPECT_EQ(digest_with_pipelines({"--worker-threads", "8", "--analysis-actors", "8"}, 120), one);
}

TEST_F(backtests, try_other_settings_of_the_machine_detector) {
  const auto done = finished_backtest(R"({"detectors":{"machine":{"sensitivity":0.5}}})");
  EXPECT_EQ(done["result"]["digest"].GetString(), digest_after_a_stop());
  ASSERT_EQ(done["result"]["differences"].Size(), 1U);
  EXPECT_THAT(done["result"]["differences"][0].GetString(), HasSubstr("detector"));
}

TEST_F(backtests, are_there_after_a_kill_and_say_whether_it_cut_them_short) {
  const auto first = finished_backtest("{}");
  for (int i = 0; i < 4; ++i) ASSERT_EQ(api.post("/api/backtests", "{}").status, 201U);
  running->kill();
  running->start();
  api = http_client(running->api_port());
  const auto all = get_json(api, "/api/backtests");
  ASSERT_EQ(all.Size(), 5U);
  for (const auto& each : all.GetArray()) {
    const std::string state = each["state"].GetString();
    if (state == "done") continue;
    EXPECT_EQ(state, "failed");
    EXPECT_THAT(each["error"].GetString(), HasSubstr("The program ended"));
  }
  const auto path = fmt::format("/api/backtests/{}", first["id"].GetUint());
  const auto again = get_json(api, path);
  EXPECT_EQ(text_of(again["result"]), text_of(first["result"]));
  EXPECT_THAT(api.get(path + ".html").body, HasSubstr("<svg"));
}

TEST_F(backtests, try_a_pipeline_and_show_it) {
  const auto body = fmt::format(
      R"({{"pipelines":[{{"name":"minutely","sources":{{"a":{{"sensor_id":{}}}}},"steps":[{{"window":{{"tumbling_ms":10000}},
           "aggregate":"max"}}],"sinks":[{{"sensor":{{"name":"peak","unit":"C"}}}},{{"event":{{"when":"value > 90"}}}}]}}],
           "rules":[{{"name":"peaks","selector":{{"name":"peak"}},"condition":"GREATER_THAN","high":90}}]}})",
      sensors[0]);
  const auto done = finished_backtest(body);
  const auto& result = done["result"];
  ASSERT_EQ(result["drafted"].Size(), 1U);
  EXPECT_STREQ(result["drafted"][0]["name"].GetString(), "mill/peak");
  EXPECT_EQ(result["drafted"][0]["count"].GetUint64(), 9U);
  EXPECT_EQ(result["drafted"][0]["over_time"].Size(), 60U);
  EXPECT_THAT(text_of(result["differences"]), HasSubstr("draft of the pipeline minutely: "));
  const auto page = api.get(fmt::format("/api/backtests/{}.html", done["id"].GetUint()));
  EXPECT_THAT(page.body, HasSubstr("draft: pipeline minutely: mill/peak"));
  running->stop();
  const auto drafts = running.directory.path() / "drafts.json";
  std::ofstream(drafts) << body;
  EXPECT_THAT(replay({"--drafts", drafts.string()}), HasSubstr("draft of the pipeline minutely: "));
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

TEST_F(backtests, try_drafts_of_what_is_not_enabled) {
  const auto fired = [&] {
    const auto done = finished_backtest(R"({"rules":[{"id":1}]})");
    for (const auto& line : done["result"]["lines"].GetArray())
      if (line["draft"].GetBool()) return line["count"].GetUint();
    return 0U;
  };
  const auto enabled = fired();
  EXPECT_GT(enabled, 0U);
  ASSERT_EQ(api.patch("/api/rules/1", R"({"enabled":false})").status, 200U);
  EXPECT_EQ(fired(), enabled);
}

TEST_F(backtests, refuse_in_words_what_cannot_be_tried) {
  const auto refused = [&](std::string_view body, std::string_view why) {
    const auto got = api.post("/api/backtests", body);
    EXPECT_EQ(got.status, 400U) << body;
    EXPECT_THAT(got.body, HasSubstr(why)) << body;
  };
  refused(R"({"pipelines":[{}]})", "pipelines[0]: ");
  refused(R"({"pipelines":[{"id":9}]})", "pipelines[0].id: Pipeline not found");
  refused(
      R"({"pipelines":[{"name":"x","sources":{"a":{"sensor_id":99}},"steps":[{"compute":"a"}],"sinks":[{"event":{"when":"value > 1"}}]}]})",
      "pipelines[0]: sources.a.sensor_id: there is no sensor 99");
  refused(
      R"({"pipelines":[{"name":"x","enabled":false,"sources":{"a":{"sensor_id":1}},"steps":[],"sinks":[{"event":{"when":"value > 1"}}]}]})",
      "pipelines[0].enabled must be true or left out");
  refused(R"({"rules":[{"sensor_id":1,"name":"x","condition":"GREATER_THAN","high":1},{"id":1,"enabled":false}]})",
          "rules[1].enabled must be true or left out");
  refused(R"({"rules":[{"id":1,"enabled":0}]})", "rules[0]: enabled");
  refused(R"({"rules":[{"id":99}]})", "rules[0].id: Rule not found");
  refused(R"({"rules":[{"sensor_id":1,"name":"x","condition":"GREATER_THAN"}]})", "rules[0]");
  refused(R"({"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"})", "from must be before to");
  refused(R"({"labels":[{"from":"2026-01-02T00:00:00Z"}]})", "labels[0]");
  const auto with_faults = [](std::size_t count) {
    std::string all = R"({"labels":[)";
    for (std::size_t i = 0; i < count; ++i)
      all += R"({"sensor_id":1,"from":"2026-01-02T00:00:00Z","to":"2026-01-02T01:00:00Z","name":"a bearing that was worn"},)";
    all.back() = ']';
    return all + "}";
  };
  refused(with_faults(5'001), "labels must be an array of at most 5000 windows");
  EXPECT_EQ(finished_backtest(with_faults(5'000))["result"]["lines"][0]["faults"]["known"].GetUint(), 5'000U);
  refused(R"({"labels":[{"sensor_id":99,"from":"2026-01-02T00:00:00Z","to":"2026-01-02T01:00:00Z"}]})",
          "labels[0].sensor_id: Sensor not found");
  refused(R"({"detectors":{"nothing":{}}})", "detectors.nothing");
  refused(R"({"detectors":{"machine":{"direction":"up"}}})", "detectors.machine.direction");
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
  const auto typed = [&](std::string_view body) {
    const auto answer = api.post("/api/rules/preview", body);
    EXPECT_EQ(answer.status, 200U) << answer.body;
    return answer.status == 200U ? answer.json()["fired"]["count"].GetUint64() : 0U;
  };
  const auto as_rule = typed(R"({"rule":{"sensor_id":1,"condition":"GREATER_THAN","high":85}})");
  EXPECT_GT(as_rule, 0U);
  EXPECT_EQ(typed(R"({"sensor_id":1,"rule":{"type":"GREATER_THAN","threshold":85}})"), as_rule);
  EXPECT_EQ(typed(R"({"rule":{"condition":"GREATER_THAN","high":85},"sensor_id":1})"), as_rule);
  EXPECT_EQ(typed(R"({"sensor_id":1,"rule":{"selector":{"name":"s*"},"condition":"GREATER_THAN","high":85}})"), as_rule);
  EXPECT_THAT(api.post("/api/rules/preview", R"({"sensor_id":1,"rule":{"type":"OUT_OF_RANGE","threshold":85}})").body,
              HasSubstr("OUT_OF_RANGE takes low and high"));
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
