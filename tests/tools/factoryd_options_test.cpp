#include "factoryd/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "process/child_process.hpp"

namespace factory {
namespace {

/// A variable of the environment while it lives.
struct variable {
  variable(const char* called, const char* value) : name(called) { ::setenv(name, value, 1); }
  ~variable() { ::unsetenv(name); }
  const char* name;
};

struct factoryd_options : testing::Test {
  std::string file(const std::string& text) {
    const auto path = directory.path() / "factoryd.toml";
    std::ofstream(path) << text;
    return path;
  }
  static daemon_options options(std::vector<std::string> arguments) {
    auto read = read_options(std::move(arguments));
    if (const auto* end = std::get_if<early_end>(&read)) throw std::runtime_error(end->text);
    return std::get<daemon_options>(std::move(read));
  }
  static early_end refused(std::vector<std::string> arguments) {
    auto read = read_options(std::move(arguments));
    return std::holds_alternative<early_end>(read) ? std::get<early_end>(read) : early_end{-1, "was taken"};
  }
  temp_directory directory{"factoryd-options"};
};

TEST_F(factoryd_options, have_the_defaults_of_the_contract) {
  const daemon_options how = options({});
  EXPECT_EQ(how.api.port, 8080);
  EXPECT_EQ(how.anomaly.port, 3001);
  EXPECT_EQ(how.api.bind, "127.0.0.1");
  EXPECT_EQ(how.only, daemon_options::side::both);
  EXPECT_EQ(how.anomaly_url, "");
}

TEST_F(factoryd_options, a_flag_wins_over_a_variable_and_a_variable_over_the_file) {
  const std::string config =
      file("api-port = 1\nanomaly-port = 1\nbind = \"127.0.0.1\"\nreport-every = \"2h\"\nhttp-threads = 7\n");
  const variable first("FACTORY_API_PORT", "2"), second("FACTORY_ANOMALY_PORT", "2");
  const daemon_options how = options({"--config", config, "--api-port", "3"});
  EXPECT_EQ(how.api.port, 3);
  EXPECT_EQ(how.anomaly.port, 2);
  EXPECT_EQ(how.engine.jobs.report_every_us, 7'200'000'000);
  EXPECT_EQ(how.anomaly.threads, 7U);
}

TEST_F(factoryd_options, both_gateways_have_the_same_limits_and_time_to_drain) {
  const daemon_options how = options({"--drain-time", "3s", "--http-connections-per-address", "9"});
  for (const gateway_config& side : {how.api, how.anomaly}) {
    EXPECT_EQ(side.drain_ms, 3'000);
    EXPECT_EQ(side.connections_per_address, 9U);
  }
}

TEST_F(factoryd_options, nobody_is_limited_and_no_proxy_is_trusted_unless_asked_for) {
  const daemon_options how = options({});
  EXPECT_FALSE(how.api.admit.per_address.on());
  EXPECT_FALSE(how.api.admit.per_token.on());
  EXPECT_TRUE(how.api.admit.trusted_proxies.empty());
}

TEST_F(factoryd_options, rates_and_trusted_proxies_are_of_both_gateways) {
  const daemon_options how = options({"--http-rate-per-address", "100", "--http-rate-per-token", "50", "--http-burst-per-token",
                                      "200", "--trusted-proxy", "127.0.0.1, 10.0.0.0/8"});
  for (const gateway_config& side : {how.api, how.anomaly}) {
    EXPECT_EQ(side.admit.per_address.per_s, 100);
    EXPECT_EQ(side.admit.per_address.most(), 100) << "without a burst, a second's worth";
    EXPECT_EQ(side.admit.per_token.per_s, 50);
    EXPECT_EQ(side.admit.per_token.most(), 200);
    EXPECT_TRUE(side.admit.trusted_proxies.contains("10.1.2.3"));
  }
  EXPECT_EQ(refused({"--http-rate-per-token", "1000001"}).code, 2);
  EXPECT_NE(refused({"--trusted-proxy", "10.0.0.0/33"}).text.find("10.0.0.0/33"), std::string::npos);
}

TEST_F(factoryd_options, the_file_may_be_named_by_a_variable) {
  const std::string config = file("time-window = \"5m\"\n");
  const variable named("FACTORY_CONFIG", config.c_str());
  EXPECT_EQ(options({}).engine.time_window_us, 300'000'000);
}

TEST_F(factoryd_options, printed_as_a_file_read_back_the_same) {
  const early_end printed = refused({"--print-config", "--api-port", "99", "--retention", "90d", "--only", "api"});
  ASSERT_EQ(printed.code, 0);
  const daemon_options how = options({"--config", file(printed.text)});
  EXPECT_EQ(how.api.port, 99);
  EXPECT_EQ(how.engine.jobs.retention_us, 90 * 86'400'000'000);
  EXPECT_EQ(refused({"--print-config", "--config", file(printed.text)}).text, printed.text);
}

TEST_F(factoryd_options, the_api_alone_asks_the_anomaly_service_next_door) {
  EXPECT_EQ(options({"--only", "api"}).anomaly_url, "http://127.0.0.1:3001");
  EXPECT_EQ(options({"--only", "api", "--anomaly-port", "5"}).anomaly_url, "http://127.0.0.1:5");
  EXPECT_EQ(options({"--anomaly-url", "http://a:1"}).anomaly_url, "http://a:1");
}

TEST_F(factoryd_options, a_variable_that_is_no_option_is_noticed) {
  const variable known("FACTORY_TIME_WINDOW", "5m"), of_the_script("FACTORY_URL", "http://a:1"),
      typo("FACTORY_TIME_WINDWO", "6m");
  const auto unknown = options({}).unknown_variables;  // the tests' own environment may hold more
  EXPECT_THAT(unknown, testing::Contains("FACTORY_TIME_WINDWO"));
  EXPECT_THAT(unknown, testing::Not(testing::Contains("FACTORY_TIME_WINDOW")));
  EXPECT_THAT(unknown, testing::Not(testing::Contains("FACTORY_URL")));
}

TEST_F(factoryd_options, the_access_log_can_be_switched_on_by_flag_variable_and_file) {
  EXPECT_FALSE(options({}).access_log);
  EXPECT_TRUE(options({"--access-log"}).access_log);
  const std::string on = file("access-log = true\n");
  EXPECT_TRUE(options({"--config", on}).access_log);
  EXPECT_FALSE(options({"--config", on, "--access-log=false"}).access_log);
  const variable set("FACTORY_ACCESS_LOG", "true");
  EXPECT_TRUE(options({}).access_log);
}

TEST_F(factoryd_options, every_option_has_a_variable_and_a_place_in_the_file) {
  const early_end printed = refused({"--print-config"});
  const early_end help = refused({"--help"});
  std::istringstream lines(printed.text);
  std::size_t seen = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::string name = "FACTORY_" + line.substr(0, line.find('='));
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_NE(help.text.find("(Env:" + name + ")"), std::string::npos) << name;
    ++seen;
  }
  EXPECT_GT(seen, 20U);
}

TEST_F(factoryd_options, what_is_wrong_is_named) {
  const auto says = [&](const std::string& text, std::vector<std::string> arguments) {
    const early_end end = refused(std::move(arguments));
    EXPECT_EQ(end.code, 2);
    EXPECT_NE(end.text.find(text), std::string::npos) << end.text;
  };
  says("--nope", {"--nope"});
  says("--api-port", {"--api-port", "65536"});
  says("--only", {"--only", "half"});
  says("'5x' is no length of time", {"--time-window", "5x"});
  says("'0' is no length of time", {"--time-window", "0"});
  says("no option 'nope'", {"--config", file("nope = 1\n")});
  says("no option 'section.api-port'", {"--config", file("[section]\napi-port = 1\n")});
  says("no option 'config'", {"--config", file("config = \"other\"\n")});
  says("api-port", {"--config", file("api-port = \"many\"\n")});
  says("/nowhere/at.all", {"--config", "/nowhere/at.all"});
}

}  // namespace
}  // namespace factory
