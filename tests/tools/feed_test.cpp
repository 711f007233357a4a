#include "simulate/feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "pipelines/decode/decode.hpp"
#include "support/times.hpp"
#include "tools/support/stub_server.hpp"

namespace factory {
namespace {

constexpr std::int64_t fed_from_us = 20'000 * 24 * hour_us;

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer text;
  rapidjson::Writer<rapidjson::StringBuffer> out(text);
  value.Accept(out);
  return text.GetString();
}

/// A catalog behind HTTP: keeps what is posted under ids of its own and lists it again.
class stub_catalog {
 public:
  std::string answer(const stub_server::request& request) {
    const std::lock_guard lock(mutex_);
    auto& kept = kept_[request.line.substr(request.line.find(' ') + 1)];
    if (request.line.starts_with("GET")) return http_text(200, array_of(kept));
    ++posts_;
    rapidjson::Document posted;
    posted.Parse(request.body.c_str());
    std::vector<std::string> created;
    for (auto& entry : posted.GetArray()) {
      entry.AddMember("id", ++last_id_, posted.GetAllocator());
      created.push_back(text_of(entry));
    }
    kept.insert(kept.end(), created.begin(), created.end());
    return http_text(201, array_of(created));
  }
  int posts() const { return posts_; }
  std::vector<std::string> kept(const std::string& target) { return kept_[target]; }

 private:
  static std::string array_of(const std::vector<std::string>& entries) {
    std::string text = "[";
    for (const auto& entry : entries) text += (text.size() > 1 ? "," : "") + entry;
    return text + "]";
  }
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> kept_;
  unsigned last_id_ = 0;
  int posts_ = 0;
};

api_client feeding_client(const stub_server& server) { return std::move(*api_client::open({.url = server.url()})); }

std::vector<simulated_sensor> numbered(const std::vector<planned_factory>& plan) {
  std::vector<simulated_sensor> sensors;
  for (const auto& factory : plan)
    for (const auto& machine : factory.machines)
      for (const auto& sensor : machine.sensors)
        sensors.push_back(
            {static_cast<sensor_id>(sensors.size() + 1), factory.name + " / " + machine.name + " / " + sensor.name, &sensor});
  return sensors;
}

TEST(ensure_plant, creates_what_is_missing_and_nothing_twice) {
  stub_catalog catalog;
  stub_server server([&](const auto& request) { return catalog.answer(request); });
  api_client api = feeding_client(server);
  const auto small = plan_plant(1, 1, 2);
  const auto first = ensure_plant(api, small);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->size(), 10U);
  EXPECT_EQ(catalog.posts(), 4) << "one request for all of a kind";
  EXPECT_EQ(catalog.kept("/api/machines").size(), 2U);
  EXPECT_EQ(first->front().path, "North Plant / Press 1 / hydraulic_pressure");

  const auto again = ensure_plant(api, small);
  ASSERT_TRUE(again);
  EXPECT_EQ(catalog.posts(), 4);
  for (std::size_t i = 0; i < first->size(); ++i) EXPECT_EQ((*first)[i].id, (*again)[i].id);

  const auto larger = plan_plant(1, 2, 3);
  const auto grown = ensure_plant(api, larger);
  ASSERT_TRUE(grown);
  EXPECT_EQ(grown->size(), 30U);
  EXPECT_EQ((*grown)[0].id, (*first)[0].id);
  EXPECT_EQ(catalog.kept("/api/sensors").size(), 30U);
}

