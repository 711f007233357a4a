// The process itself: signals, exit codes, what it says when it cannot start. The anomaly side alone is enough for most of it.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <string_view>

#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

/// A connection that sends half a request and leaves it at that.
class half_request {
 public:
  explicit half_request(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
    // Whole one and half one come in together: the answer to the first says that the other has arrived, too.
    constexpr std::string_view both = "GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /hea";
    EXPECT_EQ(::send(fd_, both.data(), both.size(), MSG_NOSIGNAL), static_cast<ssize_t>(both.size()));
    EXPECT_NE(receive().find("200 OK"), std::string::npos);
  }
  ~half_request() { ::close(fd_); }
  std::string finish() {
    constexpr std::string_view rest = "lth HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL), static_cast<ssize_t>(rest.size()));
    return receive();
  }

 private:
  std::string receive() {
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  int fd_;
};

bool refuses(std::uint16_t port) {
  try {
    http_client(port).get("/health");
    return false;
  } catch (const connection_lost&) {
    return true;
  }
}

struct daemon_process : testing::Test {
  temp_directory directory{"factoryd-test"};
  daemon analyzer{directory.path() / "unused", {"--only", "anomaly"}};
};

TEST_F(daemon_process, answers_what_has_begun_before_it_ends_on_sigterm) {
  analyzer.start();
  half_request begun(analyzer.anomaly_port());
  analyzer.process().signal(SIGTERM);
  while (!refuses(analyzer.anomaly_port())) {
  }
  const std::string answer = begun.finish();
  EXPECT_NE(answer.find("200 OK"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  const auto ended = analyzer.process().wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->code, 0);
}

TEST_F(daemon_process, ends_in_order_on_sigint_and_lives_through_sighup) {
  analyzer.start();
  analyzer.process().signal(SIGHUP);
  EXPECT_EQ(http_client(analyzer.anomaly_port()).get("/health").status, 200U);
  analyzer.process().signal(SIGINT);
  const auto ended = analyzer.process().wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->code, 0);
  EXPECT_EQ(ended->signal, 0);
}

TEST_F(daemon_process, ends_at_once_on_the_second_signal) {
  analyzer.start();
  const half_request begun(analyzer.anomaly_port());  // keeps it from ending by itself
  analyzer.process().signal(SIGTERM);
  while (!refuses(analyzer.anomaly_port())) {
  }
  analyzer.process().signal(SIGTERM);
  const auto ended = analyzer.process().wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->code, 1);
}

TEST_F(daemon_process, listens_again_at_once_on_the_same_port) {
  analyzer.start();
  const auto port = analyzer.anomaly_port();
  http_client client(port);
  EXPECT_EQ(client.get("/health").status, 200U);
  EXPECT_EQ(analyzer.stop(), 0);
  const auto command = {program("factoryd"), std::string("--only"), std::string("anomaly"), std::string("--anomaly-port"),
                        std::to_string(port)};
  const auto again = child_process::start(command);
  ASSERT_TRUE(again) << again.error().message;
  const auto ready = (*again)->wait_for_line("ready", std::chrono::seconds(120));
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_EQ(*ready, "ready anomaly=http://127.0.0.1:" + std::to_string(port));
  (*again)->signal(SIGTERM);
  EXPECT_EQ((*again)->wait(std::chrono::seconds(120))->code, 0);
}

TEST_F(daemon_process, says_which_port_is_in_use_and_which_option_to_change) {
  analyzer.start();
  const auto second = run({program("factoryd"), "--only", "anomaly", "--anomaly-port", std::to_string(analyzer.anomaly_port())});
  EXPECT_EQ(second.status.code, 1);
  const std::string address = "127.0.0.1:" + std::to_string(analyzer.anomaly_port());
  EXPECT_NE(second.output.find("cannot listen on " + address + ": Address already in use"), std::string::npos) << second.output;
  EXPECT_NE(second.output.find("--anomaly-port"), std::string::npos) << second.output;
}

TEST_F(daemon_process, refuses_a_wrong_configuration_with_its_reason) {
  const auto config = directory.path() / "factoryd.toml";
  std::ofstream(config) << "api-prot = 8080\n";
  const auto refused = run({program("factoryd"), "--config", config.string()});
  EXPECT_EQ(refused.status.code, 2);
  EXPECT_NE(refused.output.find("there is no option 'api-prot'"), std::string::npos) << refused.output;
  EXPECT_EQ(run({program("factoryd"), "--bind", "no address", "--only", "anomaly"}).status.code, 1);
}

}  // namespace
}  // namespace factory::test
