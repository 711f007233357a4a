// /openapi.json against the running daemon: every call with right input (the curls of docs/reference/curl.md) and with wrong input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "integration/support/daemon.hpp"
#include "integration/support/plant.hpp"
#include "support/paths.hpp"

namespace factory::test {
namespace {

using ::testing::StartsWith;

struct described_call {
  std::string method, pattern;
  unsigned success = 0;
  std::vector<std::string> body_types = {};
  std::vector<std::string> query = {};  ///< names
};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

described_call read_call(const std::string& pattern, const std::string& method, const rapidjson::Value& call) {
  described_call out{upper(method), pattern};
  for (const auto& response : call["responses"].GetObject()) {
    const std::string status = response.name.GetString();
    if (status == "default" || out.success != 0) continue;  // the first is what is answered without options
    out.success = static_cast<unsigned>(std::stoul(status));
  }
  if (call.HasMember("requestBody"))
    for (const auto& type : call["requestBody"]["content"].GetObject()) out.body_types.emplace_back(type.name.GetString());
  for (const auto& parameter : call["parameters"].GetArray()) {
    const bool own = parameter.HasMember("name");
    const std::string ref = parameter[own ? "name" : "$ref"].GetString(), name = ref.substr(ref.rfind('/') + 1);
    if (name != "id" && name != "name") out.query.push_back(name);
  }
  return out;
}

std::vector<described_call> described_calls(const rapidjson::Document& description) {
  std::vector<described_call> out;
  for (const auto& path : description["paths"].GetObject())
    for (const auto& method : path.value.GetObject())
      out.push_back(read_call(path.name.GetString(), method.name.GetString(), method.value));
  return out;
}

/// A path of the pattern: its variable becomes `what`.
std::string fill(const std::string& pattern, const std::string& what) {
  const std::size_t open = pattern.find('{');
  return open == std::string::npos ? pattern : pattern.substr(0, open) + what + pattern.substr(pattern.find('}') + 1);
}

bool matches(const std::string& pattern, const std::string& path) {
  const std::size_t open = pattern.find('{');
  if (open == std::string::npos) return pattern == path;
  const std::string before = pattern.substr(0, open), after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return false;
  const std::string middle = path.substr(before.size(), path.size() - before.size() - after.size());
  return middle.find('/') == std::string::npos && (pattern.find("{id}") == std::string::npos || std::isdigit(middle.back()) != 0);
}

void expect_problem(const answer& got, const std::string& what) {
  EXPECT_EQ(got.headers.at("content-type"), "application/problem+json") << what;
  const auto problem = got.json();
  EXPECT_THAT(problem["type"].GetString(), StartsWith("urn:factory-monitor:problem:")) << what;
  EXPECT_EQ(problem["status"].GetUint(), got.status) << what;
}

struct openapi : ::testing::Test {
  fresh_daemon daemon;
  http_client api{daemon->api_port()};
  rapidjson::Document description = get_json(api, "/openapi.json");
  std::vector<described_call> calls = described_calls(description);

