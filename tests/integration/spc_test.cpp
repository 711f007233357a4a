// Control charts over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

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

std::vector<std::string> broken_rules(http_client& api, std::string_view detector) {
  std::vector<std::string> found;
  const auto page = get_json(api, fmt::format("/api/anomalies?detector={}&limit=100", detector));
  for (const auto& each : page["anomalies"].GetArray())
    found.push_back(fmt::format("{} {} {} {} {}", each["kind"].GetString(), each["begin"].GetString(), each["end"].GetString(),
                                each["count"].GetUint64(), each["open"].GetBool()));
  std::ranges::sort(found);
  return found;
}

TEST_F(control_charts, make_anomalies_of_broken_rules_once_that_is_switched_on) {
  made(api.post("/api/sensors/1/spc/limits", R"({"to":"2026-01-19T10:00:30Z","by":"ann"})"));
  const auto send = [&](std::string_view time, std::string_view values) {
    made(api.post("/api/readings/bulk",
                  fmt::format(R"({{"sensor_id":1,"start":"2026-01-19T{}Z","interval_ms":1000,"values":[{}]}})", time, values)));
  };
  send("10:00:40", "58,58,50");
  EXPECT_EQ(api.patch("/api/machines/1", R"({"detection":{"western_electric":true}})").status, 200);
  const auto settings = get_json(api, "/api/sensors/1/detection");
  EXPECT_TRUE(settings["western_electric"]["value"].GetBool());
  EXPECT_STREQ(settings["western_electric"]["from"].GetString(), "machine");
  EXPECT_FALSE(settings["nelson"]["value"].GetBool());
  send("10:01:00", "50,51,57,50,49");
  daemon_->kill();
  daemon_->start();
  api = http_client(daemon_.process.api_port());
  await([&] { return broken_rules(api, "western_electric").size() == 1; }, "the broken rule");
  EXPECT_EQ(broken_rules(api, "western_electric")[0], "western_electric_1 2026-01-19T10:01:02Z 2026-01-19T10:01:02Z 1 false");
  EXPECT_TRUE(broken_rules(api, "nelson").empty());
  send("10:01:05", "50,50,50,50,50,50,50,50,50");
  await([&] { return get_json(api, "/api/sensors/1/health")["open"].Size() == 1; }, "what is open");
  const auto health = get_json(api, "/api/sensors/1/health");
  EXPECT_STREQ(health["open"][0]["detector"].GetString(), "western_electric");
  EXPECT_THAT(health["open"][0]["explanation"].GetString(), HasSubstr("rule 4, eight points in a row on one side"));
  const std::string id = health["open"][0]["id"].GetString();
  await([&] { return api.get("/api/anomalies/" + id).status == 200; }, "the event");
  const auto explained = get_json(api, "/api/anomalies/" + id + "/explain");
  EXPECT_TRUE(explained["recomputed"].GetBool() && explained["agrees"].GetBool()) << text_of(explained);
  EXPECT_EQ(api.post("/api/anomalies/" + id + "/feedback", R"({"verdict":"false_alarm","by":"ann"})").status, 200);
  // Other limits end what was open, and begin anew.
  made(api.post("/api/sensors/1/spc/limits", R"({"from":"2026-01-19T10:00:00Z","by":"bob"})"));
  await([&] { return get_json(api, "/api/sensors/1/health")["open"].Empty(); }, "its end");
  daemon_->restart();
  api = http_client(daemon_.process.api_port());
  EXPECT_EQ(get_json(api, "/api/sensors/1/spc/limits")["limits"].Size(), 2U);
  EXPECT_EQ(broken_rules(api, "western_electric").size(), 2U);
}

}  // namespace
}  // namespace factory::test
