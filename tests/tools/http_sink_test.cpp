#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/sink.hpp"
#include "tools/support/stub_server.hpp"

namespace factory::replay {
namespace {

TEST(http_sink, rows_are_sent_as_columns_with_every_bit) {
  stub_server server([](const auto&) { return http_text(201, R"({"inserted":2,"duration_ms":0.1})"); });
  auto to = open_http_sink(server.url());
  ASSERT_TRUE(to);
  batch_builder rows;
  rows.append(7, 1'768'816'800'000'001, 0.1);
  rows.append(3, -5, -1e-300);
  EXPECT_TRUE((*to)->send(rows));
  EXPECT_EQ(rows.size(), 0U);
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.line, "POST /api/readings/bulk?precision=us");
  EXPECT_EQ(request.body, R"({"sensor_id":[7,3],"timestamp":[1768816800000001,-5],"value":[0.1,-1e-300]})");
}

TEST(http_sink, what_is_stored_is_read_page_by_page) {
  stub_server server([](const auto& r) -> std::string {
    if (r.line.find("order=desc") != std::string::npos) return http_text(200, R"({"readings":[],"next_cursor":null})");
    if (r.line.find("cursor=c1") != std::string::npos)
      return http_text(200, R"({"readings":[{"id":7,"value":0.1}],"next_cursor":null})");
    return http_text(200, R"({"readings":[{"id":5,"value":-2}],"next_cursor":"c1"})");
  });
  auto to = open_http_sink(server.url());
  EXPECT_FALSE((*to)->newest_us(3).value());
  const auto run = (*to)->stored(3, 0, 1'768'816'800'000'001);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->event_time_us, (std::vector<std::int64_t>{5, 7}));
  EXPECT_EQ(run->value, (std::vector<double>{-2, 0.1}));
  EXPECT_EQ(server.requests().at(1).line,
            "GET /api/sensors/3/readings?from=1970-01-01T00:00:00Z&to=2026-01-19T10:00:00.000001Z&limit=10000");
}

TEST(http_sink, a_refusal_is_an_error_with_its_text) {
  stub_server server([](const auto&) {
    return http_text(
        400, R"({"error":"1 of 1 readings refused","errors":[{"index":0,"field":"sensor_id","reason":"unknown sensor 7"}]})");
  });
  auto to = open_http_sink(server.url());
  batch_builder rows;
  rows.append(7, 1, 1);
  const auto sent = (*to)->send(rows);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().message, "1 of 1 readings refused");
  EXPECT_EQ(sent.error().rows.at(0).reason, "unknown sensor 7");
}

TEST(http_sink, the_plant_is_read_and_made_over_the_api) {
  stub_server server([](const auto& r) -> std::string {
    if (r.line == "GET /api/factories") return http_text(200, R"([{"id":1,"name":"F \"1\""}])");
    if (r.line == "GET /api/machines") return http_text(200, R"([{"id":2,"factory_id":1,"name":"M"}])");
    if (r.line == "GET /api/sensors") return http_text(200, R"([{"id":9,"machine_id":2,"name":"s"}])");
    if (r.line == "POST /api/machines") return http_text(201, R"({"id":4})");
    if (r.line == "POST /api/sensors") return http_text(201, R"([{"id":5},{"id":6}])");
    return http_text(409, R"({"error":"that name is taken"})");
  });
  auto to = open_http_sink(server.url());
  const auto entities = (*to)->read_plant();
  ASSERT_TRUE(entities);
  EXPECT_EQ(entities->factories.at(0).name, "F \"1\"");
  EXPECT_EQ(entities->machines.at(0).of, 1U);
  EXPECT_EQ(entities->sensors.at(0).id, 9U);
  EXPECT_EQ((*to)->make_factory("x").error().code, errc::conflict);
  EXPECT_EQ((*to)->make_machine(1, "mill"), 4U);
  EXPECT_EQ((*to)->make_sensors(4, {"a", "b"}), (std::vector<sensor_id>{5, 6}));
  EXPECT_EQ(server.requests().back().body, R"([{"machine_id":4,"name":"a","unit":""},{"machine_id":4,"name":"b","unit":""}])");
}

TEST(http_sink, an_answer_that_is_not_the_apis_is_no_receipt) {
  for (const std::string body : {"", "[]", "{}", R"({"inserted":"2"})", "<html>"}) {
    stub_server server([&](const auto&) { return http_text(201, body); });
    auto to = open_http_sink(server.url());
    batch_builder rows;
    rows.append(1, 1, 1);
    EXPECT_EQ((*to)->send(rows).error().code, errc::malformed) << body;
  }
}

}  // namespace
}  // namespace factory::replay
