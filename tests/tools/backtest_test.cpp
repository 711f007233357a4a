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
  expected<backtest_figures> run(const std::string& file, const std::string& scores, bool machine = false,
                                 const std::string& labels = {}) const {
    command_line typed;
    typed.files = {path(file)};
    typed.backtest = true;
    typed.scores = path(scores);
    typed.machine = machine;
    typed.labels = labels;
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

TEST_F(backtest, counts_the_rows_of_a_machine_against_their_labels) {
  std::string text = "time,a,faulty,b,c\n";
  for (int i = 0; i < 600; ++i) {
    const bool faulty = i >= 500 && i < 560;
    text += std::to_string(1'767'225'600 + i) + "," + std::to_string(i * 7 % 11) + (faulty ? ",1," : ",0,") +
            std::to_string(i * 5 % 13 + (faulty ? 40 : 0)) + "," + std::to_string(i * 3 % 7) + "\n";
  }
  write("in.csv", text);
  const auto done = run("in.csv", "out.csv", true, "faulty");
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_TRUE(done->labelled);
  EXPECT_EQ(done->labelled->rows(), 200U);  // the 400 before are learned from
  EXPECT_EQ(done->labelled->faulty(), 60U);
  EXPECT_GT(done->labelled->f1(), 0.8);
  EXPECT_LT(done->labelled->wrong_share(), 0.25);
  EXPECT_NE(to_text(*done).find("200 rows behind the first 400 of each file, 60 of them faulty"), std::string::npos)
      << to_text(*done);
}

TEST_F(backtest, labels_change_no_score_and_a_row_that_is_not_judged_has_none) {
  std::string labelled = "time,faulty,a,b\n", plain = "time,a,b\n";
  for (int i = 0; i < 600; ++i) {
    const std::string time = std::to_string(1'767'225'600 + (i == 300 ? 299 : i)) + ",";
    const std::string cells =
        (i % 3 == 0 ? "" : std::to_string(i * 7 % 11)) + "," + std::to_string(i * 5 % 13 + (i < 550 ? 0 : 40));
    labelled += time + (i < 550 ? "0," : "1,") + cells + "\n";
    plain += time + cells + "\n";
  }
  write("labelled.csv", labelled);
  write("plain.csv", plain);
  const auto done = run("labelled.csv", "labelled.out", true, "faulty");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->not_judged, 1U);
  EXPECT_EQ(done->labelled->rows(), 199U);
  EXPECT_GT(done->labelled->found, 0U);
  ASSERT_TRUE(run("plain.csv", "plain.out", true));
  EXPECT_EQ(read("plain.out"), read("labelled.out"));
}

TEST_F(backtest, says_which_column_of_labels_it_misses) {
  write("in.csv", "time,faulty\n2026-01-01,1\n");
  EXPECT_NE(run("in.csv", "out.csv", true, "wrong").error().message.find("no column of numbers \"wrong\""), std::string::npos);
  EXPECT_NE(run("in.csv", "out.csv", true, "faulty").error().message.find("but that of the labels"), std::string::npos);
}

TEST(labelled_rows, f1_is_nothing_without_a_hit_and_one_when_all_is_told_apart) {
  labelled_rows rows;
  EXPECT_EQ(rows.f1(), 0);
  EXPECT_EQ(rows.missed_share(), 0);
  rows.count(false, true);
  rows.count(true, false);
  EXPECT_EQ(rows.f1(), 0);
  EXPECT_EQ(rows.wrong_share(), 1);
  EXPECT_EQ(rows.missed_share(), 1);
  rows.count(true, true);
  EXPECT_DOUBLE_EQ(rows.f1(), 0.5);
  labelled_rows apart;
  apart.count(true, true);
  apart.count(false, false);
  EXPECT_EQ(apart.f1(), 1);
  apart += rows;
  EXPECT_EQ(apart.rows(), 5U);
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
