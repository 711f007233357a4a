// What an operator relies on: systemd's protocol, request ids, logs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using testing::HasSubstr;

/// The socket of systemd: datagrams of "NAME=value" lines.
class notify_socket {
 public:
  explicit notify_socket(const std::filesystem::path& path) : path_(path.string()), fd_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("cannot bind " + path_);
  }
  ~notify_socket() { ::close(fd_); }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;

  std::string variable() const { return "NOTIFY_SOCKET=" + path_; }
  /// The next message; "" when none has come.
  std::string next(int flags = 0) {
    std::array<char, 256> text{};
    const auto got = ::recv(fd_, text.data(), text.size(), flags);
    return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
  }

 private:
  std::string path_;
  int fd_;
};

TEST(operations, systemd_is_told_when_the_daemon_is_ready_and_when_it_stops) {
  const temp_directory directory("factoryd-notify");
  notify_socket systemd(directory.path() / "notify");
  daemon it(directory.path() / "data", {}, {systemd.variable()});
  it.start();
  EXPECT_EQ(systemd.next(), "READY=1");
  EXPECT_EQ(http_client(it.api_port()).get("/ready").status, 200U);
  EXPECT_EQ(systemd.next(MSG_DONTWAIT), "");
  EXPECT_EQ(it.stop(), 0);
  EXPECT_EQ(systemd.next(MSG_DONTWAIT), "STOPPING=1");
  EXPECT_EQ(systemd.next(MSG_DONTWAIT), "");
}

TEST(operations, a_daemon_that_cannot_start_is_never_ready) {
  const temp_directory directory("factoryd-notify");
  notify_socket systemd(directory.path() / "notify");
  const auto child = child_process::start(
      {program("factoryd"), "--data-dir", "/dev/null", "--api-port", "0", "--anomaly-port", "0"}, {systemd.variable()});
  ASSERT_TRUE(child) << child.error().message;
  const auto ended = (*child)->wait(std::chrono::seconds(120));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->code, 1);
  EXPECT_EQ(systemd.next(MSG_DONTWAIT), "");
}

TEST(operations, every_request_has_an_id_in_answer_problem_and_log) {
  fresh_daemon it({"--log-format", "json", "--log-level", "warn", "--access-log"});
  const auto refused = http_client(it->api_port()).send("GET", "/api/sensors/7", {}, {{"X-Request-Id", "from-the-client"}});
  EXPECT_EQ(refused.headers.at("x-request-id"), "from-the-client");
  EXPECT_STREQ(refused.json()["request_id"].GetString(), "from-the-client");
  const auto analyzer = http_client(it->anomaly_port()).get("/health");
  const std::string made = analyzer.headers.at("x-request-id");
  EXPECT_EQ(made.size(), 13U);
  it->stop();
  const std::string log = it->process().output();
  EXPECT_THAT(log,
              HasSubstr(R"("message":"answered","client":"127.0.0.1","method":"GET","path":"/api/sensors/7","status":404,)"));
  EXPECT_THAT(log, HasSubstr(R"("request_id":"from-the-client"})"));
  EXPECT_THAT(log, HasSubstr("\"request_id\":\"" + made + "\"}"));
}

TEST(operations, requests_are_not_logged_unless_asked_for) {
  fresh_daemon it;
  EXPECT_EQ(http_client(it->api_port()).get("/api/factories").status, 200U);
  it->stop();
  EXPECT_THAT(it->process().output(), Not(HasSubstr("/api/factories")));
}

TEST(operations, a_mistyped_variable_is_warned_of) {
  const temp_directory directory("factoryd-variable");
  daemon it(directory.path() / "data", {}, {"FACTORY_API_PROT=9"});
  it.start();
  it.stop();
  EXPECT_THAT(it.process().output(), HasSubstr("the variable FACTORY_API_PROT is no option"));
}

}  // namespace
}  // namespace factory::test
