// Pipelines on the real daemon: derived readings exist exactly once, in the same bits, however often it is killed; and each pipeline of
// docs/how-to/pipelines.md works as it stands there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>

#include "http/support/receiver.hpp"
#include "integration/support/alarms.hpp"
#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "integration/support/plant.hpp"
#include "pipelines/model/time.hpp"
#include "support/await.hpp"
#include "support/paths.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t begin_us = 1'790'000'040 * second_us;  // in 2026, a whole minute

constexpr auto difference_spec = R"({"name":"difference","sources":{"a":{"sensor_id":1},"b":{"sensor_id":2}},
  "steps":[{"align":{"tolerance_ms":0}},{"compute":"a - b"},{"window":{"tumbling_ms":60000},"aggregate":"sum"}],
  "sinks":[{"sensor":{"name":"difference"}},{"event":{"severity":"WARNING","when":"value > 0"}}]})";

/// Readings of two sensors, one a second, in an order that stays within the lateness; some are corrected later.
std::vector<reading> mixed_up(std::mt19937& random, int seconds) {
  struct sent {
    std::int64_t at_us;
    reading what;
  };
  std::vector<sent> all;
  for (int i = 0; i < seconds; ++i)
    for (const std::uint32_t sensor : {1U, 2U}) {
      const std::int64_t time_us = begin_us + i * second_us;
      auto at_us = time_us;
      for (int writes = random() % 10 == 0 ? 2 : 1; writes > 0; --writes) {
        at_us += static_cast<std::int64_t>(random() % 20) * second_us;
        all.push_back({at_us, {sensor, time_us, static_cast<double>(random() % 1'000)}});
      }
    }
  std::ranges::stable_sort(all, {}, &sent::at_us);
  std::vector<reading> out;
  for (const auto& each : all) out.push_back(each.what);
  return out;
}

/// Sums of the differences by minute, of all minutes but the last.
std::vector<reading> sums_of(const std::vector<reading>& sent, std::uint32_t filled) {
  std::map<std::int64_t, std::map<std::uint32_t, double>> rows;
  for (const auto& each : sent) rows[each.time_us][each.sensor] = each.value;
  std::map<std::int64_t, double> sums;
  for (auto& [time_us, values] : rows) sums[time_us / minute_us * minute_us] += values.at(1) - values.at(2);
  std::vector<reading> out;
  for (const auto& [time_us, sum] : sums) out.push_back({filled, time_us, sum});
  out.pop_back();
  return out;
}

std::vector<reading> without_the_last_minute(std::vector<reading> found, std::int64_t last_us) {
  std::erase_if(found, [&](const reading& each) { return each.time_us >= last_us; });
  return found;
}

/// A finding of a pipeline as it stands: where it begins, the value there, where it ends.
struct held_finding {
  std::int64_t begin_us = 0;
  double value = 0;
  std::optional<std::int64_t> end_us;
  bool operator==(const held_finding&) const = default;
};

/// Those that begin before `last_us`; ends from then on are left out.
std::vector<held_finding> findings_of_pipelines(http_client& api, std::int64_t last_us) {
  std::map<std::string, held_finding> all;
  std::string target = "/api/events?order=asc&limit=1000";
  for (std::string next = target; !next.empty();) {
    const auto page = get_json(api, next);
    for (const auto& each : page["events"].GetArray()) {
      if (each["source"].GetString() != std::string("pipeline")) continue;
      const std::string id = each["id"].GetString(), kind = each["kind"].GetString();
      const std::string about = each.HasMember("corrected_kind") ? each["corrected_kind"].GetString() : kind;
      const auto at_us = parse_time_us(each["timestamp"].GetString()).value();
      if (about == "pipeline_raised" && kind == "withdrawn") {
        all.erase(id);
      } else if (about == "pipeline_raised") {
        auto& it = all[id];
        if (kind == "pipeline_raised") it.end_us.reset();
        it.begin_us = at_us;
        it.value = each["value"].GetDouble();
      } else {
        all[id].end_us = kind == "withdrawn" ? std::nullopt : std::optional(at_us);
      }
    }
    next = page["next_cursor"].IsNull() ? "" : target + "&cursor=" + page["next_cursor"].GetString();
  }
  std::vector<held_finding> out;
  for (auto& [id, each] : all) {
    if (each.begin_us >= last_us) continue;
    if (each.end_us && *each.end_us >= last_us) each.end_us.reset();
    out.push_back(each);
  }
  std::ranges::sort(out, {}, &held_finding::begin_us);
  return out;
}

/// Above 0, of results in order.
std::vector<held_finding> findings_in(const std::vector<reading>& results) {
  std::vector<held_finding> out;
  for (bool open = false; const auto& each : results) {
    if (!open && each.value > 0) out.push_back({each.time_us, each.value, {}});
    if (open && each.value <= 0) out.back().end_us = each.time_us;
    open = each.value > 0;
  }
  return out;
}

TEST(pipelines, derived_readings_exist_once_in_the_same_bits_however_often_the_daemon_is_killed) {
  std::mt19937 random(7);
  fresh_daemon daemon;
  std::uint32_t filled = 0;
  {
    http_client api(daemon->api_port());
    ASSERT_EQ(add_sensors(api, 2), (std::vector<std::uint32_t>{1, 2}));
    const auto made = api.post("/api/pipelines", difference_spec);
    ASSERT_EQ(made.status, 201U) << made.body;
    filled = made.json()["instances"][0]["sinks"][0].GetUint();
  }
  const auto sent = mixed_up(random, 600);
  std::size_t next = 0;
  while (next < sent.size()) {
    http_client api(daemon->api_port());
    for (auto bodies = 1 + random() % 25; bodies > 0 && next < sent.size(); --bodies) {
      const auto end = std::min(sent.size(), next + 1 + random() % 15);
      store(api, {sent.begin() + static_cast<std::ptrdiff_t>(next), sent.begin() + static_cast<std::ptrdiff_t>(end)});
      next = end;
    }
    if (next == sent.size()) break;
    daemon->kill();
    daemon->start();
  }
  http_client api(daemon->api_port());
  const auto wanted = sums_of(sent, filled);
  const auto last_us = wanted.back().time_us + minute_us;
  await([&] { return without_the_last_minute(readings_of(api, filled), last_us) == wanted; }, "the derived readings");
  EXPECT_EQ(without_the_last_minute(readings_of(api, filled), last_us), wanted);
  const auto events = findings_in(wanted);
  ASSERT_GT(events.size(), 1U);
  await([&] { return findings_of_pipelines(api, last_us) == events; }, "the events of the pipeline");
  daemon->kill();  // nothing changes when all is done again
  daemon->start();
  http_client again(daemon->api_port());
  await([&] { return get_json(again, "/api/pipelines/1")["instances"][0]["state"].GetString() == std::string("running"); },
        "the instance");
  await_processed(again);
  EXPECT_EQ(without_the_last_minute(readings_of(again, filled), last_us), wanted);
  EXPECT_EQ(findings_of_pipelines(again, last_us), events);
  EXPECT_EQ(daemon.process.stop(), 0);
}

constexpr const char* steps_of_all_kinds[] = {
    R"({"window":{"tumbling_ms":10000},"aggregate":"std"})",
    R"({"window":{"tumbling_ms":7000,"shift_ms":500},"aggregate":"p95"})",
    R"({"window":{"hopping_ms":30000,"every_ms":10000},"aggregate":"integral"})",
    R"({"window":{"sliding_ms":20000},"aggregate":"slope"})",
    R"({"filter":"a > 300"},{"window":{"session_ms":2000},"aggregate":"sum"})",
    R"({"window":{"count":7},"aggregate":"mean"})",
    R"({"window":{"state":"a > 500"},"aggregate":"duration"})",
    R"({"derivative":{}},{"ewma":{"time_constant_ms":5000}})",
    R"({"limit":{"above":900,"deadband":100,"on_delay_ms":1000}})",
};

/// Pipelines of each kind over each of these sensors, and one over what the first of them fills; returns the sensors that they fill.
std::vector<std::uint32_t> add_pipelines_of_all_kinds(http_client& api, const std::vector<std::uint32_t>& sensors) {
  std::string body;
  for (const auto sensor : sensors)
    for (std::size_t kind = 0; kind < std::size(steps_of_all_kinds); ++kind)
      body += fmt::format(R"({0}{{"name":"kind {1} of {2}","sources":{{"a":{{"sensor_id":{2}}}}},"steps":[{3}],)"
                          R"("sinks":[{{"sensor":{{"name":"kind {1} of {2}"}}}}]}})",
                          body.empty() ? "[" : ",", kind, sensor, steps_of_all_kinds[kind]);
  std::vector<std::uint32_t> filled;
  const auto post = [&](const std::string& text) {
    const auto made = api.post("/api/pipelines", text);
    if (made.status != 201) throw std::runtime_error(made.body);
    const auto answer = made.json();
    for (const auto& each : answer.GetArray()) filled.push_back(each["instances"][0]["sinks"][0].GetUint());
  };
  post(body + "]");
  post(fmt::format(R"([{{"name":"of another","sources":{{"a":{{"sensor_id":{}}}}},"steps":[{{"window":{{"tumbling_ms":60000}},)"
                   R"("aggregate":"sum"}}],"sinks":[{{"sensor":{{"name":"of another"}}}}]}}])",
                   filled.front()));
  return filled;
}

/// Of times that no row can change any more.
std::vector<reading> settled_readings(http_client& api, const std::vector<std::uint32_t>& sensors, std::int64_t until_us) {
  std::vector<reading> all;
  for (const auto sensor : sensors)
    for (const auto& each : readings_of(api, sensor))
      if (each.time_us < until_us) all.push_back(each);
  return all;
}

TEST(pipelines, all_derived_readings_of_many_instances_are_those_of_an_undisturbed_daemon_after_many_kills) {
  constexpr int seconds = 300;
  constexpr auto until_us =
      begin_us + (seconds - 150) * second_us;  // the lateness, and the longest window, before the newest reading
  std::mt19937 random(17);
  std::vector<std::uint32_t> sensors, filled;
  fresh_daemon daemon, undisturbed;
  for (auto* const each : {&daemon, &undisturbed}) {
    http_client api((*each)->api_port());
    sensors = add_sensors(api, 12);
    filled = add_pipelines_of_all_kinds(api, sensors);
  }
  std::vector<std::pair<double, reading>> sent;  // of all sensors together, in the order in which each pair of them comes
  for (std::size_t i = 0; i < sensors.size(); i += 2) {
    const auto of_two = mixed_up(random, seconds);
    for (std::size_t k = 0; k < of_two.size(); ++k) {
      sent.emplace_back(static_cast<double>(k) / static_cast<double>(of_two.size()), of_two[k]);
      sent.back().second.sensor = sensors[i + of_two[k].sensor - 1];
    }
  }
  std::ranges::stable_sort(sent, {}, &std::pair<double, reading>::first);
  http_client calm(undisturbed->api_port());
  for (std::size_t next = 0, body = 1; next < sent.size(); ++body) {
    http_client api(daemon->api_port());
    std::vector<reading> rows;
    for (const auto end = std::min(sent.size(), next + 100 + random() % 100); next < end; ++next)
      rows.push_back(sent[next].second);
    store(calm, rows);
    store(api, rows);
    if (body % 6 != 0) continue;
    daemon->kill();
    daemon->start();
  }
  http_client api(daemon->api_port());
  await_processed(calm);
  await_processed(api);
  await([&] { return settled_readings(api, filled, until_us) == settled_readings(calm, filled, until_us); },
        "the derived readings of the undisturbed daemon");
  EXPECT_GT(settled_readings(api, filled, until_us).size(), 10 * filled.size());
}

TEST(pipelines, a_channel_hears_of_the_events) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  add_sensors(api, 1);
  receiver shift;
  const auto channel = std::to_string(add_webhook(api, shift.url()));
  const auto made = api.post("/api/pipelines", R"({"name":"too hot","sources":{"a":{"sensor_id":1}},"steps":[],
      "sinks":[{"event":{"severity":"CRITICAL","when":"value > 5","message":"at {value}"}},{"channel":{"channel_id":)" +
                                                   channel + "}}]}");
  ASSERT_EQ(made.status, 201U) << made.body;
  EXPECT_EQ(api.del("/api/channels/" + channel).status, 409U) << "the pipeline names it";
  const auto now_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  store(api, {{1, now_us, 9.0}});
  await([&] { return shift.count() >= 1; }, "the webhook");
  store(api, {{1, now_us + 1, 1.0}});
  await([&] { return shift.count() >= 2; }, "the end");
  rapidjson::Document raised, cleared;
  raised.Parse(shift.requests()[0].body.c_str());
  cleared.Parse(shift.requests()[1].body.c_str());
  EXPECT_EQ(raised["type"].GetString(), std::string("pipeline_raised"));
  EXPECT_EQ(raised["pipeline"]["name"].GetString(), std::string("too hot"));
  EXPECT_EQ(raised["severity"].GetString(), std::string("CRITICAL"));
  EXPECT_TRUE(raised["active"].GetBool());
  EXPECT_EQ(raised["message"].GetString(), std::string("at 9"));
  EXPECT_TRUE(raised["limit"].IsNull());
  EXPECT_EQ(raised["unit"].GetString(), std::string()) << "what is computed is not in the unit of the source";
  EXPECT_EQ(cleared["type"].GetString(), std::string("pipeline_cleared"));
  EXPECT_FALSE(cleared["active"].GetBool());
  EXPECT_TRUE(get_json(api, "/api/alerts")["alerts"].Empty()) << "it is no alert: nobody has to acknowledge it";
  EXPECT_EQ(daemon.process.stop(), 0);
}

TEST(pipelines, readings_from_elsewhere_into_a_derived_sensor_are_refused_and_say_why) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  add_sensors(api, 1);
  const auto made = api.post("/api/pipelines",
                             R"([{"name":"x","sources":{"a":{"sensor_id":1}},"steps":[],"sinks":[{"sensor":{"name":"y"}}]}])");
  ASSERT_EQ(made.status, 201U) << made.body;
  const auto filled = std::to_string(made.json()[0]["instances"][0]["sinks"][0].GetUint());
  const auto answer = api.post("/api/readings", R"({"value":1,"sensor_id":)" + filled + "}");
  EXPECT_EQ(answer.status, 400U);
  EXPECT_THAT(answer.body, ::testing::HasSubstr("is filled by a pipeline, which alone writes its readings"));
  const auto bulk =
      api.post("/api/readings/bulk", R"([{"sensor_id":1,"value":2,"timestamp":"2026-01-01T00:00:00Z"},{"value":1,"sensor_id":)" +
                                         filled + R"(,"timestamp":"2026-01-01T00:00:00Z"}])");
  EXPECT_EQ(bulk.status, 400U);
  EXPECT_THAT(bulk.body, ::testing::HasSubstr("\"index\":1"));
  EXPECT_EQ(api.del("/api/pipelines/1").status, 204U);
  EXPECT_EQ(api.post("/api/readings", R"({"value":1,"sensor_id":)" + filled + "}").status, 201U) << "it is free now";
  EXPECT_EQ(daemon.process.stop(), 0);
}

TEST(pipelines, what_cannot_work_is_refused_with_the_member) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  add_sensors(api, 1);
  const auto answer = api.post("/api/pipelines", R"({"name":"x","sources":{"a":{"sensor_id":1}},
      "steps":[{"window":{"tumbling_ms":60000},"aggregate":"average"}],"sinks":[{"sensor":{"name":"y"}}]})");
  EXPECT_EQ(answer.status, 400U);
  EXPECT_THAT(answer.body, ::testing::HasSubstr("steps[0].aggregate"));
  EXPECT_EQ(api.post("/api/pipelines", difference_spec).status, 400U) << "sensor 2 is not there";
  EXPECT_EQ(api.get("/api/pipelines/1").status, 404U);
  EXPECT_EQ(daemon.process.stop(), 0);
}

/// The commands of a document, for a daemon on another port.
std::vector<std::string> commands_of(const std::string& document, std::uint16_t port) {
  std::vector<std::string> out;
  std::ifstream file(source_file("docs/how-to/" + document));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("    curl")) continue;
    line.replace(line.find("127.0.0.1:8080"), 14, "127.0.0.1:" + std::to_string(port));
    out.push_back(line.substr(4) + " -w ' %{http_code}'");
  }
  return out;
}

