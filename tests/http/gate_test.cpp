// The gate as bytes in and bytes out; gate_socket_test runs the same table over real sockets.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http/gate/gate_connection.hpp"
#include "http/support/gate_cases.hpp"

namespace factory {
namespace {

using test::gate_case;

struct gate : ::testing::Test {
  gate() { test::set_echo(rules); }

  /// Feeds `input` as a transport does; the answers are taken as they come.
  void feed(gate_connection& connection, std::string_view input, bool directly = false) {
    for (;;) {
      if (const auto room = connection.body_room(); directly && !room.empty() && !input.empty()) {
        const std::size_t count = std::min(room.size(), input.size());
        std::memcpy(room.data(), input.data(), count);
        input.remove_prefix(count);
        connection.body_received(count);
        EXPECT_TRUE(connection.advance({}).empty());
      } else {
        input = connection.advance(input);
      }
      if (connection.now() == gate_connection::phase::answering) {
        EXPECT_EQ(connection.advance(input).size(), input.size()) << "nothing is read while an answer is under way";
        EXPECT_TRUE(connection.body_room().empty());
        connection.finish_answer();
      }
      while (connection.now() == gate_connection::phase::streaming) {
        EXPECT_EQ(connection.advance(input).size(), input.size()) << "nothing is read while an answer is sent in pieces";
        ASSERT_TRUE(connection.next_piece());
      }
      answers += std::exchange(connection.output(), {});
      if (input.empty()) return;
    }
  }

  void expect_the_table() {
    for (const gate_case& c : test::gate_cases()) {
      SCOPED_TRACE(c.name);
      answers.clear();
      gate_connection connection(rules, buffers);
      feed(connection, c.input);
      EXPECT_EQ(test::without_dates(answers), c.output);
      EXPECT_EQ(connection.closing(), c.closes);
    }
  }