TEST(ensure_plant, sends_limits_and_rules_as_the_api_wants_them) {
  stub_catalog catalog;
  stub_server server([&](const auto& request) { return catalog.answer(request); });
  api_client api = feeding_client(server);
  const auto plan = plan_plant(1, 1, 1);
  const auto sensors = ensure_plant(api, plan);
  ASSERT_TRUE(sensors);
  EXPECT_THAT(catalog.kept("/api/factories"), testing::ElementsAre(R"({"name":"North Plant","location":"Hamburg","id":1})"));
  EXPECT_THAT(catalog.kept("/api/machines"),
              testing::ElementsAre(R"({"name":"Press 1","factory_id":1,"type":"press","status":"OPERATIONAL","id":2})"));
  const auto rules = catalog.kept("/api/rules");
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_THAT(rules[0], testing::MatchesRegex(
                            R"(\{"name":"hydraulic_pressure far out of range","sensor_id":3,)"
                            R"("condition":"OUT_OF_RANGE","low":[-0-9.]+,"high":[0-9.]+,"severity":"CRITICAL","id":8\})"));
  EXPECT_THAT(rules[1], testing::HasSubstr(R"("condition":"GREATER_THAN","high":)"));
  EXPECT_THAT(catalog.kept("/api/sensors")[2], testing::HasSubstr(R"("min_threshold":null,"max_threshold":)"));
}

TEST(ensure_plant, passes_on_what_the_server_says) {
  stub_server server([](const auto&) { return http_text(400, R"({"error":"no more factories"})"); });
  api_client api = feeding_client(server);
  const auto plan = plan_plant(1, 1, 1);
  const auto refused = ensure_plant(api, plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no more factories");
  stub_server other([](const auto&) { return http_text(200, "hello"); });
  api_client elsewhere = feeding_client(other);
  EXPECT_EQ(ensure_plant(elsewhere, plan).error().code, errc::malformed);
}

TEST(feed, writes_every_reading_of_every_signal_once_in_bounded_bodies) {
  const auto plan = plan_plant(3, 1, 3);
  const auto sensors = numbered(plan);
  const fault_policy policy{hour_us, 0.5};
  sensor_set known;
  for (const auto& sensor : sensors) known.insert(sensor.id);

  std::map<std::pair<sensor_id, std::int64_t>, double> sent;
  std::vector<ledger_entry> begun;
  feed source(sensors, policy, fed_from_us, second_us);
  json_decoder decoder;
  for (;;) {
    const std::string body = source.take(fed_from_us + 2 * hour_us, 10'000, begun);
    if (body.empty()) break;
    batch_builder rows;
    const auto decoded = decoder.bulk(body, {.unit = precision::us, .known = &known}, rows);
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(decoded->error_count, 0U);
    ASSERT_LE(decoded->row_count, 10'000U);
    const auto batch = rows.finish();
    for (const auto& slice : batch.slices)
      for (std::size_t i = slice.begin; i < slice.end; ++i)
        ASSERT_TRUE(sent.emplace(std::pair(slice.sensor, batch.event_time_us[i]), batch.value[i]).second);
  }
  EXPECT_EQ(source.reading_count(), sent.size());

  std::size_t expected_count = 0, fault_count = 0;
  for (const auto& sensor : sensors) {
    sensor_signal signal(sensor.plan->shape, sensor.plan->key, policy, fed_from_us, second_us);
    for (std::int64_t t = fed_from_us; t < fed_from_us + 2 * hour_us; t += second_us) {
      const auto value = signal.next();
      if (!value) continue;
      ++expected_count;
      const auto found = sent.find({sensor.id, t});
      ASSERT_NE(found, sent.end());
      ASSERT_EQ(found->second, *value) << "written so that it reads back bit for bit";
    }
    for (const auto& planned : plan_faults(policy, sensor.plan->key, fed_from_us, fed_from_us + 2 * hour_us, second_us,
                                           sensor.plan->shape.fault_scale())) {
      ++fault_count;
      EXPECT_TRUE(std::any_of(begun.begin(), begun.end(), [&](const auto& entry) {
        return entry.sensor == sensor.id && entry.what.begin_us == planned.begin_us && entry.what.kind == planned.kind;
      }));
    }
  }
  EXPECT_EQ(sent.size(), expected_count);
  EXPECT_EQ(begun.size(), fault_count);
  EXPECT_GT(fault_count, 5U);
}

}  // namespace
}  // namespace factory
