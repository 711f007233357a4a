#include "pipelines/backtest/backtest_coding.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

backtest_result full_result() {
  backtest_result it;
  it.begin_us = -5, it.end_us = 7'000'000, it.readings = 12, it.findings = 3, it.sensors = 2, it.faults = 1, it.seconds = 0.1;
  it.digest = 0xfedcba9876543210;
  backtest_line line;
  line.source = event_source::machine;
  line.rule = 7, line.name = "hot", line.draft = true, line.sensors = 2;
  line.all = {3, 40, 50, -1};
  line.by_sensor[4] = {1, 2, 3, std::nullopt};
  line.over_time = {0, 1, 2};
  line.faults = fault_figures{5, 4, 3, 2, 1'000};
  line.pipeline = line_pipeline{9, "p", 1};
  line.by_machine[6] = {1, 1, 1, 1};
  it.lines = {line, backtest_line{event_source::spike}};
  it.differences = {"draft rule 7: 3 alarms"};
  it.drafted.push_back({"p", "s", "K", summary::of(std::vector{1.0, 0.1}), {summary(), summary::of(std::vector{3.0})}});
  it.drafted_names[1'000'000] = "press/draft";
  it.machine_names[6] = "press";
  it.faults_left_out = 300;
  return it;
}

std::string bytes_of(const backtest_result& it) {
  std::string out;
  encode(it, out);
  return out;
}

TEST(backtest_coding, gives_back_all_of_it) {
  const auto bytes = bytes_of(full_result());
  backtest_result again;
  ASSERT_TRUE(decode(bytes, again));
  EXPECT_EQ(bytes_of(again), bytes);
  ASSERT_EQ(again.lines.size(), 2U);
  EXPECT_EQ(again.lines[0].source, event_source::machine);
  EXPECT_EQ(again.lines[0].by_sensor.at(4).longest_us, 2);
  EXPECT_EQ(again.lines[0].all.first_us, -1);
  EXPECT_EQ(again.lines[0].faults->median_delay_us, 1'000);
  EXPECT_EQ(again.lines[0].pipeline->name, "p");
  EXPECT_EQ(again.drafted[0].over_time[1].mean(), 3.0);
  EXPECT_EQ(again.digest, 0xfedcba9876543210);
  EXPECT_EQ(again.machine_names.at(6), "press");
  EXPECT_EQ(again.faults_left_out, 300U);
}

TEST(backtest_coding, refuses_bytes_that_are_cut_or_of_a_newer_version) {
  auto bytes = bytes_of(full_result());
  backtest_result again;
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode(std::string_view(bytes).substr(0, length), again)) << length;
  bytes[0] = 3;
  EXPECT_FALSE(decode(bytes, again));
}

TEST(backtest_coding, of_version_1_says_nothing_of_faults_that_were_left_out) {
  auto bytes = bytes_of(full_result());
  bytes.resize(bytes.size() - 2);
  bytes[0] = 1;
  backtest_result again;
  ASSERT_TRUE(decode(bytes, again));
  EXPECT_EQ(again.faults_left_out, 0U);
  EXPECT_EQ(again.machine_names.at(6), "press");
}

}  // namespace
}  // namespace factory
