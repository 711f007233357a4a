#include "pipelines/correct/historical.hpp"

#include <gtest/gtest.h>

#include "pipelines/model/finding.hpp"

namespace factory {
namespace {

using enum event_kind;

event said(event_kind kind, std::int64_t at_us, double value, std::uint32_t revision = 0) {
  event e;
  e.key = {7, 1'000, event_source::alert_rule, 3, kind, revision};
  e.at_us = at_us;
  e.value = value;
  e.detail = limit_detail{90};
  return e;
}

finding after(std::vector<event> stored, const std::vector<event>& wanted) {
  const auto told = told_again(stored, wanted, "readings were corrected", 5);
  for (const auto& each : told) {
    EXPECT_TRUE(is_historical(each.key));
    EXPECT_EQ(each.recorded_at_us, 5);
    for (const auto& known : stored) EXPECT_NE(known.key, each.key);
    stored.push_back(each);
  }
  EXPECT_TRUE(told_again(stored, wanted, "readings were corrected", 5).empty()) << "told twice";
  return fold_finding(stored);
}

const std::vector alert{said(alert_raised, 1'000, 95), said(alert_cleared, 2'000, 80)};

TEST(told_again, says_nothing_where_the_log_agrees) { EXPECT_TRUE(told_again(alert, alert, "", 5).empty()); }

TEST(told_again, withdraws_what_is_not_found_any_more) { EXPECT_FALSE(after(alert, {}).holds()); }

TEST(told_again, raises_what_is_new_with_its_end) {
  const auto now = after({}, alert);
  ASSERT_TRUE(now.holds());
  EXPECT_EQ(now.ended->at_us, 2'000);
}

TEST(told_again, moves_an_end_takes_one_back_and_adds_one) {
  EXPECT_EQ(after(alert, {alert[0], said(alert_cleared, 3'000, 70)}).ended->at_us, 3'000);
  EXPECT_TRUE(after(alert, {alert[0]}).open());
  EXPECT_FALSE(after({alert[0]}, alert).open());
}

TEST(told_again, revises_other_figures_and_keeps_what_people_said) {
  auto seen = alert;
  seen.push_back(said(alert_acknowledged, 1'500, 95));
  const auto now = after(seen, {said(alert_raised, 1'000, 99), alert[1]});
  EXPECT_EQ(now.stated->value, 99);
  EXPECT_TRUE(now.acknowledged.has_value());
}

TEST(told_again, raises_again_what_was_withdrawn_and_back_and_forth) {
  auto log = alert;
  for (int turn = 0; turn < 3; ++turn) {
    for (const auto& each : told_again(log, {}, "", 5)) log.push_back(each);
    EXPECT_FALSE(fold_finding(log).holds());
    for (const auto& each : told_again(log, alert, "", 5)) log.push_back(each);
    EXPECT_TRUE(fold_finding(log).holds());
    EXPECT_EQ(fold_finding(log).ended->at_us, 2'000);
  }
}

TEST(told_again, tells_anew_an_alert_that_grew_otherwise) {
  auto grown = said(alert_escalated, 1'200, 120);
  grown.level = severity::critical;
  const auto now = after({alert[0], grown, alert[1]}, alert);
  EXPECT_TRUE(now.holds());
  EXPECT_TRUE(now.repeated.empty());
}

}  // namespace
}  // namespace factory