  gate_rules rules;
  buffer_pool buffers;
  std::string answers;
};

TEST_F(gate, answers_every_case_of_the_table) { expect_the_table(); }

TEST_F(gate, answers_every_case_the_same_when_the_handler_leaves_the_answer_for_later) {
  rules.handler = [now = rules.handler](const http_request& request) {
    http_response later;
    later.finish = [&request, now](http_response& whole) { whole = now(request); };
    return later;
  };
  expect_the_table();
}

TEST_F(gate, answers_the_same_however_the_bytes_are_cut_in_two) {
  for (const gate_case& c : test::gate_cases()) {
    if (c.name.starts_with("Expect")) continue;  // whether the body is at hand decides
    SCOPED_TRACE(c.name);
    for (std::size_t cut = 1; cut<c.input.size(); cut += c.input.size()> 2'000 ? 97 : 1) {
      answers.clear();
      gate_connection connection(rules, buffers);
      feed(connection, std::string_view(c.input).substr(0, cut), cut % 2 == 0);
      feed(connection, std::string_view(c.input).substr(cut), cut % 2 == 0);
      ASSERT_EQ(test::without_dates(answers), c.output) << "cut at " << cut;
    }
  }
}

TEST_F(gate, answers_the_same_a_byte_at_a_time_and_in_random_pieces) {
  std::mt19937 random(20260119);
  for (const gate_case& c : test::gate_cases()) {
    if (c.name.starts_with("Expect")) continue;
    SCOPED_TRACE(c.name);
    for (const std::size_t largest : {1UL, 3UL, 40UL}) {
      answers.clear();
      gate_connection connection(rules, buffers);
      for (std::size_t at = 0; at < c.input.size();) {
        const std::size_t piece = 1 + random() % largest;
        feed(connection, std::string_view(c.input).substr(at, piece), random() % 2 == 0);
        at += piece;
      }
      ASSERT_EQ(test::without_dates(answers), c.output);
    }
  }
}

TEST_F(gate, asks_for_the_body_once_and_answers_when_it_came) {
  for (const auto& [fields, body] :
       {std::pair{"Content-Length: 2\r\n", "ab"}, std::pair{"Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n"}}) {
    answers.clear();
    gate_connection connection(rules, buffers);
    feed(connection, "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + std::string(fields) + "\r\n");
    EXPECT_EQ(answers, "HTTP/1.1 100 Continue\r\n\r\n");
    answers.clear();
    for (const char c : std::string_view(body)) feed(connection, {&c, 1});
    EXPECT_EQ(test::without_dates(answers), test::ok("POST /p |ab"));
  }
}

TEST_F(gate, does_not_ask_for_a_body_that_has_begun_to_come) {
  gate_connection connection(rules, buffers);
  feed(connection, "POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\na");
  EXPECT_EQ(answers, "");
  feed(connection, "b");
  EXPECT_EQ(test::without_dates(answers), test::ok("POST /p |ab"));
}

TEST_F(gate, refuses_what_more_of_bodies_comes_than_all_connections_may_hold) {
  rules.body_bytes_in_all = 12'000;
  const std::string head = "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n", half(4'000, 'x');
  {
    gate_connection given_up(rules, buffers);
    feed(given_up, head + half);
  }
  EXPECT_EQ(rules.body_bytes_held, 0U);
  gate_connection first(rules, buffers), second(rules, buffers);
  feed(first, head + half);
  feed(first, "y");
  feed(second, head + half);
  feed(second, half.substr(1), true);
  feed(second, "");
  EXPECT_EQ(answers, "");
  feed(first, half.substr(1));
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200"));
  answers.clear();
  feed(second, "y");
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200")) << "the first has let go of its body";
  answers.clear();

  gate_connection third(rules, buffers), fourth(rules, buffers);
  feed(third, head + half + half.substr(1));
  feed(fourth, head + half);
  EXPECT_EQ(answers, "");
  feed(fourth, "yy");
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 503")) << answers;
  EXPECT_NE(answers.find("Retry-After"), answers.npos);
  EXPECT_TRUE(fourth.closing());
  answers.clear();
  feed(third, "y");
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200"));
  EXPECT_EQ(rules.body_bytes_held, 0U);
}

TEST_F(gate, gives_the_handler_a_large_body_in_one_piece_with_room_behind_it) {
  std::string sent(900'000, '\0');
  std::mt19937 random(7);
  for (char& c : sent) c = static_cast<char>(random());
  std::string seen;
  rules.handler = [&](const http_request& request) {
    seen = request.body;
    for (std::size_t i = 0; i < body_buffer::padding_bytes; ++i)
      const_cast<char*>(request.body.data())[request.body.size() + i] = ' ';
    return http_response{201, "", ""};
  };
  for (const bool directly : {false, true}) {
    gate_connection connection(rules, buffers);
    std::string_view left = sent;
    feed(connection, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n");
    for (; !left.empty(); left.remove_prefix(std::min<std::size_t>(left.size(), 4'099)))
      feed(connection, left.substr(0, 4'099), directly);
    EXPECT_TRUE(seen == sent);
  }
}

TEST_F(gate, allocates_for_what_came_and_not_for_what_a_length_promises) {
  rules.body_bytes = [](http_method, std::string_view) { return 1UL << 40; };
  gate_connection connection(rules, buffers);
  feed(connection, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\nabc");
  EXPECT_LE(connection.body_room().size(), 1UL << 20);
}

TEST_F(gate, says_408_when_the_request_does_not_end_in_time) {
  for (const char* part : {"G", "GET / HTTP/1.1\r\nHost: a\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"}) {
    gate_connection connection(rules, buffers);
    feed(connection, part);
    connection.time_out();
    EXPECT_TRUE(connection.output().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    EXPECT_TRUE(connection.closing());
  }
  gate_connection idle(rules, buffers);
  idle.time_out();
  EXPECT_EQ(idle.output(), "");
  EXPECT_TRUE(idle.closing());
}

TEST_F(gate, answers_the_last_request_while_draining_and_closes) {
  gate_connection connection(rules, buffers);
  feed(connection, "GET /a HTTP/1.1\r\nHo");
  rules.draining = true;
  feed(connection, "st: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(test::without_dates(answers), test::ok("GET /a |", "Connection: close\r\n"));
  EXPECT_TRUE(connection.closing());
}

struct gate_pieces : gate {
  gate_pieces() {
    rules.handler = [this](const http_request&) { return test::in_pieces({"one", "two"}, broken); };
  }
  ~gate_pieces() override { EXPECT_EQ(test::scripted_source::alive, 0); }
  std::string take(gate_connection& connection) { return std::exchange(connection.output(), {}); }
  static constexpr std::string_view get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  bool broken = false;
};

TEST_F(gate_pieces, are_made_one_at_a_time_and_only_when_asked_for) {
  gate_connection connection(rules, buffers);
  EXPECT_EQ(connection.advance(get), "");
  EXPECT_TRUE(take(connection).ends_with("chunked\r\n\r\n"));
  EXPECT_EQ(connection.advance(get), get) << "the next request waits";
  EXPECT_TRUE(connection.next_piece());
  EXPECT_EQ(take(connection), "00000003\r\none\r\n");
  EXPECT_EQ(connection.requests(), 0U);
  EXPECT_TRUE(connection.next_piece());
  EXPECT_EQ(take(connection), "00000003\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(connection.now(), gate_connection::phase::idle);
  EXPECT_EQ(connection.requests(), 1U);
  EXPECT_EQ(test::scripted_source::alive, 0) << "let go of with the end";
}

TEST_F(gate_pieces, end_without_a_last_chunk_and_without_a_word_of_the_error_when_they_fail) {
  broken = true;
  for (const std::string_view request : {get, std::string_view("GET /a HTTP/1.0\r\n\r\n")}) {
    gate_connection connection(rules, buffers);
    EXPECT_EQ(connection.advance(request), "");
    EXPECT_TRUE(connection.next_piece());
    EXPECT_TRUE(connection.next_piece());
    take(connection);
    EXPECT_FALSE(connection.next_piece());
    EXPECT_EQ(take(connection), "");
    EXPECT_EQ(test::scripted_source::alive, 0);
  }
}

TEST_F(gate_pieces, that_throw_are_like_those_that_fail) {
  struct throwing final : body_source {
    expected<bool> next(std::string& out) override {
      out += "half a piece";
      throw std::runtime_error("a secret of the inside");
    }
  };
  rules.handler = [](const http_request&) {
    http_response answer;
    answer.source = std::make_shared<throwing>();
    return answer;
  };
  gate_connection connection(rules, buffers);
  EXPECT_EQ(connection.advance(get), "");
  take(connection);
  EXPECT_FALSE(connection.next_piece());
  EXPECT_EQ(take(connection), "");
}

TEST_F(gate_pieces, of_a_client_that_went_are_let_go_of) {
  gate_connection connection(rules, buffers);
  EXPECT_EQ(connection.advance(get), "");
  EXPECT_TRUE(connection.next_piece());
}

TEST_F(gate_pieces, are_not_sent_behind_a_head_that_became_a_500) {
  rules.handler = [](const http_request&) {
    http_response answer = test::in_pieces({"one"});
    answer.headers.emplace_back("X-Bad", "a\r\nInjected: 1");
    return answer;
  };
  gate_connection connection(rules, buffers);
  feed(connection, get);
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 500 ")) << answers;
  EXPECT_EQ(answers.find("chunked"), answers.npos);
  EXPECT_TRUE(answers.ends_with("}")) << "nothing behind the problem: " << answers;
}

TEST_F(gate_pieces, end_the_connection_when_draining_began_meanwhile) {
  gate_connection connection(rules, buffers);
  EXPECT_EQ(connection.advance(get), "");
  EXPECT_TRUE(connection.next_piece());
  rules.draining = true;
  EXPECT_TRUE(connection.next_piece());
  EXPECT_TRUE(take(connection).ends_with("\r\n0\r\n\r\n"));
  EXPECT_TRUE(connection.closing());
}

TEST_F(gate, bounds_what_it_keeps_of_a_chunk_header) {
  gate_connection connection(rules, buffers);
  feed(connection, "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=");
  for (int i = 0; i < 20 && !connection.closing(); ++i) feed(connection, std::string(1'000, 'x'));
  EXPECT_TRUE(connection.closing());
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 400 "));
}

TEST_F(gate, survives_random_bytes_and_damaged_requests) {
  std::mt19937 random(42);
  const auto cases = test::gate_cases();
  for (int round = 0; round < 20'000; ++round) {
    gate_connection connection(rules, buffers);
    std::string input = cases[random() % cases.size()].input.substr(0, 2'000);
    for (unsigned damage = random() % 4; damage > 0 && !input.empty(); --damage)
      input[random() % input.size()] = static_cast<char>(random());
    const std::size_t cut = random() % (input.size() + 1);
    feed(connection, std::string_view(input).substr(0, cut), round % 2 == 0);
    feed(connection, std::string_view(input).substr(cut), round % 2 == 0);
    answers.clear();
  }
}

/// Lets in who names a token.
void ask_for_a_token(gate_rules& rules) {
  rules.admit = [](http_request& request) {
    if (request.header("Authorization").empty()) request.entry.refusal = [] { return http_response{401, "text/plain", "no"}; };
  };
  rules.handler = [inner = rules.handler](const http_request& request) {
    return request.entry.refusal ? request.entry.refusal() : inner(request);
  };
}

TEST_F(gate, who_is_not_let_in_is_told_before_a_large_body_a_chunked_one_or_one_that_waits_to_be_asked_for) {
  ask_for_a_token(rules);
  for (const char* fields : {"Content-Length: 65537\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 99999999999\r\n",
                             "Expect: 100-continue\r\nContent-Length: 2\r\n"}) {
    SCOPED_TRACE(fields);
    answers.clear();
    gate_connection connection(rules, buffers);
    feed(connection, "POST /big HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n");
    EXPECT_TRUE(answers.starts_with("HTTP/1.1 401 ")) << answers;
    EXPECT_NE(answers.find("\r\nConnection: close\r\n"), std::string::npos) << answers;
    EXPECT_TRUE(connection.closing());
    EXPECT_EQ(rules.body_bytes_held, 0U);
  }
}

TEST_F(gate, behind_a_small_body_of_who_is_not_let_in_the_connection_goes_on) {
  ask_for_a_token(rules);
  gate_connection connection(rules, buffers);
  feed(connection, "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(answers, "");
  feed(connection, "hiPOST /p HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nContent-Length: 2\r\n\r\nyo");
  EXPECT_EQ(test::without_dates(answers),
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno" + test::ok("POST /p |yo"));
  EXPECT_FALSE(connection.closing());
}

}  // namespace
}  // namespace factory
