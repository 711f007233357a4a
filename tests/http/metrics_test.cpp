#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "http/api/metrics_text.hpp"
#include "support/paths.hpp"

namespace factory {
namespace {

using testing::HasSubstr;
using types = std::map<std::string, std::string>;

std::vector<route> one_call() { return {{http_method::get, "/api/sensors/{id}", {}}}; }

types shown(const std::string& page) {
  types out;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, kind, name, type;
    if (words >> hash >> kind >> name >> type && hash == "#" && kind == "TYPE") out[name] = type;
  }
  return out;
}

/// Rows "| `factory_x` | counter | ... |" of docs/reference/metrics.md.
types documented() {
  types out;
  std::ifstream readme(test::source_file("docs/reference/metrics.md"));
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| `factory_")) continue;
    const auto name_end = line.find('`', 3), type_end = line.find(" |", name_end + 4);
    out[line.substr(3, name_end - 3)] = line.substr(name_end + 4, type_end - name_end - 4);
  }
  return out;
}

TEST(metrics, are_those_of_the_table_in_the_reference) {
  const std::vector<route> calls = one_call();
  request_counters requests(calls.size());
  requests.record(0, 200, std::chrono::milliseconds(1));
  EXPECT_EQ(documented(), shown(metrics_text(engine_metrics{}, gateway_figures{}, calls, requests, notify_figures{})));
}

TEST(metrics, an_answer_is_counted_under_its_route_method_and_class_of_status) {
  const std::vector<route> calls = one_call();
  request_counters requests(calls.size());
  requests.record(0, 200, std::chrono::microseconds(200));
  requests.record(0, 200, std::chrono::milliseconds(2));
  requests.record(0, 404, std::chrono::seconds(60));
  requests.record(router::no_route, 404, std::chrono::seconds(0));
  const std::string page = metrics_text(std::nullopt, gateway_figures{}, calls, requests);
  const auto has = [&](const std::string& line) { EXPECT_THAT(page, HasSubstr("factory_http_request_seconds" + line + "\n")); };
  has(R"(_count{method="GET",route="/api/sensors/{id}",status="2xx"} 2)");
  has(R"(_bucket{method="GET",route="/api/sensors/{id}",status="2xx",le="0.00025"} 1)");
  has(R"(_bucket{method="GET",route="/api/sensors/{id}",status="2xx",le="0.0025"} 2)");
  has(R"(_bucket{method="GET",route="/api/sensors/{id}",status="4xx",le="10"} 0)");
  has(R"(_bucket{method="GET",route="/api/sensors/{id}",status="4xx",le="+Inf"} 1)");
  has(R"(_sum{method="GET",route="/api/sensors/{id}",status="4xx"} 60)");
  has(R"(_count{method="other",route="none",status="4xx"} 1)");
  EXPECT_THAT(page, Not(HasSubstr("5xx")));
}

TEST(metrics, a_gateway_shows_its_connections_and_refusals) {
  const std::string page = metrics_text(std::nullopt, {3, 4, 5, 6}, one_call(), request_counters(1));
  for (const char* line :
       {"factory_http_connections 3", "factory_http_connections_refused_total 4",
        "factory_http_rate_limited_total{by=\"address\"} 5", "factory_http_rate_limited_total{by=\"token\"} 6"})
    EXPECT_THAT(page, HasSubstr("\n" + std::string(line) + "\n"));
  EXPECT_THAT(page, Not(HasSubstr("factory_sensors")));
}

TEST(metrics, what_waits_in_mailboxes_is_what_was_committed_and_not_yet_processed) {
  engine_metrics figures;
  figures.committed_readings = 100;
  figures.processed_readings = 60;
  const std::vector<route> calls = one_call();
  EXPECT_THAT(metrics_text(figures, gateway_figures{}, calls, request_counters(1)),
              HasSubstr("\nfactory_processing_lag_readings 40\n"));
  figures.processed_readings = 101;  // read an instant later
  EXPECT_THAT(metrics_text(figures, gateway_figures{}, calls, request_counters(1)),
              HasSubstr("\nfactory_processing_lag_readings 0\n"));
}

}  // namespace
}  // namespace factory
