#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/support/raw_client.hpp"
#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using ::testing::HasSubstr;

/// A daemon with an admin token that was made before its first start, and two factories with a sensor each.
class access : public ::testing::Test {
 protected:
  access() : process(directory.path() / "data") {
    admin = token({"--name", "admin", "--scope", "admin"});
    process.start();
    for (const char* name : {"one", "two"}) {
      const auto factory = make("/api/factories", R"({"name":")" + std::string(name) + "\"}");
      const auto machine = make("/api/machines", R"({"name":"press","factory_id":)" + std::to_string(factory) + "}");
      factories.push_back(factory);
      machines.push_back(machine);
      sensors.push_back(make("/api/sensors", R"({"name":"s","machine_id":)" + std::to_string(machine) + "}"));
    }
  }

  std::string token(std::vector<std::string> options) {
    std::vector<std::string> command{program("factoryd"), "token", "create", "--data-dir", (directory.path() / "data").string()};
    command.insert(command.end(), options.begin(), options.end());
    auto made = run(command);
    EXPECT_EQ(made.status.code, 0) << made.output;
    while (made.output.ends_with('\n')) made.output.pop_back();
    return made.output;
  }
  std::string token_of(const std::string& body) {
    const auto made = ask(admin, "POST", "/api/tokens", body);
    EXPECT_EQ(made.status, 201U) << made.body;
    return made.json()["token"].GetString();
  }
  answer ask(const std::string& with, const std::string& method, const std::string& path, const std::string& body = {}) {
    http_client client(process.api_port());
    http_client::header_map headers{{"Content-Type", "application/json"}};
    if (!with.empty()) headers["Authorization"] = "Bearer " + with;
    return client.send(method, path, body, headers);
  }
  unsigned status(const std::string& with, const std::string& method, const std::string& path, const std::string& body = {}) {
    return ask(with, method, path, body).status;
  }
  std::uint32_t make(const std::string& path, const std::string& body) {
    const auto made = ask(admin, "POST", path, body);
    EXPECT_EQ(made.status, 201U) << made.body;
    return made.json()["id"].GetUint();
  }
  static std::string reading_of(std::uint32_t sensor) { return R"({"value":1,"sensor_id":)" + std::to_string(sensor) + "}"; }

  temp_directory directory{"factoryd-access"};
  daemon process;
  std::string admin;
  std::vector<std::uint32_t> factories, machines, sensors;
};

TEST_F(access, a_token_of_a_factory_has_pipelines_over_its_own_sensors) {
  const auto mine = token_of(R"({"name":"mine","scopes":["read","operate"],"factory_id":)" + std::to_string(factories[0]) + "}");
  const auto over = [](const std::string& source, const std::string& sinks) {
    return R"({"name":"x","sources":{"a":)" + source +
           R"(},"steps":[{"window":{"tumbling_ms":1000},"aggregate":"mean"}],"sinks":[)" + sinks + "]}";
  };
  const auto of_sensor = [](std::uint32_t id) { return R"({"sensor_id":)" + std::to_string(id) + "}"; };
  const std::string a_sensor = R"({"sensor":{"name":"means"}})";
  const auto own = ask(mine, "POST", "/api/pipelines", over(of_sensor(sensors[0]), a_sensor));
  ASSERT_EQ(own.status, 201U) << own.body;
  EXPECT_EQ(status(mine, "POST", "/api/pipelines", over(of_sensor(sensors[1]), a_sensor)), 403U);
  EXPECT_EQ(status(mine, "POST", "/api/pipelines", over(R"({"name":"s"})", a_sensor)), 403U) << "it finds sensors elsewhere";
  EXPECT_EQ(status(mine, "POST", "/api/pipelines",
                   over(of_sensor(sensors[0]), R"({"event":{"when":"value > 1"}},{"channel":{"channel_id":1}})")),
            403U);
  const auto other = make("/api/pipelines", over(of_sensor(sensors[1]), a_sensor));
  const auto other_path = "/api/pipelines/" + std::to_string(other),
             own_path = "/api/pipelines/" + std::to_string(own.json()["id"].GetUint());
  EXPECT_EQ(ask(mine, "GET", "/api/pipelines").json().Size(), 1U);
  EXPECT_EQ(status(mine, "GET", other_path), 403U);
  EXPECT_EQ(status(mine, "PATCH", other_path, R"({"name":"y"})"), 403U);
  EXPECT_EQ(status(mine, "DELETE", other_path), 403U);
  EXPECT_EQ(status(mine, "PATCH", own_path, R"({"sources":{"a":)" + of_sensor(sensors[1]) + "}}"), 403U);
  EXPECT_EQ(status(mine, "GET", own_path), 200U);
  EXPECT_EQ(status(mine, "DELETE", own_path + "?sensors=delete"), 204U);
}

