// Quality and what is not judged, over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// One sensor with a maximum of 90.
class quality : public testing::Test {
 protected:
  quality() {
    made(api.post("/api/factories", R"({"name":"Plant"})"));
    made(api.post("/api/machines", R"({"factory_id":1,"name":"P1","type":"press"})"));
    made(api.post("/api/sensors", R"({"machine_id":1,"name":"temp","max_threshold":90})"));
  }
  static void made(const answer& got) { ASSERT_EQ(got.status, 201) << got.body; }
  std::string body_of(const std::string& path) { return api.get(path).body; }
  fresh_daemon daemon_;
  http_client api{daemon_.process.api_port()};
};

TEST_F(quality, comes_in_is_stored_is_shown_and_counts) {
  const auto posted = api.post("/api/readings/bulk", R"([{"sensor_id":1,"value":10,"timestamp":"2026-01-19T10:00:00Z"},
    {"sensor_id":1,"value":500,"timestamp":"2026-01-19T10:00:01Z","quality":"bad"},
    {"sensor_id":1,"value":20,"timestamp":"2026-01-19T10:00:02Z","quality":"uncertain"}])");
  made(posted);
  EXPECT_THAT(posted.body, HasSubstr(R"("inserted":3,"not_judged":1,)"));
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_EQ(get_json(api, "/api/sensors/1/stats")["count"].GetUint(), 2U);
    EXPECT_EQ(get_json(api, "/api/sensors/1/stats?include=bad")["max"].GetDouble(), 500);
    EXPECT_EQ(get_json(api, "/api/sensors/1/alerts")["alerts_found"].GetUint(), 0U);
    EXPECT_EQ(get_json(api, "/api/sensors/1/alerts?include=bad")["alerts_found"].GetUint(), 1U);
    EXPECT_THAT(body_of("/api/sensors/1/latest"),
                HasSubstr(R"("value":20.0,"timestamp":"2026-01-19T10:00:02Z","quality":"uncertain"})"));
    EXPECT_THAT(body_of("/api/sensors/1/readings"), HasSubstr(R"("flags":["bad"],"quality":"bad"})"));
    EXPECT_THAT(body_of("/api/sensors/1/aggregate?step=1h&fn=count"), HasSubstr(R"("count":2)"));
    EXPECT_THAT(body_of("/api/sensors/1/aggregate?step=1h&fn=count&include=bad"), HasSubstr(R"("count":3)"));
    EXPECT_THAT(body_of("/api/sensors/1/status"), HasSubstr(R"("left_out":1,"not_judged":1)"));
    EXPECT_THAT(body_of("/metrics"), HasSubstr(R"(factory_readings_not_judged_total{reason="left_out"} 1)"));
    EXPECT_THAT(body_of("/api/events?kind=alert_raised"), Not(HasSubstr("500")));
    daemon_->restart();
    api = http_client(daemon_.process.api_port());
  }
  EXPECT_EQ(api.get("/api/sensors/1/stats?include=good").status, 400);
}

TEST_F(quality, of_an_export_can_be_posted_again) {
  made(api.post("/api/readings/bulk", R"([{"sensor_id":1,"value":10,"timestamp":"2026-01-19T10:00:00Z","quality":"bad"},
    {"sensor_id":1,"value":20,"timestamp":"2026-01-19T10:00:02Z"}])"));
  const auto lines = api.send("GET", "/api/sensors/1/readings", "", {{"Accept", "application/x-ndjson"}}).body;
  const auto again = api.send("POST", "/api/readings/bulk", lines, {{"Content-Type", "application/x-ndjson"}});
  made(again);
  EXPECT_EQ(get_json(api, "/api/sensors/1/status")["duplicate"].GetUint(), 2U) << lines << again.body;
}

}  // namespace
}  // namespace factory::test
