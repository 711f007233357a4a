#include "http/edge/cors.hpp"

#include <gtest/gtest.h>

#include <map>

namespace factory {
namespace {

using fields = std::map<std::string, std::string, std::less<>>;

http_response ask(const std::string& origins, const fields& with, http_method method = http_method::get) {
  http_request request;
  request.method = method;
  request.header = [&with](std::string_view name) {
    const auto found = with.find(name);
    return found == with.end() ? std::string_view() : std::string_view(found->second);
  };
  return with_cors([](const http_request&) { return http_response{401, "text/plain", "inner"}; }, origins)(request);
}

std::string field(const http_response& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(cors, lets_only_pages_of_the_named_origins_read_answers) {
  const std::string origins = "https://plant.example, http://10.0.0.5:8000";
  EXPECT_EQ(field(ask(origins, {{"Origin", "https://plant.example"}}), "Access-Control-Allow-Origin"), "https://plant.example");
  EXPECT_EQ(field(ask(origins, {{"Origin", "https://plant.example"}}), "Vary"), "Origin");
  EXPECT_EQ(field(ask(origins, {{"Origin", "http://10.0.0.5:8000"}}), "Access-Control-Allow-Origin"), "http://10.0.0.5:8000");
  for (const char* other : {"https://plant.example.evil", "https://evil", "null", ""})
    EXPECT_TRUE(ask(origins, {{"Origin", other}}).headers.empty()) << other;
  EXPECT_TRUE(ask("", {{"Origin", "https://plant.example"}}).headers.empty());
  EXPECT_EQ(field(ask("*", {{"Origin", "https://any"}}), "Access-Control-Allow-Origin"), "*");
}

TEST(cors, answers_a_preflight_without_the_handler_that_might_want_a_token) {
  const fields with{{"Origin", "https://a"}, {"Access-Control-Request-Method", "POST"}};
  const http_response answer = ask("https://a", with, http_method::options);
  EXPECT_EQ(answer.status, 204U);
  EXPECT_EQ(field(answer, "Access-Control-Allow-Origin"), "https://a");
  EXPECT_NE(field(answer, "Access-Control-Allow-Methods").find("POST"), std::string::npos);
  EXPECT_NE(field(answer, "Access-Control-Allow-Headers").find("Authorization"), std::string::npos);
  EXPECT_EQ(ask("https://b", with, http_method::options).status, 401U);
}

}  // namespace
}  // namespace factory
