#include "pipelines/alarm/thresholds.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace factory {
namespace {

using enum severity;
using enum breach_type;

TEST(check_thresholds, judges_a_breach_by_how_far_it_passes_the_limit) {
  struct row {
    std::optional<double> min, max;
    double value;
    std::optional<breach_type> type;
    severity level;
  };
  const std::optional<double> none;
  for (const auto& [min, max, value, type, level] :
       std::vector<row>{{10, 100, 50, {}, medium},  // in range
                        {10, 100, 10, {}, medium},
                        {10, 100, 100, {}, medium},  // a limit itself is in range
                        {none, 100, 100.01, above_maximum, medium},
                        {none, 100, 110, above_maximum, medium},  // 10 % is not over 10 %
                        {none, 100, 110.1, above_maximum, high},
                        {none, 100, 120, above_maximum, high},
                        {none, 100, 120.1, above_maximum, critical},
                        {100, none, 99, below_minimum, medium},
                        {100, none, 89, below_minimum, high},
                        {100, none, 79, below_minimum, critical},
                        {-100, none, -105, below_minimum, medium},  // relative to |limit|
                        {-100, none, -115, below_minimum, high},
                        {-100, none, -125, below_minimum, critical},
                        {none, -20, -19, above_maximum, medium},
                        {none, -20, -10, above_maximum, critical},
                        {none, 0, 0.001, above_maximum, critical},  // a limit of 0 that stands alone
                        {0, none, -0.001, below_minimum, critical},
                        {0, 50, -4, below_minimum, medium},  // against the span of 50
                        {0, 50, -6, below_minimum, high},
                        {0, 50, -11, below_minimum, critical},
                        {-50, 0, 4, above_maximum, medium},
                        {-50, 0, 11, above_maximum, critical},
                        {0, 0, 1e-9, above_maximum, critical},  // no span either
                        {none, none, 1e300, {}, medium},
                        {none, 1e-300, 1e300, above_maximum, critical},
                        {none, 100, std::nan(""), {}, medium}}) {
    const auto breach = check_thresholds({min, max}, value);
    ASSERT_EQ(breach.has_value(), type.has_value()) << value;
    if (!type) continue;
    EXPECT_EQ(breach->type, *type) << value;
    EXPECT_EQ(breach->level, level) << value;
    EXPECT_EQ(breach->threshold_value, *type == above_maximum ? *max : *min);
  }
}

TEST(alert_rule, breaches_strictly_by_its_condition) {
  alert_rule rule;
  rule.low = 10;
  rule.high = 20;
  struct row {
    rule_condition condition;
    double value;
    std::optional<double> limit;
  };
  using enum rule_condition;
  for (const auto& [condition, value, limit] : std::vector<row>{{greater_than, 20, {}},
                                                                {greater_than, 20.5, 20.0},
                                                                {greater_than, 5, {}},
                                                                {less_than, 10, {}},
                                                                {less_than, 9.5, 10.0},
                                                                {less_than, 25, {}},
                                                                {out_of_range, 10, {}},
                                                                {out_of_range, 20, {}},
                                                                {out_of_range, 9, 10.0},
                                                                {out_of_range, 21, 20.0}}) {
    rule.condition = condition;
    rule.enabled = true;
    EXPECT_EQ(breached_limit(rule, value), limit) << to_text(condition) << " " << value;
    rule.enabled = false;
    EXPECT_FALSE(breached_limit(rule, value));
  }
}

TEST(thresholds, texts_are_the_contracts) {
  EXPECT_EQ(to_text(medium), "medium");
  EXPECT_EQ(to_text(high), "high");
  EXPECT_EQ(to_text(critical), "critical");
  EXPECT_EQ(to_text(rule_info), "INFO");
  EXPECT_EQ(to_text(below_minimum), "below_minimum");
  EXPECT_EQ(to_text(above_maximum), "above_maximum");
  for (const auto* const text : {"GREATER_THAN", "LESS_THAN", "OUT_OF_RANGE"})
    EXPECT_EQ(to_text(parse_rule_condition(text).value()), text);
  for (const auto* const text : {"INFO", "WARNING", "CRITICAL"}) EXPECT_EQ(to_text(parse_rule_severity(text).value()), text);
  for (const auto* const text : {"", "greater_than", "EQUAL"}) EXPECT_FALSE(parse_rule_condition(text));
  for (const auto* const text : {"", "critical", "medium"}) EXPECT_FALSE(parse_rule_severity(text));
}

}  // namespace
}  // namespace factory