TEST_F(access, a_token_of_a_factory_deletes_no_sensor_elsewhere_that_a_pipeline_has_filled) {
  const auto mine = token_of(R"({"name":"mine","scopes":["read","operate"],"factory_id":)" + std::to_string(factories[0]) + "}");
  const auto path =
      "/api/pipelines/" +
      std::to_string(make("/api/pipelines", R"({"name":"x","sources":{"a":{"sensor_id":)" + std::to_string(sensors[0]) +
                                                R"(}},"steps":[],"sinks":[{"sensor":{"name":"copy","machine_id":)" +
                                                std::to_string(machines[1]) + "}}]}"));
  EXPECT_EQ(status(mine, "DELETE", path), 403U);
  ASSERT_EQ(status(admin, "PATCH", path, R"({"sinks":[{"sensor":{"name":"copy"}}]})"), 200U);
  const auto refused = ask(mine, "DELETE", path + "?sensors=delete");
  EXPECT_EQ(refused.status, 403U);
  EXPECT_THAT(refused.body, HasSubstr("keep the sensors"));
  EXPECT_EQ(status(mine, "DELETE", path), 204U);
}

TEST_F(access, each_call_asks_for_its_scope) {
  const auto scoped = [&](const std::string& scope) {
    return token_of(R"({"name":")" + scope + R"(","scopes":[")" + scope + "\"]}");
  };
  const std::string ingest = scoped("ingest"), read = scoped("read"), operate = scoped("operate");
  const std::string reading = reading_of(sensors[0]);

  const auto nobody = ask("", "GET", "/api/sensors");
  EXPECT_EQ(nobody.status, 401U);
  EXPECT_THAT(nobody.headers.at("www-authenticate"), HasSubstr("Bearer"));
  EXPECT_THAT(nobody.headers.at("content-type"), HasSubstr("problem+json"));
  EXPECT_EQ(status("fm-1-00", "GET", "/api/sensors"), 401U);
  const auto lacking = ask(ingest, "GET", "/api/sensors");
  EXPECT_EQ(lacking.status, 403U);
  EXPECT_THAT(lacking.headers.at("www-authenticate"), HasSubstr("scope=\"read\""));
  EXPECT_THAT(lacking.body, HasSubstr("lacks the scope read"));

  EXPECT_EQ(status(ingest, "POST", "/api/readings", reading), 201U);
  EXPECT_EQ(status(read, "POST", "/api/readings", reading), 403U);
  EXPECT_EQ(status(admin, "POST", "/api/readings", reading), 201U);
  EXPECT_EQ(status(read, "GET", "/api/sensors"), 200U);
  EXPECT_EQ(status(read, "GET", "/metrics"), 200U);
  EXPECT_EQ(status("", "GET", "/metrics"), 401U);
  EXPECT_EQ(status(operate, "POST", "/api/factories", R"({"name":"three"})"), 201U);
  EXPECT_EQ(status(read, "POST", "/api/factories", R"({"name":"four"})"), 403U);
  EXPECT_EQ(status(operate, "GET", "/api/tokens"), 403U);
  EXPECT_EQ(status(operate, "GET", "/api/audit"), 403U);
  for (const char* open : {"/health", "/ready", "/openapi.json", "/"}) EXPECT_EQ(status("", "GET", open), 200U) << open;
}

TEST_F(access, the_anomaly_service_asks_for_read) {
  const std::string body = R"({"readings":[{"id":1,"value":2,"timestamp":"x"}]})";
  http_client analyzer(process.anomaly_port());
  EXPECT_EQ(analyzer.get("/health").status, 200U);
  EXPECT_EQ(analyzer.post("/analyze", body).status, 401U);
  const http_client::header_map headers{{"Content-Type", "application/json"}, {"Authorization", "Bearer " + admin}};
  EXPECT_EQ(analyzer.send("POST", "/analyze", body, headers).status, 200U);
}