TEST(pipelines, the_document_works_as_it_stands_there) {
  fresh_daemon daemon;
  http_client api(daemon->api_port());
  const auto commands = commands_of("pipelines.md", daemon->api_port());
  ASSERT_GT(commands.size(), 10U);
  const auto is_change = [](const std::string& command) { return command.find(" -X ") != std::string::npos; };
  const auto run_it = [](const std::string& command) {
    const auto ran = run({"/bin/sh", "-c", command});
    EXPECT_THAT(ran.output, ::testing::MatchesRegex("(.|\n)* 20[014]")) << command;
  };
  for (const auto& command : commands)
    if (!is_change(command)) run_it(command);

  // A day of readings, one each ten seconds: bearings of 50 and 48 C, 6 kW, at work in every other minute, a part each time, one in ten
  // bad, and a service at noon.
  std::vector<reading> sent;
  constexpr std::int64_t day_us = 1'440 * minute_us, begin = begin_us / day_us * day_us + 360 * minute_us;
  for (std::int64_t at = begin; at <= begin + day_us; at += 10 * second_us) {
    const double works = at / minute_us % 2 == 0 ? 1 : 0;
    const auto parts = (at - begin) / (10 * second_us);
    const double serviced = at == begin + day_us / 2 ? 1 : 0;
    for (const auto& [sensor, value] : {std::pair{1U, 50.0},
                                        {2U, 48.0},
                                        {3U, 6.0},
                                        {4U, works},
                                        {5U, works},
                                        {6U, static_cast<double>(parts)},
                                        {7U, static_cast<double>(parts / 10)},
                                        {8U, serviced}})
      sent.push_back({sensor, at, value});
  }
  store(api, sent, 500);
  const auto sinks = [&](int id) {
    const auto pipeline = get_json(api, "/api/pipelines/" + std::to_string(id));
    return pipeline["instances"][0]["sinks"][0].GetUint();
  };
  const auto first_of = [&](std::uint32_t sensor) {
    await([&] { return !readings_of(api, sensor).empty(); }, "a result");
    return readings_of(api, sensor).front();
  };
  EXPECT_EQ(first_of(sinks(1)), (reading{sinks(1), begin, 2.0}));
  const auto energy = first_of(sinks(2));
  EXPECT_EQ(energy.time_us, begin);
  EXPECT_NEAR(energy.value, 48.0, 1e-9);
  EXPECT_NEAR(first_of(sinks(3)).value, 0.5, 1e-9);
  const auto hours = first_of(sinks(4));
  EXPECT_EQ(hours.time_us, begin / day_us * day_us);
  EXPECT_NEAR(hours.value, 9.0, 1e-9);
  EXPECT_EQ(first_of(sinks(5)), (reading{sinks(5), begin, 29.5}));
  EXPECT_NEAR(first_of(sinks(7)).value, 0.9, 0.01);
  EXPECT_NEAR(first_of(sinks(8)).value, 60, 1e-9);
  await([&] { return readings_of(api, sinks(9)).size() >= 144; }, "the hours of a day");
  EXPECT_NEAR(readings_of(api, sinks(9)).at(71).value, 6, 0.01);
  EXPECT_NEAR(readings_of(api, sinks(9)).at(143).value, 6, 0.01);
  await([&] { return get_json(api, "/api/events?kind=pipeline_raised")["events"].Size() > 0; }, "an event of the short cycles");
  for (const auto& command : commands)
    if (is_change(command)) run_it(command);
  EXPECT_EQ(daemon.process.stop(), 0);
}

}  // namespace
}  // namespace factory::test
