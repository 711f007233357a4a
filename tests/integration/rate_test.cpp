// Rate limits and trusted proxies, on both ports of the real daemon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/support/raw_client.hpp"
#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using factory::test::raw_client;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string slow_rate = "1", two = "2";

std::string get(const std::string& path, const std::string& fields = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string ask(raw_client& client, const std::string& request) {
  client.send(request);
  return client.read_answer();
}

TEST(rate, beyond_the_rate_of_an_address_both_ports_say_429_and_when_to_come_again) {
  fresh_daemon daemon({"--http-rate-per-address", slow_rate, "--http-burst-per-address", two});
  for (const std::uint16_t port : {daemon->api_port(), daemon->anomaly_port()}) {
    raw_client client(port), same(port), other(port, 0, "127.0.0.2");
    const std::string first = ask(client, get("/health"));
    EXPECT_THAT(first, StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(first, HasSubstr("\r\nRateLimit-Limit: 2\r\n"));
    EXPECT_THAT(first, HasSubstr("\r\nRateLimit-Remaining: 1\r\n"));
    EXPECT_THAT(first, HasSubstr("\r\nRateLimit-Reset: 1\r\n"));
    // Requests that come together, so that no second goes by between them: of so many some are too many.
    std::string many;
    for (int i = 0; i < 50; ++i) many += get("/nothing");
    same.send(many + get("/health", "Connection: close\r\n"));
    const std::string answers = same.read_to_end();
    EXPECT_THAT(answers, HasSubstr("HTTP/1.1 429 Too Many Requests\r\n"));
    EXPECT_THAT(answers, HasSubstr("urn:factory-monitor:problem:rate-limited"));
    EXPECT_THAT(answers, HasSubstr("\r\nRetry-After: 1\r\n"));
    EXPECT_THAT(answers, HasSubstr("\r\nRateLimit-Remaining: 0\r\n"));
    EXPECT_THAT(answers, HasSubstr("\"request_id\":"));
    EXPECT_THAT(ask(other, get("/health")), StartsWith("HTTP/1.1 200 ")) << "another address has its own";
    EXPECT_THAT(ask(other, get("/metrics")), HasSubstr("\nfactory_http_rate_limited_total{by=\"address\"} "));
  }
  EXPECT_EQ(daemon.process.stop(), 0);
}

TEST(rate, without_a_limit_no_answer_speaks_of_one) {
  fresh_daemon daemon;
  raw_client client(daemon->api_port());
  EXPECT_THAT(ask(client, get("/health")), Not(HasSubstr("RateLimit")));
}

TEST(rate, a_token_has_its_own_and_a_stranger_cannot_use_it_up) {
  const temp_directory directory{"factoryd-rate"};
  const std::string data = (directory.path() / "data").string();
  auto made = run({program("factoryd"), "token", "create", "--data-dir", data, "--name", "admin", "--scope", "admin"});
  while (made.output.ends_with('\n')) made.output.pop_back();
  daemon process(data, {"--http-rate-per-token", slow_rate, "--http-burst-per-token", two});
  process.start();
  raw_client stranger(process.api_port()), owner(process.api_port());
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(ask(stranger, get("/api/sensors", "Authorization: Bearer fm-1-00\r\n")), StartsWith("HTTP/1.1 401 "));
  const std::string mine = get("/api/sensors", "Authorization: Bearer " + made.output + "\r\n");
  EXPECT_THAT(ask(owner, mine), HasSubstr("\r\nRateLimit-Remaining: 1\r\n"));
  std::string many;
  for (int i = 0; i < 50; ++i) many += mine;
  owner.send(many + get("/health", "Connection: close\r\n"));
  EXPECT_THAT(owner.read_to_end(), HasSubstr("HTTP/1.1 429 "));
  EXPECT_EQ(process.stop(), 0);
}

TEST(rate, a_large_body_beyond_the_rate_is_not_received) {
  fresh_daemon daemon({"--http-rate-per-address", slow_rate, "--http-burst-per-address", "1"});
  for (const auto& [port, path] : {std::pair{daemon->api_port(), "/api/readings/bulk"}, {daemon->anomaly_port(), "/analyze"}}) {
    raw_client client(port);
    const std::string post = "POST " + std::string(path) + " HTTP/1.1\r\nHost: a\r\nContent-Length: ";
    client.send(post + "2\r\n\r\n[]" + post + "2\r\n\r\n[]" + post + "2\r\n\r\n[]" + post + "67108864\r\n\r\n");
    const std::string answers = client.read_to_end();  // nothing of the last body was sent
    EXPECT_THAT(answers, HasSubstr("HTTP/1.1 429 "));
    EXPECT_THAT(answers, HasSubstr("\r\nConnection: close\r\n"));
  }
}

class trusted_proxy : public ::testing::Test {
 protected:
  /// The client that the audit log names for a change that came over `from` with these fields.
  std::string recorded(const char* from, const std::string& fields) {
    raw_client client(it->api_port(), 0, from);
    client.send("POST /api/factories HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + fields +
                "Content-Length: 2\r\n\r\n{}");
    EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 400 "));
    const auto log = http_client(it->api_port()).get("/api/audit?limit=1").json();
    return log["records"][0]["client"].GetString();
  }
  fresh_daemon it{{"--trusted-proxy", "127.0.0.2, 10.0.0.0/8", "--access-log", "--log-level", "warn"}};
};

TEST_F(trusted_proxy, names_the_client_in_audit_log_and_access_log_and_nobody_else_does) {
  EXPECT_EQ(recorded("127.0.0.2", "X-Forwarded-For: 198.51.100.1, 203.0.113.5\r\n"), "203.0.113.5");
  EXPECT_EQ(recorded("127.0.0.2", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.6\r\n"), "203.0.113.6");
  EXPECT_EQ(recorded("127.0.0.2", "Forwarded: for=203.0.113.7\r\n"), "203.0.113.7");
  EXPECT_EQ(recorded("127.0.0.2", "X-Forwarded-For: 198.51.100.1, <b>\r\n"), "127.0.0.2");
  EXPECT_EQ(recorded("127.0.0.3", "X-Forwarded-For: 203.0.113.8\r\nForwarded: for=203.0.113.8\r\n"), "127.0.0.3");
  it->stop();
  const std::string log = it->process().output();
  EXPECT_THAT(log, HasSubstr(" client=203.0.113.5 method=POST path=/api/factories status=400 "));
  EXPECT_THAT(log, HasSubstr(" client=127.0.0.3 method=POST path=/api/factories status=400 "));
  EXPECT_THAT(log, Not(HasSubstr("203.0.113.8")));
}

TEST(trusted_proxy_rate, counts_the_clients_behind_it_one_by_one_and_a_liar_as_himself) {
  fresh_daemon it({"--trusted-proxy", "127.0.0.2", "--http-rate-per-address", slow_rate, "--http-burst-per-address", two});
  const auto refused = [&](const char* from, bool same_client) {
    raw_client client(it->api_port(), 0, from);
    std::string many;
    for (int i = 0; i < 30; ++i)
      many += get("/health", "X-Forwarded-For: 203.0.113." + std::to_string(same_client ? 1 : i + 100) + "\r\n");
    client.send(many + get("/health", "Connection: close\r\n"));
    return client.read_to_end().find("HTTP/1.1 429 ") != std::string::npos;
  };
  EXPECT_FALSE(refused("127.0.0.2", false));
  EXPECT_TRUE(refused("127.0.0.2", true));
  EXPECT_TRUE(refused("127.0.0.3", false));
}

}  // namespace
}  // namespace factory::test
