#include "replay/backtest.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace factory::replay {
namespace {

namespace fs = std::filesystem;

class backtest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("backtest-" + std::to_string(::getpid()));
    fs::create_directories(dir_ / "in" / "sub");
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string path(const std::string& name) const { return (dir_ / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  std::string read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(path(name)).rdbuf();
    return out.str();
  }
  expected<backtest_figures> run(const std::string& file, const std::string& scores, bool machine = false) const {
    command_line typed;
    typed.files = {path(file)};
    typed.backtest = true;
    typed.scores = path(scores);
    typed.machine = machine;
    const auto how = understand(typed);
    if (!how) return tl::unexpected(how.error());
    return run_backtest(*how, typed.scores, machine);
  }

  fs::path dir_;
};

TEST_F(backtest, writes_a_row_for_each_row_with_its_time_and_value_as_they_were_written) {
  write("in.csv", "timestamp,value\r\n2026-01-01 00:00:00,1.50\r\n2026-01-01 00:05:00,2e0\r\n2026-01-01 00:05:00,3\r\n");
  const auto done = run("in.csv", "out.csv");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(read("out.csv"),
            "timestamp,value,anomaly_score\n2026-01-01 00:00:00,1.50,0.000000\n2026-01-01 00:05:00,2e0,0.000000\n"
            "2026-01-01 00:05:00,3,0.000000\n");
  EXPECT_EQ(done->rows, 3U);
  EXPECT_EQ(done->not_judged, 1U);
}

TEST_F(backtest, marks_the_row_where_an_episode_opens) {
  std::string text = "timestamp,value\n";
  for (int i = 0; i < 500; ++i)
    text += std::to_string(1'767'225'600 + 10 * i) + "," + std::to_string(i == 450 ? 90 : 20 + i * 7 % 5) + "\n";
  write("in/sub/a.csv", text);
  const auto done = run("in", "out");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->episodes, 1U);
  std::istringstream rows(read("out/sub/a.csv"));
  std::string row;
  std::getline(rows, row);
  for (int i = 0; std::getline(rows, row); ++i)
    EXPECT_EQ(std::stod(row.substr(row.rfind(',') + 1)) >= 0.5, i == 450) << i << ": " << row;
}

TEST_F(backtest, takes_the_columns_of_a_wide_file_as_one_machine) {
  std::string text = "time,a,b,c\n";
  for (int i = 0; i < 600; ++i) {
    const int off = i >= 500 ? 40 : 0;
    text += std::to_string(1'767'225'600 + i) + "," + std::to_string(i * 7 % 11) + "," + std::to_string(i * 5 % 13 + off) + "," +
            std::to_string(i * 3 % 7) + "\n";
  }
  write("in.csv", text);
  EXPECT_FALSE(run("in.csv", "out.csv"));  // more than one column
  const auto done = run("in.csv", "out.csv", true);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->episodes, 1U);
  const std::string out = read("out.csv");
  EXPECT_TRUE(out.starts_with("timestamp,anomaly_score\n1767225600,0.000000\n"));
  EXPECT_GE(std::stod(out.substr(out.rfind(',') + 1)), 0.5);  // the state lasts to the end
}

TEST_F(backtest, says_which_line_is_no_reading) {
  write("in.csv", "timestamp,value\n2026-01-01,1\n2026-01-02,x\n");
  const auto done = run("in.csv", "out.csv");
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("line 3: value: not a number"), std::string::npos) << done.error().message;
}

TEST_F(backtest, without_scores_says_what_fired_on_each_column) {
  std::string text = "time,calm,jumps\n";
  for (int i = 0; i < 600; ++i)
    text += std::to_string(1'767'225'600 + 10 * i) + "," + std::to_string(20 + i * 7 % 5) + "," +
            std::to_string(i == 450 ? 90 : 20 + i * 7 % 5) + "\n";
  write("in.csv", text);
  command_line typed;
  typed.files = {path("in.csv")};
  typed.backtest = true;
  const std::atomic<bool> stop{false};
  const auto done = judge_files(understand(typed).value(), stop);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->result.readings, 1'200U);
  EXPECT_EQ(done->result.sensors, 2U);
  const auto spike = std::ranges::find(done->result.lines, event_source::spike, &backtest_line::source);
  ASSERT_NE(spike, done->result.lines.end());
  EXPECT_EQ(spike->by_sensor.size(), 1U);
  EXPECT_TRUE(spike->by_sensor.contains(2));
  EXPECT_NE(done->json.find("in.csv/jumps"), std::string::npos);
  EXPECT_NE(to_text(done->result).find("spike"), std::string::npos);
}

}  // namespace
}  // namespace factory::replay
