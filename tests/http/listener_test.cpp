// The gate over real sockets: the table of gate_cases, and what only sockets can show.
#include "http/gate/listener.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/edge/limits.hpp"
#include "http/gate/gate_answer.hpp"
#include "http/support/gate_cases.hpp"
#include "http/support/raw_client.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using test::raw_client;

/// An event that one thread waits for and another signals.
class one_shot {
 public:
  void say() {
    const std::lock_guard lock(mutex_);
    said_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return said_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool said_ = false;
};

struct listener : ::testing::Test {
  listener() { test::set_echo(rules); }
  std::uint16_t start(unsigned threads = 4, std::size_t connections = 0) {
    how.threads = threads;
    how.connections = connections;
    server = std::make_unique<http_listener>(how, rules);
    const auto started = server->start();
    EXPECT_TRUE(started) << started.error().message;
    return server->port();
  }
  static std::string get(std::string_view path) { return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n"; }

  gate_rules rules;
  http_listener::options how;
  std::unique_ptr<http_listener> server;
};

TEST_F(listener, answers_every_case_of_the_table) {
  const std::uint16_t port = start();
  for (const auto& c : test::gate_cases()) {
    SCOPED_TRACE(c.name);
    raw_client client(port);
    client.send(c.input);
    if (!c.closes) client.finish_sending();  // else the gate has to close by itself
    EXPECT_EQ(test::without_dates(client.read_to_end()), c.output);
  }
}

TEST_F(listener, answers_the_same_when_every_byte_is_a_segment_of_its_own) {
  const std::uint16_t port = start();
  for (const auto& c : test::gate_cases()) {
    if (c.name.starts_with("Expect") || c.input.size() > 400) continue;
    SCOPED_TRACE(c.name);
    raw_client client(port);
    for (const char byte : c.input) client.send({&byte, 1});
    if (!c.closes) client.finish_sending();
    EXPECT_EQ(test::without_dates(client.read_to_end()), c.output);
  }
}

TEST_F(listener, answers_many_connections_at_once) {
  const std::uint16_t port = start(8);
  std::atomic<int> right{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int c = 0; c < 20; ++c) {
        raw_client client(port);
        for (int i = 0; i < 20; ++i) {
          const std::string body = std::to_string(i * c);
          client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
          if (test::without_dates(client.read_answer()) == test::ok("POST /x |" + body)) ++right;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, 8 * 20 * 20);
}

TEST_F(listener, takes_a_large_body_and_gives_a_large_answer) {
  rules.body_bytes = [](http_method, std::string_view) { return 32UL << 20; };
  rules.handler = [](const http_request& request) { return http_response{200, "text/plain", std::string(request.body)}; };
  raw_client client(start());
  std::string body(20UL << 20, 'x');
  for (std::size_t i = 0; i < body.size(); i += 97) body[i] = static_cast<char>('a' + i % 23);
  for (int round = 0; round < 2; ++round) {
    std::jthread sender([&] {
      client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    });
    const std::string answer = client.read_answer();
    EXPECT_TRUE(answer.ends_with(body));
  }
}

TEST_F(listener, tells_a_sender_of_a_too_large_body_and_lets_it_read_the_answer) {
  raw_client client(start());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(500'000, 'x'));
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST_F(listener, goes_on_serving_others_while_a_client_does_not_read) {
  rules.handler = [](const http_request& request) {
    return http_response{200, "text/plain", request.path == "/large" ? std::string(30UL << 20, 'x') : "small"};
  };
  const std::uint16_t port = start(1);  // the same thread for all
  raw_client slow(port, 4096);
  slow.send(get("/large") + get("/large") + get("/small"));
  raw_client other(port);
  for (int i = 0; i < 100; ++i) {  // a thread that spun on the slow client would not get to these
    other.send(get("/small"));
    ASSERT_TRUE(other.read_answer().ends_with("small"));
  }

  for (int i = 0; i < 2; ++i) {
    const std::string answer = slow.read_answer();
    EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 30UL << 20);
  }
  EXPECT_TRUE(slow.read_answer().ends_with("small"));
}

/// Never ends.
class endless_source final : public body_source {
 public:
  endless_source(std::atomic<int>& asked, std::atomic<int>& early, one_shot& gone) : asked_(asked), early_(early), gone_(gone) {}
  endless_source(const endless_source&) = delete;
  endless_source& operator=(const endless_source&) = delete;
  ~endless_source() override { gone_.say(); }
  expected<bool> next(std::string& out) override {
    ++asked_;
    if (out.size() > chunk_head_bytes) ++early_;
    out.append(limits::piece_bytes, 'x');
    return true;
  }

 private:
  std::atomic<int>&asked_, &early_;
  one_shot& gone_;
};

struct pieces : listener {
  pieces() {
    rules.handler = [this](const http_request& request) {
      if (request.path == "/small") return http_response{200, "text/plain", "small"};
      if (request.path == "/broken") return test::in_pieces({"one"}, true);
      http_response answer{200, "text/plain"};
      answer.source = std::make_shared<endless_source>(asked, early, gone);
      return answer;
    };
  }
  ~pieces() override { server.reset(); }
  one_shot gone;
  std::atomic<int> asked{0}, early{0};  ///< pieces; those made while another still waited for the socket
};

TEST_F(pieces, are_not_made_while_the_client_does_not_read_and_go_with_it) {
  const std::uint16_t port = start(1);
  auto slow = std::make_unique<raw_client>(port, 4'096);
  slow->send(get("/endless") + get("/small"));
  slow->read(1);
  raw_client other(port);
  for (int i = 0; i < 1'000; ++i) {
    if (i % 4 == 0) slow->send(get("/small"));  // wakes its thread, and makes no room
    other.send(get("/small"));
    ASSERT_TRUE(other.read_answer().ends_with("small"));
  }
  EXPECT_LE(asked * limits::piece_bytes, 16UL << 20) << "more than the kernel keeps for a connection";
  EXPECT_EQ(early, 0);
  slow.reset();
  EXPECT_TRUE(gone.wait());
}

TEST_F(pieces, leave_others_of_the_thread_their_turn_while_a_fast_client_reads) {
  const std::uint16_t port = start(1);
  raw_client fast(port);
  fast.send(get("/endless"));
  std::atomic<bool> enough{false};
  std::jthread reader([&] {
    while (!enough) fast.read(limits::piece_bytes);
  });
  raw_client other(port);
  for (int i = 0; i < 100; ++i) {
    other.send(get("/small"));
    EXPECT_TRUE(other.read_answer().ends_with("small"));
  }
  enough = true;
}

TEST_F(pieces, that_fail_end_the_connection_without_a_last_chunk) {
  const std::uint16_t port = start(2);
  raw_client client(port);
  client.send(get("/broken") + get("/small"));
  const std::string answers = client.read_to_end();
  EXPECT_EQ(answers.find("\r\n0\r\n"), answers.npos) << answers;
  EXPECT_EQ(answers.find("small"), answers.npos) << answers;
}

TEST_F(pieces, that_fail_reset_the_connection_as_without_a_length_a_fin_would_make_them_whole) {
  const std::uint16_t port = start(2);
  for (const char* version : {"1.0", "1.1"}) {
    raw_client client(port);
    client.send("GET /broken HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n");
    client.read_to_end();
    EXPECT_TRUE(client.was_reset()) << version;
  }
}

TEST_F(pieces, that_never_end_are_cut_when_the_time_of_a_stop_is_over) {
  how.drain_ms = 1;
  raw_client client(start(2));
  client.send(get("/endless"));
  client.read(100'000);
  server->stop();
  const std::string rest = client.read_to_end();
  EXPECT_FALSE(rest.ends_with("0\r\n\r\n"));
  EXPECT_TRUE(client.was_reset());
  EXPECT_TRUE(gone.wait());
}

TEST_F(listener, closes_connections_beyond_the_limit_and_takes_new_ones_when_there_is_room) {
  const std::uint16_t port = start(2, 3);
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<raw_client>(port));
    clients.back()->send(get("/a"));
    EXPECT_TRUE(clients.back()->read_answer().starts_with("HTTP/1.1 200 "));
  }
  raw_client refused(port);
  refused.send(get("/a"));
  EXPECT_EQ(refused.read_to_end(), "");
  clients.pop_back();
  test::await([&] { return server->connections() < 3; }, "a close");  // the server has to see the close first
  raw_client again(port);
  again.send(get("/a"));
  EXPECT_TRUE(again.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(listener, bounds_the_connections_of_one_address_and_serves_others) {
  how.connections_per_address = 3;
  const std::uint16_t port = start();
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<raw_client>(port));
    clients.back()->send(get("/a"));
    EXPECT_TRUE(clients.back()->read_answer().starts_with("HTTP/1.1 200 "));
  }
  raw_client fourth(port), other(port, 0, "127.0.0.2");
  fourth.send(get("/a"));
  EXPECT_EQ(fourth.read_to_end(), "");
  other.send(get("/a"));
  EXPECT_TRUE(other.read_answer().starts_with("HTTP/1.1 200 "));
  clients.pop_back();
  test::await([&] { return server->connections() <= 3; }, "both closes");  // the server has to see both closes first
  raw_client again(port);
  again.send(get("/a"));
  EXPECT_TRUE(again.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(listener, the_connections_of_a_trusted_proxy_are_counted_in_all_only) {
  how.connections_per_address = 1;
  how.trusted_proxies = address_list::parse("127.0.0.2").value();
  const std::uint16_t port = start(4, 3);
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<raw_client>(port, 0, "127.0.0.2"));
    clients.back()->send(get("/a"));
    EXPECT_TRUE(clients.back()->read_answer().starts_with("HTTP/1.1 200 "));
  }
  EXPECT_EQ(server->refused_connections(), 0U);
  raw_client fourth(port, 0, "127.0.0.2");
  fourth.send(get("/a"));
  EXPECT_EQ(fourth.read_to_end(), "");
  EXPECT_EQ(server->refused_connections(), 1U);
}

/// Sockets for both sides of that many connections.
void allow_descriptors(rlim_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, count));
  setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(listener, half_open_connections_and_slow_readers_are_not_looked_at_again_while_others_are_served) {
  allow_descriptors(4'096);
  rules.handler = [](const http_request& request) {
    return http_response{200, "text/plain", request.path == "/large" ? std::string(8UL << 20, 'x') : "small"};
  };
  const std::uint16_t port = start(2);
  std::vector<std::unique_ptr<raw_client>> stuck;
  for (int i = 0; i < 1'000; ++i) {
    stuck.push_back(std::make_unique<raw_client>(port));
    ASSERT_TRUE(stuck.back()->send(i % 3 == 0   ? "GET /a HT"
                                   : i % 3 == 1 ? "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"
                                                : ""));
  }
  for (int i = 0; i < 8; ++i) {
    stuck.push_back(std::make_unique<raw_client>(port, 4'096));
    stuck.back()->send(get("/large"));
    stuck.back()->read(1);
  }
  test::await([&] { return server->connections() >= stuck.size(); }, "all to be connected");
  const std::uint64_t before = server->looks();
  raw_client other(port);
  constexpr std::uint64_t requests = 2'000;
  for (std::uint64_t i = 0; i < requests; ++i) {
    other.send(get("/small"));
    ASSERT_TRUE(other.read_answer().ends_with("small"));
  }
  // One look per request, and a few for each other connection: its last event, and bytes that a slow reader's kernel still takes.
  EXPECT_LE(server->looks() - before, requests + 4 * stuck.size());
  EXPECT_GE(server->connections(), stuck.size()) << "none was cut";
}

TEST_F(listener, stop_cuts_what_is_not_done_when_its_time_is_over) {
  how.drain_ms = 1;
  raw_client client(start());
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  test::await([&] { return server->connections() != 0; }, "a connection");
  server->stop();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(listener, stop_answers_what_is_in_flight_and_refuses_new_connections) {
  one_shot arrived, go_on;
  rules.handler = [&](const http_request&) {
    arrived.say();
    EXPECT_TRUE(go_on.wait());
    return http_response{200, "text/plain", "done"};
  };
  const std::uint16_t port = start(2);
  auto busy = std::make_unique<raw_client>(port);
  raw_client idle(port);
  busy->send(get("/slow"));
  ASSERT_TRUE(arrived.wait());
  std::jthread stopper([&] { server->stop(); });
  test::await([&] { return !raw_client(port).connected(); }, "the listener to close");
  go_on.say();
  const std::string answer = busy->read_to_end();
  busy.reset();
  EXPECT_TRUE(answer.ends_with("done"));
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(idle.read_to_end(), "");
}

TEST_F(listener, stop_lets_a_request_arrive_whole_that_has_begun) {
  const std::uint16_t port = start(2);
  auto client = std::make_unique<raw_client>(port);
  client->send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  test::await([&] { return server->connections() != 0; }, "a connection");
  raw_client(port).send(get("/a"));
  std::jthread stopper([&] { server->stop(); });
  test::await([&] { return !raw_client(port).connected(); }, "the listener to close");
  client->send("cd");
  EXPECT_TRUE(client->read_to_end().ends_with("POST /x |abcd"));
  client.reset();
}

TEST_F(listener, listens_again_at_once_on_the_port_it_had) {
  const std::uint16_t port = start();
  raw_client client(port);
  client.send(get("/a"));
  client.read_answer();
  server->stop();
  how.port = port;
  http_listener again(how, rules);
  rules.draining = false;
  ASSERT_TRUE(again.start());
  raw_client second(port);
  second.send(get("/a"));
  EXPECT_TRUE(second.read_answer().starts_with("HTTP/1.1 200 "));
}

TEST_F(listener, stop_answers_once_a_request_whose_answer_is_under_way) {
  one_shot arrived, go_on;
  rules.handler = [&](const http_request& request) {
    http_response answer{200, "text/plain", "done"};
    if (request.path == "/later") answer.finish = [](http_response&) {};
    if (request.path != "/slow") return answer;
    arrived.say();
    EXPECT_TRUE(go_on.wait());
    return answer;
  };
  const std::uint16_t port = start(1);
  raw_client slow(port), other(port);
  other.send(get("/later"));
  other.read_answer();
  slow.send(get("/slow"));
  ASSERT_TRUE(arrived.wait());
  other.send(get("/later"));  // the thread finds it together with the word to stop
  std::jthread stopper([&] { server->stop(); });
  test::await([&] { return !raw_client(port).connected(); }, "the listener to close");
  go_on.say();
  const std::string answers = other.read_to_end();
  EXPECT_TRUE(answers.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(answers.find("HTTP/1.1", 1), std::string::npos) << answers;
  EXPECT_TRUE(answers.ends_with("done"));
}

TEST_F(listener, says_which_port_is_in_use) {
  const std::uint16_t port = start();
  how.port = port;
  http_listener second(how, rules);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "cannot listen on 127.0.0.1:" + std::to_string(port) + ": Address already in use");
}

TEST_F(listener, leaves_no_connection_behind) {
  const std::uint16_t port = start();
  for (int i = 0; i < 200; ++i) {
    raw_client client(port);
    if (i % 3 == 0) continue;
    client.send(i % 3 == 1 ? get("/a") : "garbage\r\n\r\n");
    if (i % 2 == 0) client.read_until("\r\n\r\n");
  }
  server->stop();
  EXPECT_EQ(server->connections(), 0U);
}

}  // namespace
}  // namespace factory