TEST_F(access, a_stranger_is_told_before_a_body_is_received_on_both_ports) {
  const std::string read = token_of(R"({"name":"read","scopes":["read"]})");
  const std::string ingest = token_of(R"({"name":"ingest","scopes":["ingest"]})");
  struct strange_case {
    std::uint16_t port;
    std::string path, token, status;
  };
  for (const strange_case& c : {strange_case{process.api_port(), "/api/readings/bulk", "", "401"},
                                {process.api_port(), "/api/readings/bulk", "fm-1-00", "401"},
                                {process.api_port(), "/api/readings/bulk", read, "403"},
                                {process.anomaly_port(), "/analyze", "", "401"},
                                {process.anomaly_port(), "/analyze", ingest, "403"}}) {
    for (const char* length : {"Content-Length: 67108864\r\n", "Transfer-Encoding: chunked\r\n"}) {
      SCOPED_TRACE(c.path + " " + length + c.status);
      test::raw_client client(c.port);
      client.send("POST " + c.path + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + length +
                  (c.token.empty() ? "" : "Authorization: Bearer " + c.token + "\r\n") + "\r\n");
      const std::string told = client.read_to_end();  // nothing of the body was sent
      EXPECT_THAT(told, ::testing::StartsWith("HTTP/1.1 " + c.status + " "));
      EXPECT_THAT(told, HasSubstr("\r\nConnection: close\r\n"));
      EXPECT_THAT(told, HasSubstr("\r\nWWW-Authenticate: Bearer"));
      EXPECT_THAT(told, HasSubstr("\r\nX-Request-Id: "));
      EXPECT_THAT(told, HasSubstr("\"request_id\":"));
    }
  }
}

TEST_F(access, a_token_of_one_factory_sees_and_changes_only_what_is_in_it) {
  const std::string one =
      token_of(R"({"name":"one","scopes":["ingest","read","operate"],"factory_id":)" + std::to_string(factories[0]) + "}");
  const auto mine = [](std::uint32_t id) { return std::to_string(id); };
  for (const char* list : {"/api/factories", "/api/machines", "/api/sensors"})
    EXPECT_EQ(ask(one, "GET", list).json().Size(), 1U) << list;
  EXPECT_EQ(ask(one, "GET", "/api/stats").json()["stats"].Size(), 1U);
  for (const std::string& path : {"/api/factories/" + mine(factories[1]), "/api/machines/" + mine(machines[1]),
                                  "/api/sensors/" + mine(sensors[1]), "/api/sensors/" + mine(sensors[1]) + "/stats"})
    EXPECT_EQ(status(one, "GET", path), 404U) << path;
  EXPECT_EQ(status(one, "GET", "/api/sensors/" + mine(sensors[0]) + "/stats"), 200U);
  EXPECT_EQ(status(one, "PATCH", "/api/machines/" + mine(machines[1]), R"({"type":"x"})"), 404U);
  EXPECT_EQ(status(one, "PATCH", "/api/machines/" + mine(machines[0]), R"({"type":"x"})"), 200U);
  EXPECT_EQ(status(one, "DELETE", "/api/sensors/" + mine(sensors[1])), 404U);
  EXPECT_EQ(status(one, "POST", "/api/machines", R"({"name":"new","factory_id":)" + mine(factories[1]) + "}"), 400U);
  EXPECT_EQ(status(one, "POST", "/api/rules",
                   R"({"name":"r","condition":"GREATER_THAN","high":1,"sensor_id":)" + mine(sensors[1]) + "}"),
            400U);
  EXPECT_EQ(status(one, "POST", "/api/factories", R"({"name":"three"})"), 403U);
  EXPECT_EQ(status(one, "GET", "/api/jobs"), 403U);

  EXPECT_EQ(status(one, "POST", "/api/readings", reading_of(sensors[0])), 201U);
  const auto foreign = ask(one, "POST", "/api/readings/bulk", "[" + reading_of(sensors[0]) + "," + reading_of(sensors[1]) + "]");
  EXPECT_EQ(foreign.status, 400U);
  EXPECT_EQ(foreign.json()["errors"][0]["index"].GetUint(), 1U);
  EXPECT_EQ(status(admin, "GET", "/api/sensors/" + mine(sensors[1]) + "/latest"), 404U) << "nothing was stored";
}

