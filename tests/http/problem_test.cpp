#include "http/edge/problem.hpp"

#include <gtest/gtest.h>

#include <map>

namespace factory {
namespace {

std::string problem_header(const http_response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(problem, carries_the_members_of_rfc_9457_and_the_short_text) {
  const http_response answer = problem(error{errc::not_found, "Sensor not found"});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.content_type, "application/problem+json");
  EXPECT_EQ(answer.body, R"({"type":"urn:factory-monitor:problem:not-found","title":"Not Found","status":404,)"
                         R"("detail":"Sensor not found","error":"Sensor not found"})");
}

TEST(problem, names_the_field_and_lists_refused_rows) {
  const http_response answer = problem(error{errc::invalid, "1 of 2 refused", "value", {{1, "value", "not \"finite\""}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.body.ends_with(R"("field":"value","errors":[{"index":1,"field":"value","reason":"not \"finite\""}]})"))
      << answer.body;
}

TEST(problem, maps_each_cause_to_its_status) {
  const std::map<errc, unsigned> table{{errc::invalid, 400},   {errc::malformed, 400},    {errc::not_found, 404},
                                       {errc::conflict, 409},  {errc::too_large, 413},    {errc::overloaded, 503},
                                       {errc::timed_out, 503}, {errc::storage_full, 507}, {errc::storage_failed, 503},
                                       {errc::corrupt, 500},   {errc::unavailable, 503},  {errc::stopping, 503}};
  for (const auto& [code, status] : table) {
    EXPECT_EQ(status_of(code), status);
    EXPECT_EQ(problem_header(problem(error{code, "why"}), "Retry-After").empty(), status != 503);
  }
}

TEST(problem, keeps_what_storage_says_of_files_and_libraries_from_clients) {
  for (const errc code : {errc::storage_full, errc::storage_failed, errc::corrupt}) {
    const http_response answer = problem(error{code, "While committing: IO error: /var/lib/x/000012.log"});
    EXPECT_EQ(answer.body.find("IO error"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("log"), std::string::npos) << answer.body;
  }
}

TEST(problem, answers_statuses_that_only_http_knows) {
  for (const unsigned status : {400U, 405U, 408U, 411U, 413U, 414U, 415U, 417U, 431U, 500U, 501U, 505U}) {
    const http_response answer = problem(status, "why");
    EXPECT_EQ(answer.status, status);
    EXPECT_NE(reason_phrase(status), "Error") << status;
  }
}

TEST(problem, keeps_the_answer_valid_utf8_whatever_is_echoed) {
  EXPECT_EQ(to_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8F\xAD"), "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x8F\xAD");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(to_utf8("a\xFFz"), "a" + bad + "z");
  EXPECT_EQ(to_utf8("\xC3"), bad) << "cut off";
  EXPECT_EQ(to_utf8("\xC0\xAF"), bad + bad) << "overlong";
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), bad + bad + bad) << "surrogate";
  EXPECT_EQ(to_utf8("\xF4\x90\x80\x80"), bad + bad + bad + bad) << "beyond Unicode";
}

}  // namespace
}  // namespace factory
