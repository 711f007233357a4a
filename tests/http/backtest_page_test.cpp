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
  EXPECT_THAT(backtest_html(result, names), HasSubstr("rule 3 vibration high</span><br><small>Press &lt;7&gt;/vibration</small>"));
  result.lines[0].sensors = 2;
  EXPECT_THAT(backtest_html(result, names), Not(HasSubstr("<br><small>")));
}

}  // namespace
}  // namespace factory
