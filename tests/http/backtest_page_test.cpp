#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/text/backtest_text.hpp"

namespace factory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(backtest_page, names_the_sensor_of_a_rule_that_is_about_one) {
  backtest_result result;
  backtest_line line;
  line.source = event_source::alert_rule;
  line.rule = 3;
  line.name = "vibration high";
  line.sensors = 1;
  line.by_sensor[7].count = 2;
  result.lines = {line};
  const auto names = [](sensor_id sensor) { return "Press <" + std::to_string(sensor) + ">/vibration"; };
  EXPECT_THAT(backtest_html(result, names),
              HasSubstr("rule 3 vibration high</span><br><small>Press &lt;7&gt;/vibration</small>"));
  result.lines[0].sensors = 2;
  EXPECT_THAT(backtest_html(result, names), Not(HasSubstr("<br><small>")));
}

TEST(backtest_page, says_what_was_left_out_of_the_known_faults) {
  backtest_result result;
  const auto names = [](sensor_id) { return std::string(); };
  const auto json = [&] {
    json_writer out;
    write_json(out, result, names);
    return out.text();
  };
  EXPECT_THAT(backtest_html(result, names), Not(HasSubstr("known faults")));
  EXPECT_THAT(json(), HasSubstr(R"("known_faults_most":5000,"known_faults_left_out":0)"));
  result.faults_left_out = 3;
  EXPECT_THAT(backtest_html(result, names),
              HasSubstr("<p>3 older confirmed anomalies were left out: a backtest takes 5000 known faults.</p>"));
  EXPECT_THAT(json(), HasSubstr(R"("known_faults_left_out":3)"));
}

}  // namespace
}  // namespace factory
