// Answers of both ports of the real daemon to raw bytes: the gate, its router, and draining.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "http/support/raw_client.hpp"
#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/await.hpp"

namespace factory::test {
namespace {

using factory::test::raw_client;
using ::testing::HasSubstr;
using ::testing::Not;

/// GET /health is a call of both ports; BODY stands for the one that takes a large body: /api/readings/bulk, /analyze.
struct edge_case {
  const char* name;
  std::string input;
  std::vector<unsigned> statuses;  ///< of the answers, in order
  bool closes = false;             ///< the daemon ends the connection by itself
  const char* holds = "";          ///< somewhere in the answers
};

std::string get_text(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body = {}) {
  return "POST BODY HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }

const std::string next = get_text("/health");
constexpr bool closed = true;

std::vector<edge_case> edge_cases() {
  std::string many_fields;
  for (int i = 0; i < 101; ++i) many_fields += "X-" + std::to_string(i) + ": 1\r\n";
  return {
      {"keep-alive without a Connection field", get_text("/health") + next, {200, 200}},
      {"pipelined requests in order", get_text("/health") + get_text("/nothing") + next, {200, 404, 200}},
      {"Connection: close", get_text("/health", "Connection: close\r\n") + next, {200}, closed},
      {"HTTP/1.0", "GET /health HTTP/1.0\r\n\r\n", {200}, closed},
      {"HEAD", "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n", {200}},
      {"OPTIONS", "OPTIONS /health HTTP/1.1\r\nHost: a\r\n\r\n" + next, {204, 200}, false, "\r\nAllow: GET, HEAD, OPTIONS\r\n"},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + next, {204, 200}, false, "\r\nAllow: "},
      {"a method that the route does not take",
       "DELETE /health HTTP/1.1\r\nHost: a\r\n\r\n" + next,
       {405, 200},
       false,
       "\r\nAllow: GET, HEAD, OPTIONS\r\n"},
      {"a method that nobody knows", "BREW /health HTTP/1.1\r\nHost: a\r\n\r\n" + next, {405, 200}},
      {"a body where none is taken", "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}" + next, {404, 200}},
      {"a type that is not taken",
       "POST BODY HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}" + next,
       {415, 200}},
      {"a path is decoded once", get_text("/%68ealth") + get_text("/%2568ealth"), {200, 404}},
      {"a path that climbs is no path of ours", get_text("/../health") + get_text("/%2e%2e/etc/passwd"), {404, 404}},
      {"bad escape", get_text("/%zz") + next, {400}, closed},
      {"escaped NUL", get_text("/health%00") + next, {400}, closed},
      {"a body in chunks", chunked("2;x=y\r\n[]\r\n0\r\nX-Sum: 1\r\n\r\n") + next, {0, 200}},
      {"Expect: 100-continue", post("Expect: 100-continue\r\nContent-Length: 2\r\n"), {100}},
      {"Expect with too large a body", post("Expect: 100-continue\r\nContent-Length: 99999999999\r\n"), {413}, closed},
      {"another expectation", get_text("/health", "Expect: gold\r\n") + next, {417}, closed},
      {"too large a body", post("Content-Length: 99999999999\r\n") + next, {413}, closed},
      {"one chunk that is too large", chunked("fffffffff\r\n") + next, {413}, closed},
      {"negative length", post("Content-Length: -5\r\n") + next, {400}, closed},
      {"signed length", post("Content-Length: +2\r\n", "[]") + next, {400}, closed},
      {"length with garbage behind", post("Content-Length: 2x\r\n", "[]") + next, {400}, closed},
      {"length beyond 64 bits", post("Content-Length: 99999999999999999999999\r\n") + next, {400}, closed},
      {"two lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "[]") + next, {400}, closed},
      {"a list of lengths", post("Content-Length: 2, 2\r\n", "[]") + next, {400}, closed},
      {"length and coding", post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + next, {400}, closed},
      {"coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n") + next, {400}, closed},
      {"a coding that begins like chunked", post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n") + next, {501}, closed},
      {"a coding before chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n") + next, {501}, closed},
      {"chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + next, {400}, closed},
      {"a coding in HTTP/1.0", "POST BODY HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, {400}, closed},
      {"chunk size that is no number", chunked("zz\r\n") + next, {400}, closed},
      {"chunk longer than its size", chunked("1\r\n[]\r\n0\r\n\r\n") + next, {400}, closed},
      {"bare CR", get_text("/health", "X: a\rb\r\n") + next, {400}, closed},
      {"bare LF", "GET /health HTTP/1.1\nHost: a\n\n" + next, {400}, closed},
      {"folded line", get_text("/health", "X: a\r\n b\r\n") + next, {400}, closed},
      {"NUL in a field", get_text("/health", std::string("X: a\0b\r\n", 8)) + next, {400}, closed},
      {"blank before the colon", get_text("/health", "X : a\r\n") + next, {400}, closed},
      {"no Host", "GET /health HTTP/1.1\r\n\r\n" + next, {400}, closed},
      {"two Hosts", get_text("/health", "Host: b\r\n") + next, {400}, closed},
      {"garbage", "garbage\r\n\r\n" + next, {400}, closed},
      {"a TLS greeting", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), {400}, closed},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}, closed},
      {"too large a head", get_text("/health", "X: " + std::string(17'000, 'x') + "\r\n") + next, {431}, closed},
      {"too long a target", get_text("/" + std::string(17'000, 'x')) + next, {431}, closed},
      {"too many fields", get_text("/health", many_fields) + next, {431}, closed},
  };
}

/// Of every answer in `bytes`; a HEAD's body is not there, so only status lines are looked for.
std::vector<unsigned> statuses_of(const std::string& bytes) {
  std::vector<unsigned> found;
  for (std::size_t at = 0; (at = bytes.find("HTTP/1.1 ", at)) != std::string::npos; at += 9) {
    const unsigned status = static_cast<unsigned>(std::strtoul(bytes.c_str() + at + 9, nullptr, 10));
    if (status > 0) found.push_back(status);  // 0: a sentence that speaks of HTTP/1.1
  }
  return found;
}

struct edge : ::testing::Test {
  static std::string for_port(std::string input, const std::string& path) {
    if (const auto at = input.find("BODY"); at != std::string::npos) input.replace(at, 4, path);
    return input;
  }
  fresh_daemon daemon;
};

TEST_F(edge, both_ports_answer_every_case_of_the_table) {
  for (const auto& [port, path, empty_body] :
       {std::tuple{daemon->api_port(), "/api/readings/bulk", 201U}, std::tuple{daemon->anomaly_port(), "/analyze", 400U}}) {
    for (const edge_case& c : edge_cases()) {
      SCOPED_TRACE(std::string(path) + ": " + c.name);
      raw_client client(port);
      client.send(for_port(c.input, path));
      if (!c.closes) client.finish_sending();  // else the daemon has to close by itself
      const std::string answers = client.read_to_end();
      std::vector<unsigned> expected = c.statuses;
      for (unsigned& status : expected) status = status == 0 ? empty_body : status;  // "[]" is a body of one port only
      EXPECT_EQ(statuses_of(answers), expected) << answers;
      EXPECT_THAT(answers, HasSubstr(c.holds));
      if (c.closes && expected.back() >= 400) {
        EXPECT_THAT(answers, HasSubstr("\r\nConnection: close\r\n"));
        EXPECT_THAT(answers, HasSubstr("application/problem+json"));
      }
      for (const char* internal : {"std::", "what()", "exception", ".cpp", "boost", "Pistache"})
        EXPECT_THAT(answers, Not(HasSubstr(internal)));
    }
  }
  EXPECT_EQ(daemon.process.stop(), 0);
}

TEST_F(edge, a_request_in_flight_is_answered_on_sigterm_and_new_connections_are_refused) {
  for (const std::uint16_t port : {daemon->api_port(), daemon->anomaly_port()}) {
    raw_client seen(port);  // its thread has a connection once this is answered
    seen.send(next);
    EXPECT_THAT(seen.read_answer(), HasSubstr(" 200 "));
  }
  raw_client client(daemon->api_port());
  client.send("POST /api/readings/bulk HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr(" 100 "));  // now it is certainly in flight
  daemon->process().signal(SIGTERM);
  for (const std::uint16_t port : {daemon->api_port(), daemon->anomaly_port()})
    await([&] { return !raw_client(port).connected(); }, "the listener to close");
  client.send("[]");
  EXPECT_THAT(client.read_to_end(), HasSubstr(" 201 "));
  const auto ended = daemon->process().wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 0);
}

TEST(edge_drain, what_never_ends_is_cut_and_the_process_ends_with_0) {
  fresh_daemon daemon({"--drain-time", "10ms"});
  raw_client client(daemon->api_port());
  client.send("POST /api/readings/bulk HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_EQ(daemon.process.stop(), 0);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(edge_restart, listens_at_once_on_the_ports_it_had) {
  fresh_daemon first;
  raw_client client(first->api_port());
  client.send(get_text("/health"));
  client.read_answer();
  const std::string api = std::to_string(first->api_port()), anomaly = std::to_string(first->anomaly_port());
  ASSERT_EQ(first.process.stop(), 0);  // the daemon closed first: its side of the connection is in TIME_WAIT
  daemon again(first->data_dir(), {"--api-port", api, "--anomaly-port", anomaly});
  again.start();
  EXPECT_EQ(http_client(again.api_port()).get("/health").status, 200);
  EXPECT_EQ(again.stop(), 0);
}

}  // namespace
}  // namespace factory::test
