// factory-bench against the real daemon, as briefly as it can: it checks every answer and counts what is stored by itself.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "integration/support/daemon.hpp"
#include "integration/support/http_client.hpp"
#include "support/paths.hpp"

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
                                         work{"single"}, work{"query"}, work{"mean"}, work{"cardinality", "--counts", "100"},
                                         work{"size", "--sizes", "2000"}));

/// Runs a long load briefly; returns the figures of its only run.
rapidjson::Document brief(const std::vector<std::string>& options) {
  std::vector<std::string> command{program("factory-bench")};
  command.insert(command.end(), options.begin(), options.end());
  for (const char* option : {"--json", "--history", "1000"}) command.emplace_back(option);
  const finished done = run(command);
  if (done.status.code != 0) throw std::runtime_error(done.output);
  rapidjson::Document report;
  report.Parse(done.output.c_str());
  return report;
}

TEST(overload, refuses_what_is_too_much_stores_what_was_acknowledged_and_still_answers_queries) {
  const auto report = brief({"overload", "--seconds", "1", "--connections", "64"});
  const auto& figures = report["runs"][0];
  EXPECT_GT(figures["readings"].GetUint64(), 0U);
  EXPECT_GT(figures["refused"].GetUint64(), 0U);
  std::uint64_t queries = 0, queries_refused = 0;
  for (const auto& each : figures["stretches"].GetArray()) {
    queries += each["queries"]["requests"].GetUint64();
    queries_refused += each["queries"]["refused"].GetUint64();
  }
  EXPECT_GT(queries, 0U);
  EXPECT_EQ(queries_refused, 0U);
}

TEST(soak, stores_what_was_acknowledged_under_mixed_load_while_the_catalog_changes_and_connections_come_and_go) {
  const auto report = brief({"soak", "--seconds", "2"});
  const auto& stretches = report["runs"][0]["stretches"];
  EXPECT_EQ(stretches.Size(), 4U);
  for (const auto& each : stretches.GetArray())
    for (const char* part : {"bodies", "singles", "queries", "changes"})
      EXPECT_GT(each[part]["requests"].GetUint64(), 0U) << part;
}

/// The results of all runs by their work.
std::map<std::string, double> results_of(const rapidjson::Document& report) {
  std::map<std::string, double> out;
  for (const auto& run : report["runs"].GetArray()) out[run["work"].GetString()] = run["result"].GetDouble();
  return out;
}

TEST(history, is_asked_at_every_size_and_stored_as_it_was_acknowledged) {
  const auto results = results_of(brief({"history", "--seconds", "0.1", "--sizes", "1000000", "1010000"}));
  ASSERT_EQ(results.size(), 4U);
  for (const char* each : {"history-1000000", "newest-1000000", "history-1010000", "newest-1010000"})
    EXPECT_GT(results.at(each), 0) << each;
}

TEST(startup, finds_all_readings_in_the_journal_after_a_kill_and_none_after_a_stop) {
  const auto results = results_of(brief({"startup", "--sizes", "100000"}));
  ASSERT_EQ(results.size(), 2U);
  for (const char* each : {"killed-100000", "stopped-100000"}) EXPECT_GT(results.at(each), 0) << each;
}

TEST(told, gets_the_webhook_of_every_reading_beyond_a_limit_beside_a_load) {
  const auto report = brief({"told", "--seconds", "0.3"});
  const auto& figures = report["runs"][0];
  EXPECT_GT(figures["requests"].GetUint64(), 0U);
  EXPECT_GT(figures["p50_us"].GetDouble(), 0);
}

TEST(flood, gets_the_webhook_of_every_alarm_of_ten_thousand_sensors_under_one_rule) {
  const auto report = brief({"flood", "--seconds", "0.3"});
  const auto& figures = report["runs"][0];
  EXPECT_GT(figures["requests"].GetUint64(), 0U);
  EXPECT_GT(figures["p50_us"].GetDouble(), 0);
}

