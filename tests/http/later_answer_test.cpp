// Answers under way: their thread serves other connections, and finishes the answers when it is woken.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/gate/listener.hpp"
#include "http/support/raw_client.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using test::raw_client;

/// One thread serves all. The answer of /later/N says N once `decided` is set and its thread was woken.
struct later_answer : ::testing::Test {
  later_answer() {
    rules.body_bytes = [](http_method, std::string_view) { return std::size_t{0}; };
    rules.handler = [this](const http_request& request) {
      http_response answer{200, "text/plain", request.path};
      if (!request.path.starts_with("/later/")) return answer;
      const std::lock_guard lock(mutex);
      wakers.push_back(request.wake);
      answer.ready = [this] { return decided.load(); };
      answer.finish = [this](http_response&) { EXPECT_TRUE(decided) << "the thread would have waited"; };
      return answer;
    };
    how.threads = 1;
    server = std::make_unique<http_listener>(how, rules);
    EXPECT_TRUE(server->start());
  }
  ~later_answer() override { decide(); }
  void decide() {
    decided = true;
    wake();
  }
  void wake() {
    const std::lock_guard lock(mutex);
    for (const auto& each : wakers) (*each)();
  }
  std::size_t under_way() {
    const std::lock_guard lock(mutex);
    return wakers.size();
  }
  void ask(raw_client& client, const std::string& path) { client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"); }
  std::string answer_to(raw_client& client, const std::string& path) {
    ask(client, path);
    return client.read_answer();
  }
  /// Waits for an answer of the same thread: then everything sent before has been read.
  void expect_served(raw_client& other) { EXPECT_TRUE(answer_to(other, "/now").ends_with("/now")); }

  std::mutex mutex;
  std::vector<std::shared_ptr<const std::function<void()>>> wakers;
  std::atomic<bool> decided{false};
  gate_rules rules;
  http_listener::options how;
  std::unique_ptr<http_listener> server;
};

TEST_F(later_answer, keeps_no_other_connection_of_its_thread_waiting) {
  raw_client waiting(server->port()), other(server->port());
  ask(waiting, "/later/1");
  while (under_way() == 0) expect_served(other);
  for (int i = 0; i < 10; ++i) expect_served(other);
  decide();
  EXPECT_TRUE(waiting.read_answer().ends_with("/later/1"));
}

TEST_F(later_answer, comes_only_when_it_is_ready_though_its_thread_is_woken_before) {
  raw_client waiting(server->port()), other(server->port());
  ask(waiting, "/later/1");
  while (under_way() == 0) expect_served(other);
  wake();  // finish would fail the test
  expect_served(other);
  decide();
  EXPECT_TRUE(waiting.read_answer().ends_with("/later/1"));
}

TEST_F(later_answer, of_many_connections_come_with_one_waking) {
  std::vector<std::unique_ptr<raw_client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<raw_client>(server->port()));
    ask(*clients.back(), "/later/" + std::to_string(i));
  }
  raw_client other(server->port());
  while (under_way() < clients.size()) expect_served(other);
  decided = true;
  (*wakers.front())();
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_TRUE(clients[i]->read_answer().ends_with("/later/" + std::to_string(i)));
}

TEST_F(later_answer, is_followed_by_that_of_the_request_which_came_meanwhile) {
  raw_client client(server->port()), other(server->port());
  ask(client, "/later/1");
  while (under_way() == 0) expect_served(other);
  ask(client, "/now");
  expect_served(other);
  decide();
  EXPECT_TRUE(client.read_answer().ends_with("/later/1"));
  EXPECT_TRUE(client.read_answer().ends_with("/now"));
}

TEST_F(later_answer, of_a_client_that_went_reaches_nobody_else) {
  raw_client other(server->port());
  for (int i = 0; i < 20; ++i) {
    auto gone = std::make_unique<raw_client>(server->port());
    ask(*gone, "/later/" + std::to_string(i));
    while (under_way() == static_cast<std::size_t>(i)) expect_served(other);
    gone.reset();
    expect_served(other);
  }
  std::vector<std::unique_ptr<raw_client>> newcomers;  // some with the numbers of those that went
  for (int i = 0; i < 20; ++i) {
    newcomers.push_back(std::make_unique<raw_client>(server->port()));
    expect_served(*newcomers.back());
  }
  decide();
  for (const auto& each : newcomers) expect_served(*each);
}

TEST_F(later_answer, is_sent_before_a_stop_ends_its_connection) {
  raw_client waiting(server->port()), other(server->port());
  ask(waiting, "/later/1");
  while (under_way() == 0) expect_served(other);
  std::jthread stopper([&] { server->stop(); });
  test::await([&] { return !raw_client(server->port()).connected(); }, "the listener to close");
  decide();
  EXPECT_TRUE(waiting.read_to_end().ends_with("/later/1"));
}

}  // namespace
}  // namespace factory
