// Control charts over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// The flow of the NIST handbook (6.3.2.2) three times over, then one value far away; thresholds 40 and 60.
class control_charts : public testing::Test {
 protected:
  control_charts() {
    made(api.post("/api/factories", R"({"name":"Plant"})"));
    made(api.post("/api/machines", R"({"factory_id":1,"name":"P1","type":"press"})"));
    made(api.post("/api/sensors", R"({"machine_id":1,"name":"flow","min_threshold":40,"max_threshold":60})"));
    const std::string ten = "49.6,47.6,49.9,51.3,47.8,51.2,52.6,52.4,53.6,52.1";
    made(api.post("/api/readings/bulk", R"({"sensor_id":1,"start":"2026-01-19T10:00:00Z","interval_ms":1000,"values":[)" + ten +
                                            "," + ten + "," + ten + ",58]}"));
  }
  static void made(const answer& got) { ASSERT_EQ(got.status, 201) << got.body; }
  fresh_daemon daemon_;
  http_client api{daemon_.process.api_port()};
};

TEST_F(control_charts, have_limits_rules_and_capability) {
  const auto chart = get_json(api, "/api/sensors/1/spc?to=2026-01-19T10:00:10Z");
  EXPECT_STREQ(chart["chart"].GetString(), "i_mr");
  EXPECT_EQ(chart["points"].GetUint(), 10U);
  EXPECT_NEAR(chart["limits"]["lower"].GetDouble(), 45.8159, 0.002);
  EXPECT_NEAR(chart["limits"]["upper"].GetDouble(), 55.8041, 0.002);
  EXPECT_NEAR(chart["capability"]["cp"].GetDouble(), 20 / (6 * 1.6647), 0.002);
  EXPECT_EQ(chart["violations"].Size(), 0U);
  EXPECT_TRUE(chart["series"][0]["range"].IsNull());
  EXPECT_NEAR(chart["series"][1]["range"].GetDouble(), 2.0, 1e-9);
  EXPECT_EQ(get_json(api, "/api/sensors/1/spc?subgroup=5")["points"].GetUint(), 6U);
  EXPECT_EQ(api.get("/api/sensors/1/spc?subgroup=26").status, 400);
  EXPECT_EQ(api.get("/api/sensors/2/spc").status, 404);
}

TEST_F(control_charts, hold_readings_against_frozen_limits_of_which_each_version_is_kept) {
  EXPECT_EQ(api.post("/api/sensors/1/spc/limits", R"({"to":"2026-01-19T10:00:10Z","by":"ann"})").status, 400) << "ten points";
  made(api.post("/api/sensors/1/spc/limits", R"({"to":"2026-01-19T10:00:30Z","by":"ann","comment":"calm"})"));
  for (int pass = 0; pass < 2; ++pass) {
    const auto chart = get_json(api, "/api/sensors/1/spc?from=2026-01-19T10:00:25Z");
    EXPECT_STREQ(chart["limits"]["source"].GetString(), "frozen");
    ASSERT_GT(chart["violations"].Size(), 0U);
    EXPECT_STREQ(chart["violations"][0]["set"].GetString(), "western_electric");
    EXPECT_EQ(chart["violations"][0]["rule"].GetUint(), 1U);
    EXPECT_STREQ(chart["violations"][0]["end"].GetString(), "2026-01-19T10:00:30Z");
    daemon_->restart();
    api = http_client(daemon_.process.api_port());
  }
  made(api.post("/api/sensors/1/spc/limits", R"({"subgroup":1,"from":"2026-01-19T10:00:00Z","by":"bob"})"));
  const auto history = get_json(api, "/api/sensors/1/spc/limits");
  ASSERT_EQ(history["limits"].Size(), 2U);
  EXPECT_EQ(history["limits"][0]["version"].GetUint(), 2U);
  EXPECT_STREQ(history["limits"][1]["comment"].GetString(), "calm");
  EXPECT_STREQ(get_json(api, "/api/sensors/1/spc?limits=range")["limits"]["source"].GetString(), "range");
}

}  // namespace
}  // namespace factory::test
