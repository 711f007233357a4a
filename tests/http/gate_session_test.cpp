// The deadlines of a connection: which one applies, and from when it counts.
#include <gtest/gtest.h>

#include <chrono>

#include "http/edge/limits.hpp"
#include "http/gate/gate_transport.hpp"
#include "http/support/gate_cases.hpp"

namespace factory {
namespace {

struct gate_session_times : ::testing::Test {
  gate_session_times() { test::set_echo(rules); }
  std::int64_t allowed_ms() {
    session.set_deadline();
    return std::chrono::duration_cast<std::chrono::milliseconds>(session.deadline - session.began).count();
  }
  void feed(std::string_view input) {
    while (!input.empty()) input = session.http.advance(input);
    session.http.output().clear();
  }
  gate_rules rules;
  buffer_pool buffers;
  gate_shared shared{rules, 10, 10, {}};
  gate_session session{shared, buffers, "127.0.0.1", nullptr};
};

TEST_F(gate_session_times, the_first_byte_has_less_time_than_a_further_request) {
  EXPECT_EQ(allowed_ms(), limits::first_byte_ms);
  feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(allowed_ms(), limits::idle_connection_ms);
}

TEST_F(gate_session_times, a_head_has_its_time_from_its_first_byte_on_however_slowly_it_comes) {
  feed("G");
  EXPECT_EQ(allowed_ms(), limits::request_head_ms);
  const auto end = session.deadline;
  feed("ET /a HTTP/1.1\r\n");
  EXPECT_EQ(allowed_ms(), limits::request_head_ms);
  EXPECT_EQ(session.deadline, end);
}

TEST_F(gate_session_times, a_body_gains_time_with_what_has_come) {
  feed("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(allowed_ms(), limits::transfer_grace_ms);
  feed(std::string(32'768, 'x'));
  EXPECT_EQ(allowed_ms(), limits::transfer_grace_ms + 2'000);
}

TEST_F(gate_session_times, each_piece_of_an_answer_has_the_time_of_an_answer) {
  EXPECT_EQ(session.http.advance("GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  EXPECT_EQ(allowed_ms(), limits::transfer_grace_ms);
  session.began -= std::chrono::seconds(20);
  const auto before = session.began;
  EXPECT_EQ(allowed_ms(), limits::transfer_grace_ms);
  EXPECT_EQ(session.began, before) << "a client that stalls gains no time";
  session.http.output().clear();
  EXPECT_TRUE(session.http.next_piece());
  EXPECT_EQ(allowed_ms(), limits::transfer_grace_ms);
  EXPECT_GT(session.began, before);
}

TEST_F(gate_session_times, a_refused_connection_lingers_only_shortly) {
  feed("garbage\r\n\r\n");
  EXPECT_EQ(allowed_ms(), limits::linger_ms);
}

}  // namespace
}  // namespace factory
