#include "http/anomaly/anomaly_service.hpp"

#include <gtest/gtest.h>

#include <string>

namespace factory {
namespace {

http_response ask(http_method method, const std::string& path, std::string_view body = {},
                  std::string_view type = "application/json") {
  http_request request;
  request.method = method;
  request.path = path;
  request.content_type = type;
  request.body = body;
  return anomaly_service()(request);
}

http_response analyze(std::string_view body) { return ask(http_method::post, "/analyze", body); }

TEST(anomaly_service, says_that_it_runs) {
  const http_response answer = ask(http_method::get, "/health");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "Anomaly Detector Service is running");
  EXPECT_TRUE(answer.content_type.starts_with("text/plain"));
}

TEST(anomaly_service, finds_what_stands_out_in_the_order_of_the_input_and_echoes_times_as_sent) {
  std::string readings;
  for (int i = 1; i <= 40; ++i)
    readings += R"({"id":)" + std::to_string(i) + R"(,"value":)" + (i % 2 ? "1" : "3") + R"(,"timestamp":"t"},)";
  const http_response answer = analyze(R"({"readings":[{"id":90,"value":102.5,"timestamp":"yesterday, noon"},)" + readings +
                                       R"({"id":-7,"value":50,"timestamp":"é"}]})");
  EXPECT_EQ(answer.status, 200U);
  const std::size_t first = answer.body.find(R"({"anomalies":[{"id":90,"value":102.5,"timestamp":"yesterday, noon","z_score":)");
  const std::size_t second = answer.body.find(R"({"id":-7,"value":50.0,"timestamp":"é","z_score":)");
  EXPECT_EQ(first, 0U) << answer.body;
  EXPECT_NE(second, std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("severity":"critical")"), std::string::npos);
  EXPECT_NE(answer.body.find(R"("total_readings":42,"mean":)"), std::string::npos);
}

TEST(anomaly_service, takes_the_threshold_and_2_when_there_is_none) {
  const std::string readings =
      R"({"readings":[{"id":1,"value":2,"timestamp":""},{"id":2,"value":4,"timestamp":""},{"id":3,"value":4,"timestamp":""},
    {"id":4,"value":4,"timestamp":""},{"id":5,"value":5,"timestamp":""},{"id":6,"value":5,"timestamp":""},{"id":7,"value":7,"timestamp":""},
    {"id":8,"value":9,"timestamp":""}])";
  EXPECT_EQ(analyze(readings + "}").body, R"({"anomalies":[],"total_readings":8,"mean":5.0,"std_dev":2.138089935299395})");
  EXPECT_TRUE(analyze(readings + R"(,"threshold":1.8})").body.starts_with(R"({"anomalies":[{"id":8,"value":9.0,)"));
}

TEST(anomaly_service, answers_no_readings_and_one_reading) {
  EXPECT_EQ(analyze(R"({"readings":[]})").body, R"({"anomalies":[],"total_readings":0,"mean":0.0,"std_dev":0.0})");
  EXPECT_EQ(analyze(R"({"readings":[{"id":1,"value":7.5,"timestamp":"x"}]})").body,
            R"({"anomalies":[],"total_readings":1,"mean":7.5,"std_dev":0.0})");
}

TEST(anomaly_service, refuses_what_it_cannot_read_with_a_problem) {
  for (const char* body :
       {"", "{", "[]", "{}", R"({"readings":[{"id":1,"value":"x","timestamp":"x"}]})", R"({"readings":[]} x)"}) {
    const http_response answer = analyze(body);
    EXPECT_EQ(answer.status, 400U) << body;
    EXPECT_EQ(answer.content_type, "application/problem+json");
    EXPECT_NE(answer.body.find(R"("error":")"), std::string::npos);
  }
  EXPECT_EQ(ask(http_method::post, "/analyze", "{}", "text/plain").status, 415U);
  EXPECT_EQ(ask(http_method::get, "/analyze").status, 405U);
  EXPECT_EQ(ask(http_method::get, "/nowhere").status, 404U);
}

}  // namespace
}  // namespace factory
