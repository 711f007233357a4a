// factory-bench against the real daemon, as briefly as it can: it checks every answer and counts what is stored by itself.
#include <gtest/gtest.h>

#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"

namespace factory::test {
namespace {

struct bench : testing::TestWithParam<std::vector<std::string>> {};

TEST_P(bench, measures_and_finds_stored_what_was_acknowledged) {
  std::vector<std::string> command{program("factory-bench")};
  command.insert(command.end(), GetParam().begin(), GetParam().end());
  for (const char* option : {"--json", "--seconds", "0.2", "--history", "1000"}) command.emplace_back(option);
  const finished done = run(command);
  ASSERT_EQ(done.status.code, 0) << done.output;
  rapidjson::Document report;
  report.Parse(done.output.c_str());
  ASSERT_FALSE(report.HasParseError()) << done.output;
  ASSERT_EQ(report["runs"].Size(), 1U);
  const auto& figures = report["runs"][0];
  EXPECT_STREQ(figures["server"].GetString(), "factoryd");
  for (const char* name : {"result", "requests", "server_cpu_seconds", "rss_peak_bytes", "disk_bytes"})
    EXPECT_GT(figures[name].GetDouble(), 0) << name;
}

using work = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(works, bench,
                         testing::Values(work{"bulk"}, work{"bulk", "--shape", "columns"}, work{"bulk", "--shape", "ndjson"},
                                         work{"single"}, work{"query"}, work{"mean"}, work{"cardinality", "--counts", "100"}));

}  // namespace
}  // namespace factory::test