  answer ask(const described_call& call, const std::string& target, const std::string& body = {}, const std::string& type = {}) {
    return api.send(call.method, target, body,
                    type.empty() ? http_client::header_map{} : http_client::header_map{{"Content-Type", type}});
  }
  void expect_refused(const described_call& call, unsigned status, const answer& got, const std::string& what) {
    const std::string name = call.method + " " + call.pattern + ", " + what;
    EXPECT_EQ(got.status, status) << name << ": " << got.body;
    expect_problem(got, name);
  }
};

TEST_F(openapi, every_call_refuses_what_it_does_not_describe) {
  EXPECT_GT(calls.size(), 40U);
  for (const described_call& call : calls) {
    const std::string body = call.body_types.empty() ? "" : "{}", type = call.body_types.empty() ? "" : "application/json";
    const std::string path = fill(call.pattern, "1");
    const auto unknown = ask(call, path + "?no_such_parameter=1", body, type);
    expect_refused(call, 400, unknown, "an unknown parameter");
    expect_refused(call, 405, api.send("PUT", path), "a method that nothing takes");
    if (call.pattern.find("{id}") != std::string::npos) {
      expect_refused(call, 404, ask(call, fill(call.pattern, "0"), body, type), "id 0");
      expect_refused(call, 404, ask(call, fill(call.pattern, "x"), body, type), "an id that is no number");
    }
    if (call.body_types.empty()) continue;
    expect_refused(call, 415, ask(call, path, "{}", "text/html"), "another type");
    for (const std::string& taken : call.body_types) {
      expect_refused(call, 400, ask(call, path, "{\"damaged\":", taken), "a damaged body");
    }
  }
}

TEST_F(openapi, every_parameter_with_a_rule_refuses_a_value_against_it) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto& parameters = description["components"]["parameters"];
  for (const described_call& call : calls) {
    const std::string path = fill(call.pattern, std::to_string(sensor));
    for (const std::string& name : call.query) {
      const auto& schema = parameters[name.c_str()]["schema"];
      const bool free_text = schema.HasMember("type") && schema["type"].IsString() &&
                             std::string_view(schema["type"].GetString()) == "string" && !schema.HasMember("enum") &&
                             name != "cursor" && name != "step" && name != "window" && name != "fn" && name != "percentiles";
      if (free_text || call.method != "GET") continue;
      expect_refused(call, 400, ask(call, path + "?" + name + "=%F0%9F%8F%AD"), name + " of the wrong kind");
    }
  }
}

TEST_F(openapi, integer_times_of_every_precision_are_described_as_what_is_taken) {
  const auto sensor = add_sensors(api, 1).at(0);
  const auto& integer = description["components"]["schemas"]["event_time"]["anyOf"][1];
  constexpr std::int64_t first_s = -9'214'560'000, end_s = 9'214'646'400;
  for (const auto& [unit, per_second] : {std::pair{"s", 1L}, {"ms", 1'000L}, {"us", 1'000'000L}, {"ns", 1'000'000'000L}}) {
    const auto post = [&, unit = unit](std::int64_t time) {
      return api
          .post(fmt::format("/api/readings?precision={}", unit),
                fmt::format(R"({{"sensor_id":{},"value":1,"timestamp":{}}})", sensor, time))
          .status;
    };
    for (const std::int64_t taken : {first_s * per_second, end_s * per_second - 1}) {
      EXPECT_EQ(post(taken), 201U) << taken << " " << unit;
      EXPECT_LE(integer["minimum"].GetInt64(), taken);
      EXPECT_GE(integer["maximum"].GetInt64(), taken);
    }
    EXPECT_EQ(post(first_s * per_second - 1), 400U) << unit;
    EXPECT_EQ(post(end_s * per_second), 400U) << unit;
  }
}

/// The lines of docs/reference/curl.md that run something.
std::vector<std::string> curl_lines() {
  std::vector<std::string> out;
  std::ifstream file(source_file("docs/reference/curl.md"));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("    ")) out.push_back(line.substr(4));
  return out;
}

struct curl_line {
  explicit curl_line(const std::string& text) {
    const std::size_t at = text.find("http://127.0.0.1:"), slash = text.find('/', at + 17);
    port = text.substr(at + 17, slash - at - 17);
    path = text.substr(slash, text.find_first_of("?' ", slash) - slash);
    const std::size_t named = text.find("-X ");
    if (named != std::string::npos)
      method = text.substr(named + 3, text.find(' ', named + 3) - named - 3);
    else if (text.find(" -d ") != std::string::npos || text.find("--data-binary") != std::string::npos)
      method = "POST";
  }
  std::string method = "GET", path, port;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

TEST_F(openapi, the_curls_of_the_documentation_are_of_every_call_and_are_answered_as_described) {
  std::set<std::string> left;
  for (const described_call& call : calls) left.insert(call.method + " " + call.pattern);
  for (const std::string& text : curl_lines()) {
    SCOPED_TRACE(text);
    const curl_line line(text);
    std::string command = replaced(text, "127.0.0.1:8080", fmt::format("127.0.0.1:{}", daemon->api_port()));
    command = replaced(command, "127.0.0.1:3001", fmt::format("127.0.0.1:{}", daemon->anomaly_port()));
    command = replaced(command, "curl -s", "curl -s -w '\\n%{http_code}'");
    if (line.path.starts_with("/api/alerts/") || line.path.starts_with("/api/anomalies/")) await_processed(api);
    const auto ran = run({"/bin/sh", "-c", "cd " + daemon.directory.path().string() + " && " + command});
    ASSERT_EQ(ran.status.code, 0) << ran.output;
    const std::size_t end = ran.output.find_last_not_of("\r\n"), begin = ran.output.rfind('\n', end);
    const std::string status = ran.output.substr(begin + 1, end - begin);
    if (line.port == "3001") {
      EXPECT_EQ(status, "200") << ran.output;
      continue;
    }
    const auto found = std::find_if(calls.begin(), calls.end(), [&](const described_call& call) {
      return call.method == line.method && matches(call.pattern, line.path);
    });
    ASSERT_NE(found, calls.end()) << "no such call";
    EXPECT_EQ(status, std::to_string(found->success)) << ran.output;
    left.erase(found->method + " " + found->pattern);
  }
  EXPECT_TRUE(left.empty()) << "no curl for " << (left.empty() ? "" : *left.begin());
}

}  // namespace
}  // namespace factory::test
