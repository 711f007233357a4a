// Bad input is reported by index and field, and stores nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

struct refused_row {
  const char* name;
  const char* row;  ///< {} stands for a known sensor
  const char* field;
};

class refusal : public testing::TestWithParam<refused_row> {
 protected:
  static void SetUpTestSuite() { daemon_ = new fresh_daemon; }
  static void TearDownTestSuite() { delete daemon_; }
  static inline fresh_daemon* daemon_ = nullptr;
};

TEST_P(refusal, names_the_row_and_the_field_and_stores_nothing) {
  http_client api(daemon_->process.api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  const std::string good = fmt::format(R"({{"sensor_id":{},"value":1,"timestamp":1000}})", sensor);
  std::string bad = GetParam().row;
  if (const auto at = bad.find("{}"); at != std::string::npos) bad.replace(at, 2, std::to_string(sensor));
  const auto got = api.post("/api/readings/bulk", "[" + good + "," + bad + "]");
  EXPECT_EQ(got.status, 400) << got.body;
  const auto problem = got.json();
  ASSERT_TRUE(problem.HasMember("errors")) << got.body;
  EXPECT_EQ(problem["errors"][0]["index"].GetUint64(), 1U);
  EXPECT_STREQ(problem["errors"][0]["field"].GetString(), GetParam().field);
  EXPECT_FALSE(std::string(problem["errors"][0]["reason"].GetString()).empty());
  EXPECT_EQ(get_json(api, fmt::format("/api/sensors/{}/stats", sensor))["count"].GetUint64(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    rows, refusal,
    testing::Values(refused_row{"unknown_sensor", R"({"sensor_id":99999,"value":1,"timestamp":1})", "sensor_id"},
                    refused_row{"sensor_zero", R"({"sensor_id":0,"value":1,"timestamp":1})", "sensor_id"},
                    refused_row{"no_sensor", R"({"value":1,"timestamp":1})", "sensor_id"},
                    refused_row{"text_value", R"({"sensor_id":{},"value":"hot","timestamp":1})", "value"},
                    refused_row{"null_value", R"({"sensor_id":{},"value":null,"timestamp":1})", "value"},
                    refused_row{"no_value", R"({"sensor_id":{},"timestamp":1})", "value"},
                    refused_row{"impossible_time", R"({"sensor_id":{},"value":1,"timestamp":"2026-02-30T00:00:00Z"})",
                                "timestamp"},
                    refused_row{"text_that_is_no_time", R"({"sensor_id":{},"value":1,"timestamp":"yesterday"})", "timestamp"}),
    [](const auto& row) { return row.param.name; });

TEST_F(refusal, a_damaged_body_stores_nothing) {
  http_client api(daemon_->process.api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  const std::string good = fmt::format(R"({{"sensor_id":{},"value":1,"timestamp":1000}})", sensor);
  for (const std::string& body :
       {"[" + good, "[" + good + "," + good + "]]", "[" + good + ",]", std::string("NaN"), std::string()})
    EXPECT_EQ(api.post("/api/readings/bulk", body).status, 400) << body;
  EXPECT_EQ(api.post("/api/readings/bulk", fmt::format(R"([{{"sensor_id":{},"value":1e999,"timestamp":1}}])", sensor)).status,
            400);
  EXPECT_EQ(get_json(api, fmt::format("/api/sensors/{}/stats", sensor))["count"].GetUint64(), 0U);
}

TEST_F(refusal, partial_stores_the_good_rows_and_counts_the_bad_ones) {
  http_client api(daemon_->process.api_port());
  const auto sensor = add_sensors(api, 1).at(0);
  const auto got =
      api.post("/api/readings/bulk?partial=true",
               fmt::format(R"([{{"sensor_id":{0},"value":1,"timestamp":1000}},{{"sensor_id":{0},"value":"x","timestamp":2000}},)"
                           R"({{"sensor_id":{0},"value":3,"timestamp":3000}}])",
                           sensor));
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json()["inserted"].GetUint64(), 2U);
  EXPECT_EQ(got.json()["rejected"].GetUint64(), 1U);
  EXPECT_EQ(got.json()["errors"][0]["index"].GetUint64(), 1U);
  EXPECT_EQ(readings_of(api, sensor), (std::vector<reading>{{sensor, 1'000'000, 1}, {sensor, 3'000'000, 3}}));
}

TEST_F(refusal, a_body_above_the_limit_is_413_and_the_daemon_goes_on) {
  http_client api(daemon_->process.api_port());
  try {
    EXPECT_EQ(api.post("/api/readings", std::string(2UL << 20, ' ')).status, 413);
  } catch (const connection_lost&) {
    // The daemon may end the connection before it has read all of it; the answer is then lost with it.
  }
  EXPECT_EQ(http_client(daemon_->process.api_port()).get("/health").status, 200);
}

}  // namespace
}  // namespace factory::test