TEST_F(access, a_token_is_made_listed_and_revoked_and_its_secret_is_shown_once) {
  const auto made = ask(admin, "POST", "/api/tokens", R"({"name":"line","scopes":["ingest"]})");
  ASSERT_EQ(made.status, 201U) << made.body;
  const std::string secret = made.json()["token"].GetString();
  const auto listed = ask(admin, "GET", "/api/tokens");
  EXPECT_EQ(listed.json().Size(), 2U);
  EXPECT_EQ(listed.body.find(secret), std::string::npos);
  EXPECT_EQ(status(secret, "POST", "/api/readings", reading_of(sensors[0])), 201U);
  const std::string self = "/api/tokens/" + std::to_string(made.json()["id"].GetUint());
  EXPECT_EQ(status(admin, "DELETE", self), 204U);
  EXPECT_EQ(status(secret, "POST", "/api/readings", reading_of(sensors[0])), 401U);
  EXPECT_EQ(status(admin, "DELETE", "/api/tokens/1"), 204U);
  EXPECT_EQ(status("", "GET", "/api/sensors"), 200U) << "without tokens, the loopback is open";
}

TEST_F(access, every_change_is_in_the_audit_log_with_who_and_what_came_of_it) {
  const std::string ada = token_of(R"({"name":"ada","scopes":["operate"]})");
  const std::string sensor = "/api/sensors/" + std::to_string(sensors[0]);
  ASSERT_EQ(status(ada, "PATCH", sensor, R"({"unit":"bar"})"), 200U);
  ASSERT_EQ(status(ada, "DELETE", "/api/rules/99"), 404U);
  ASSERT_EQ(status(admin, "POST", "/api/readings", reading_of(sensors[0])), 201U);
  const auto page = ask(admin, "GET", "/api/audit?limit=2");
  const auto read = page.json();
  ASSERT_EQ(read["records"].Size(), 2U);
  EXPECT_STREQ(read["records"][0]["method"].GetString(), "DELETE");
  EXPECT_EQ(read["records"][0]["status"].GetUint(), 404U);
  EXPECT_STREQ(read["records"][1]["who"].GetString(), "ada");
  EXPECT_STREQ(read["records"][1]["path"].GetString(), sensor.c_str());
  const auto older = ask(admin, "GET", "/api/audit?cursor=" + std::string(read["next_cursor"].GetString()));
  EXPECT_STREQ(older.json()["records"][0]["path"].GetString(), "/api/tokens");
  EXPECT_EQ(older.json()["records"][0]["id"].GetUint(), 2U);
  EXPECT_EQ(older.body.find(ada.substr(5)), std::string::npos);
  EXPECT_TRUE(older.json()["next_cursor"].IsNull());
}

TEST_F(access, a_running_daemon_points_to_its_api) {
  const auto refused = run({program("factoryd"), "token", "list", "--data-dir", process.data_dir().string()});
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("POST /api/tokens"));
  process.stop();
  EXPECT_THAT(run({program("factoryd"), "token", "list", "--data-dir", process.data_dir().string()}).output, HasSubstr("admin"));
  EXPECT_EQ(run({program("factoryd"), "token", "revoke", "1", "--data-dir", process.data_dir().string()}).status.code, 0);
}

TEST(open_address, is_refused_without_a_token_and_says_what_to_do) {
  const temp_directory directory{"factoryd-access"};
  const auto refused = run({program("factoryd"), "--data-dir", (directory.path() / "data").string(), "--bind", "0.0.0.0",
                            "--api-port", "0", "--anomaly-port", "0"});
  EXPECT_EQ(refused.status.code, 1);
  EXPECT_THAT(refused.output, HasSubstr("factoryd token create"));
  const auto alone = run({program("factoryd"), "--only", "anomaly", "--bind", "0.0.0.0", "--anomaly-port", "0"});
  EXPECT_EQ(alone.status.code, 1);
  EXPECT_THAT(alone.output, HasSubstr("--open"));
}

TEST(open_address, asks_for_a_token_even_after_the_last_one_was_revoked) {
  const temp_directory directory{"factoryd-access"};
  const std::string data = (directory.path() / "data").string();
  auto made = run({program("factoryd"), "token", "create", "--data-dir", data, "--name", "admin", "--scope", "admin"});
  while (made.output.ends_with('\n')) made.output.pop_back();
  daemon process(data, {"--bind", "0.0.0.0"});
  process.launch();
  const auto ready = process.process().wait_for_line("ready", std::chrono::seconds(120));
  ASSERT_TRUE(ready);
  http_client api(static_cast<std::uint16_t>(std::stoul(ready->substr(ready->find("0.0.0.0:") + 8))));
  EXPECT_EQ(api.get("/api/sensors").status, 401U);
  EXPECT_EQ(api.send("DELETE", "/api/tokens/1", {}, {{"Authorization", "Bearer " + made.output}}).status, 204U);
  EXPECT_EQ(api.get("/api/sensors").status, 401U);
  EXPECT_EQ(process.stop(), 0);
}

}  // namespace
}  // namespace factory::test
