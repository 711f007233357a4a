#include "client/api_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tools/support/stub_server.hpp"

namespace factory {
namespace {

using testing::HasSubstr;

api_client client_of(const stub_server& server, std::int64_t patience_ms = 60'000, std::int64_t timeout_ms = 30'000) {
  return std::move(*api_client::open({.url = server.url(), .timeout_ms = timeout_ms, .patience_ms = patience_ms}));
}

TEST(api_client, requests_share_one_connection) {
  stub_server server([](const auto& r) { return http_text(201, "{\"size\":" + std::to_string(r.body.size()) + "}"); });
  api_client client = client_of(server);
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(client.post("/api/readings/bulk", large)->body, "{\"size\":5000000}");
  EXPECT_EQ(client.get("/api/factories?x=1")->status, 201U);
  EXPECT_EQ(client.patch("/api/sensors/1", "{}", "application/json")->content_type, "application/json");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].line, "POST /api/readings/bulk");
  EXPECT_EQ(requests[0].body, large);
  EXPECT_EQ(requests[1].line, "GET /api/factories?x=1");
  EXPECT_EQ(requests[2].line, "PATCH /api/sensors/1");
  EXPECT_EQ(requests[2].connection, 1);
  EXPECT_THAT(requests[0].head, HasSubstr("Connection: keep-alive"));
}

TEST(api_client, a_503_is_asked_again_until_it_is_none) {
  int asked = 0;
  stub_server server(
      [&](const auto&) { return ++asked < 4 ? http_text(503, "{}", "Retry-After: 0\r\n") : http_text(200, "good"); });
  api_client client = client_of(server);
  EXPECT_EQ(client.post("/x", "{}")->body, "good");
  EXPECT_EQ(client.retry_count(), 3U);
}

TEST(api_client, a_503_is_the_answer_once_patience_ends) {
  stub_server server([](const auto&) { return http_text(503, "{\"error\":\"no credit\"}", "Retry-After: 0\r\n"); });
  EXPECT_EQ(client_of(server, 0).get("/x")->status, 503U);
  EXPECT_EQ(server.requests().size(), 1U);
  const auto answer = client_of(server, 5).get("/x");
  EXPECT_EQ(answer->status, 503U);
  EXPECT_EQ(server.requests().size(), 1U + 6U);
}

TEST(api_client, a_request_lost_with_a_kept_connection_is_sent_again_once) {
  stub_server server([](const auto& r) { return r.line == "GET /second" && r.connection == 1 ? "" : http_text(200, "good"); });
  api_client client = client_of(server);
  EXPECT_EQ(client.get("/first")->status, 200U);
  EXPECT_EQ(client.get("/second")->body, "good");
  EXPECT_EQ(server.requests().back().connection, 2);
}

TEST(api_client, a_server_that_never_answers_is_unavailable) {
  stub_server server([](const auto&) { return ""; });
  const auto answer = client_of(server).get("/x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::unavailable);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(api_client, a_connection_that_the_server_ends_is_opened_anew) {
  stub_server server([](const auto&) { return http_text(200, "good", "Connection: close\r\n"); });
  api_client client = client_of(server);
  EXPECT_EQ(client.get("/a")->body, "good");
  EXPECT_EQ(client.get("/b")->body, "good");
  EXPECT_EQ(server.requests().back().connection, 2);
}

TEST(api_client, nobody_listening_is_an_error_that_says_what_to_do) {
  std::string url;
  {
    stub_server gone([](const auto&) { return ""; });
    url = gone.url();
  }
  const auto answer = api_client::open({.url = url})->get("/x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::unavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("is factoryd running there?"));
  EXPECT_THAT(answer.error().message, HasSubstr("Connection refused"));
}

TEST(api_client, an_answer_that_is_no_http_is_malformed) {
  stub_server server([](const auto&) { return "SSH-2.0-OpenSSH\r\n\r\n"; });
  const auto answer = client_of(server).get("/x");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::malformed);
}

TEST(api_client, a_silent_server_is_left_after_the_time_out) {
  std::promise<void> end;
  auto ended = end.get_future().share();
  stub_server server([=](const auto&) { return ended.wait(), std::string(); });
  const auto answer = client_of(server, 60'000, 50).get("/x");
  end.set_value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::timed_out);
}

TEST(api_client, the_prefix_of_the_url_goes_before_every_target) {
  stub_server server([](const auto&) { return http_text(200, ""); });
  auto client = api_client::open({.url = server.url() + "/plant/"});
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->get("/health"));
  EXPECT_EQ(server.requests().at(0).line, "GET /plant/health");
}

TEST(api_client, urls_that_it_does_not_speak_are_refused) {
  for (const char* url : {"", "127.0.0.1:8080", "https://127.0.0.1", "http://", "http://:80", "http://h:", "http://h:0",
                          "http://h:70000", "http://h:8x", "http://[::1", "http://[::1]x"}) {
    const auto client = api_client::open({.url = url});
    ASSERT_FALSE(client) << url;
    EXPECT_EQ(client.error().code, errc::invalid) << url;
  }
  for (const char* url : {"http://h", "http://h/", "http://h:8080", "http://[::1]:8080/x", "http://[::1]"}) {
    EXPECT_TRUE(api_client::open({.url = url})) << url;
  }
}

TEST(refusal, a_problem_becomes_an_error_with_its_rows) {
  const error why = refusal({400, "application/problem+json",
                             R"({"title":"t","status":400,"error":"1 of 2 readings are bad","field":"value",)"
                             R"("errors":[{"index":3,"field":"sensor_id","reason":"unknown sensor 7"}]})"});
  EXPECT_EQ(why.code, errc::invalid);
  EXPECT_EQ(why.message, "1 of 2 readings are bad");
  EXPECT_EQ(why.field, "value");
  ASSERT_EQ(why.rows.size(), 1U);
  EXPECT_EQ(why.rows[0].index, 3U);
  EXPECT_EQ(why.rows[0].reason, "unknown sensor 7");
}

TEST(refusal, an_answer_of_another_kind_is_told_by_its_status) {
  EXPECT_EQ(refusal({502, "text/html", "<html>"}).message, "the server answered 502");
  EXPECT_EQ(refusal({503, "", ""}).code, errc::overloaded);
  EXPECT_EQ(refusal({409, "", "[]"}).code, errc::conflict);
  EXPECT_EQ(refusal({400, "", R"({"errors":[5,{}]})"}).rows.size(), 1U);
}

}  // namespace
}  // namespace factory