TEST(visible, sees_the_alert_of_every_reading_beyond_a_limit_beside_a_load) {
  const auto report = brief({"visible", "--seconds", "0.3"});
  const auto& figures = report["runs"][0];
  EXPECT_GT(figures["requests"].GetUint64(), 0U);
  EXPECT_LE(figures["requests"].GetUint64(), 30U) << "100 a second; what would be late is left out";
  EXPECT_GT(figures["readings"].GetUint64(), 0U);
  EXPECT_GT(figures["p50_us"].GetDouble(), 0);
}

std::string two_digits(int number, const char* before) { return before + std::to_string(100 + number).substr(1); }

/// Two files with a spike each, in the form of NAB; removed at the end.
struct small_nab {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("nab-" + std::to_string(::getpid()));
  explicit small_nab(const std::string& end_of_window = "2026-01-02 18:00:00.000000") {
    std::string labels;
    for (const std::string name : {"some/a.csv", "some/b.csv"}) {
      std::filesystem::create_directories((folder / "data" / name).parent_path());
      std::ofstream out(folder / "data" / name);
      out << "timestamp,value\n";
      for (int row = 0; row < 600; ++row)
        out << "2026-01-0" << 1 + row / 288 << two_digits(row / 12 % 24, " ") << two_digits(row % 12 * 5, ":") << ":00,"
            << 20 + row * 7 % 11 + (row == 500 ? 400 : 0) << "\n";
      labels += (labels.empty() ? "" : ",") + ("\"" + name) + "\":[[\"2026-01-02 17:00:00.000000\",\"" + end_of_window + "\"]]";
    }
    std::filesystem::create_directories(folder / "labels");
    std::ofstream(folder / "labels" / "combined_windows.json") << "{" << labels << "}";
  }
  ~small_nab() { std::filesystem::remove_all(folder); }
  finished bench(const std::vector<std::string>& options) const {
    std::vector<std::string> command{program("factory-bench"), "nab", "--data", folder.string()};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
  }
};

TEST(nab, each_file_is_judged_once_with_constants_that_were_found_on_others_and_the_same_seed_finds_the_same) {
  const small_nab data;
  const auto done = data.bench({"--folds", "2", "--steps", "4"});
  ASSERT_EQ(done.status.code, 0) << done.output;
  for (const char* line : {"present ", "fold 1: files searched on ", "fold 2: files held out ", "held out, all folds "})
    EXPECT_NE(done.output.find(line), std::string::npos) << line << done.output;
  const auto sum = done.output.substr(done.output.find("held out, all folds"));
  EXPECT_NE(sum.find("2/2"), std::string::npos) << sum;
  EXPECT_EQ(data.bench({"--folds", "2", "--steps", "4"}).output, done.output);
  EXPECT_NE(data.bench({"--folds", "3"}).status.code, 0) << "there are two files";
}

TEST(nab, a_window_that_ends_at_no_row_is_refused_by_name) {
  const auto done = small_nab("2026-01-02 18:01:00").bench({});
  EXPECT_EQ(done.status.code, 1);
  EXPECT_NE(done.output.find("2026-01-02T18:01:00Z is no time of some/a.csv"), std::string::npos) << done.output;
}

TEST(bytes, are_few_for_recorded_signals_and_every_reading_comes_back_as_it_was_sent) {
  if (!std::filesystem::is_directory(shared_data()))
    GTEST_SKIP() << "needs the recordings of CNC mills and of NAB in " << shared_data()
                 << ", which are no part of this repository";
  const auto report = brief({"bytes", "--recordings", shared_data()});
  const auto a_reading = results_of(report);
  ASSERT_EQ(a_reading.size(), 3U);
  EXPECT_LT(a_reading.at("bytes-cnc"), 1.5);
  EXPECT_LT(a_reading.at("bytes-nab"), 1.5);
  EXPECT_LT(a_reading.at("bytes-adversarial"), 11);
  EXPECT_GT(a_reading.at("bytes-adversarial"), 8);  // random bits cannot be packed
}

}  // namespace
}  // namespace factory::test
