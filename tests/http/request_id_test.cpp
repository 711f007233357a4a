#include "http/edge/request_id.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "http/edge/limits.hpp"
#include "http/edge/problem.hpp"

namespace factory {
namespace {

using testing::HasSubstr;

http_response ask(const http_handler& handler, std::string_view id = {}) {
  http_request request;
  request.path = "/x";
  request.client = "192.0.2.7";
  request.header = [id](std::string_view name) { return name == "X-Request-Id" ? id : std::string_view(); };
  return handler(request);
}
std::string id_of(const http_response& answer) {
  const auto found = std::ranges::find(answer.headers, "X-Request-Id", [](const auto& field) { return field.first; });
  return found == answer.headers.end() ? "" : found->second;
}
http_response plain(const http_request&) { return {200, "text/plain", "hello"}; }
http_response refused(const http_request&) { return problem(404, "nothing"); }

TEST(request_id, of_the_client_comes_back) {
  EXPECT_EQ(id_of(ask(with_request_id(plain, {}), "4bf92f35-77b3:a_b.c+/=@Z")), "4bf92f35-77b3:a_b.c+/=@Z");
}

TEST(request_id, is_made_where_there_is_none_and_is_another_each_time) {
  const http_handler handler = with_request_id(plain, {});
  const std::string first = id_of(ask(handler)), second = id_of(ask(handler));
  EXPECT_EQ(first.size(), 13U);
  EXPECT_EQ(second.size(), 13U);
  EXPECT_NE(first, second);
}

TEST(request_id, that_could_harm_a_log_or_is_too_long_is_replaced) {
  const http_handler handler = with_request_id(plain, {});
  for (const std::string& bad : {std::string("a b"), std::string("a\"b"), std::string("a\tb"), std::string("\xC3\xA9"),
                                 std::string(limits::request_id_bytes + 1, 'a')})
    EXPECT_EQ(id_of(ask(handler, bad)).size(), 13U) << bad;
  const std::string longest(limits::request_id_bytes, 'a');
  EXPECT_EQ(id_of(ask(handler, longest)), longest);
}

TEST(request_id, stands_in_problems_and_ends_with_the_request) {
  EXPECT_THAT(ask(with_request_id(refused, {}), "abc").body, HasSubstr(R"("request_id":"abc")"));
  EXPECT_EQ(current_request_id(), "");
  EXPECT_THAT(refused({}).body, Not(HasSubstr("request_id")));
}

TEST(request_id, stays_with_an_answer_that_ends_later) {
  std::vector<std::string> logged;
  const http_handler handler = with_request_id(
      [](const http_request&) {
        http_response later;
        later.finish = [](http_response& whole) { whole = problem(503, "no commit"); };
        return later;
      },
      [&](const access_record& record) { logged.push_back(std::string(record.request_id) + std::to_string(record.status)); });
  http_response one = ask(handler, "one"), two = ask(handler, "two");
  EXPECT_TRUE(logged.empty());
  EXPECT_EQ(current_request_id(), "");
  two = complete(std::move(two));
  one = complete(std::move(one));
  EXPECT_THAT(one.body, HasSubstr(R"("request_id":"one")"));
  EXPECT_EQ(id_of(two), "two");
  EXPECT_EQ(logged, (std::vector<std::string>{"two503", "one503"}));
}

/// Gives "piece" and, behind it, the id of the request.
struct two_pieces final : body_source {
  expected<bool> next(std::string& out) override {
    out += ++asked == 1 ? "piece " : std::string(current_request_id());
    return asked < 2;
  }
  int asked = 0;
};

TEST(request_id, stays_with_an_answer_in_pieces_which_is_logged_when_it_ends_or_is_cut) {
  std::vector<std::string> logged;
  const http_handler handler = with_request_id(
      [](const http_request&) {
        http_response answer;
        answer.source = std::make_shared<two_pieces>();
        return answer;
      },
      [&](const access_record& r) {
        logged.push_back(std::string(r.request_id) + " " + std::to_string(r.body_bytes) + (r.whole ? " whole" : " cut"));
      });
  http_response one = ask(handler, "one"), two = ask(handler, "two");
  EXPECT_EQ(id_of(one), "one");
  std::string body;
  EXPECT_TRUE(*one.source->next(body));
  EXPECT_TRUE(*two.source->next(body));
  EXPECT_FALSE(*one.source->next(body));
  EXPECT_EQ(body, "piece piece one");
  EXPECT_EQ(current_request_id(), "");
  EXPECT_TRUE(logged.empty());
  one = {};
  two = {};
  EXPECT_EQ(logged, (std::vector<std::string>{"one 9 whole", "two 6 cut"}));
}

TEST(request_id, the_access_log_is_told_what_was_answered) {
  std::string told;
  const http_handler handler = with_request_id(plain, [&](const access_record& r) {
    told = std::string(r.request_id) + " " + std::string(r.path) + " " + std::string(r.client) + " " + std::to_string(r.status) +
           " " + std::to_string(r.body_bytes) + " " + std::string(current_request_id());
  });
  ask(handler, "abc");
  EXPECT_EQ(told, "abc /x 192.0.2.7 200 5 abc");
}

}  // namespace
}  // namespace factory
