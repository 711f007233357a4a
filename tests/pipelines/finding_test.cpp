#include "pipelines/model/finding.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

using enum event_kind;

event of_alert(event_kind kind, double value, std::uint32_t revision = 0, event_detail detail = limit_detail{80}) {
  event e;
  e.key = {1, 10, event_source::max_threshold, 0, kind, revision};
  e.at_us = 10 + static_cast<std::int64_t>(value);
  e.value = value;
  e.level = severity::medium;
  e.detail = std::move(detail);
  return e;
}
event withdrawal(event_kind of, std::uint32_t revision = 0) {
  return of_alert(withdrawn, 0, revision, withdrawal_detail{of, "a reading came late"});
}
std::string digest_of(std::vector<event> events) {
  std::string bytes;
  put_for_digest(bytes, fold_finding(events));
  return bytes;
}

TEST(finding, is_open_from_its_statement_to_its_end) {
  EXPECT_TRUE(fold_finding(std::vector{of_alert(alert_raised, 90)}).open());
  const auto ended = fold_finding(std::vector{of_alert(alert_raised, 90), of_alert(alert_cleared, 70)});
  EXPECT_TRUE(ended.holds());
  EXPECT_FALSE(ended.open());
  EXPECT_EQ(ended.newest().value, 70);
  EXPECT_EQ(ended.worst().value, 90);
  event alone = of_alert(anomaly, 90);
  alone.key.source = event_source::z_score;
  EXPECT_FALSE(fold_finding(std::vector{alone}).open()) << "an anomaly of one reading is over at once";
}

TEST(finding, grows_to_its_newest_escalation_and_keeps_the_first_acknowledgement) {
  event first = of_alert(alert_acknowledged, 0), second = of_alert(alert_acknowledged, 0, 1);
  first.who = "anna";
  second.who = "ben";
  const auto it = fold_finding(
      std::vector{of_alert(alert_raised, 90), of_alert(alert_escalated, 95), first, of_alert(alert_escalated, 99, 1), second});
  EXPECT_EQ(it.worst().value, 99);
  EXPECT_EQ(it.acknowledged->who, "anna");
}

event escalation_to(severity level, double value, std::uint32_t revision) {
  auto e = of_alert(alert_escalated, value, revision);
  e.level = level;
  return e;
}

TEST(finding, a_correction_of_an_escalation_is_about_the_one_of_its_time_whatever_came_between) {
  const auto raised = of_alert(alert_raised, 90), high = escalation_to(severity::high, 95, 0),
             critical = escalation_to(severity::critical, 99, 1);
  auto high_gone = withdrawal(alert_escalated, 7), critical_gone = withdrawal(alert_escalated, 8);
  high_gone.at_us = high.at_us;
  critical_gone.at_us = critical.at_us;
  auto less = of_alert(revised, 97, 9, revision_of<limit_detail>{alert_escalated, "a reading was corrected", {80}});
  less.at_us = critical.at_us;
  EXPECT_EQ(fold_finding(std::vector{raised, high, critical, high_gone}).worst().value, 99);
  EXPECT_EQ(fold_finding(std::vector{raised, high, critical, less}).worst().value, 97);
  EXPECT_EQ(fold_finding(std::vector{raised, high, critical, critical_gone}).worst().value, 95);
  EXPECT_EQ(fold_finding(std::vector{raised, high, critical, critical_gone, high_gone}).worst().value, 90);
  const auto late = escalation_to(severity::high, 92, 10);
  EXPECT_EQ(fold_finding(std::vector{raised, high, critical, late}).worst().value, 99) << "by time, not by arrival";
  EXPECT_EQ(fold_finding(std::vector{raised, high, withdrawal(alert_raised), of_alert(alert_raised, 91, 9)}).worst().value, 91);
  finding it;
  for (const auto& each : {raised, high, critical, less}) apply(it, each);
  EXPECT_EQ(it.worst().value, 97) << "one by one as all at once";
}

TEST(finding, an_old_correction_of_an_escalation_names_its_level) {
  const auto raised = of_alert(alert_raised, 90), high = escalation_to(severity::high, 95, 0),
             critical = escalation_to(severity::critical, 99, 1);
  auto worse = of_alert(revised, 120, 8, revision_of<limit_detail>{alert_escalated, "a reading came late", {80}});
  worse.level = severity::critical;  // at a time of its own
  const auto it = fold_finding(std::vector{raised, high, critical, worse});
  EXPECT_EQ(it.worst().value, 120);
  EXPECT_EQ(it.worst().at_us, worse.at_us);
}

TEST(finding, its_peak_is_what_its_end_says_else_its_newest_escalation) {
  const auto raised = of_alert(alert_raised, 90), worse = escalation_to(severity::high, 95, 0);
  EXPECT_EQ(peak_of(fold_finding(std::vector{raised})).value, 90);
  EXPECT_EQ(peak_of(fold_finding(std::vector{raised, worse})).value, 95);
  EXPECT_EQ(peak_of(fold_finding(std::vector{raised, worse, of_alert(alert_cleared, 70)})).value, 95);
  alarm_end_detail end;
  end.peak = 98;
  end.peak_us = 107;
  const auto over = fold_finding(std::vector{raised, worse, of_alert(alert_cleared, 70, 0, end)});
  EXPECT_EQ(peak_of(over).value, 98);
  EXPECT_EQ(peak_of(over).at_us, 107);
  auto again = withdrawal(alert_cleared);
  EXPECT_EQ(peak_of(fold_finding(std::vector{raised, worse, of_alert(alert_cleared, 70, 0, end), again})).value, 95);
}

TEST(finding, a_revision_changes_what_an_event_said_and_not_what_it_is) {
  event revision = of_alert(revised, 85, 0, revision_of<limit_detail>{alert_raised, "corrected", {81}});
  const auto it = fold_finding(std::vector{of_alert(alert_raised, 90), revision});
  EXPECT_EQ(it.stated->key.kind, alert_raised);
  EXPECT_EQ(it.stated->value, 85);
  EXPECT_EQ(it.stated->limit(), 81);
  EXPECT_TRUE(it.open());
}

TEST(finding, is_withdrawn_as_a_whole_or_in_its_end_and_may_be_stated_again) {
  EXPECT_FALSE(fold_finding(std::vector{of_alert(alert_raised, 90), withdrawal(alert_raised)}).holds());
  EXPECT_TRUE(
      fold_finding(std::vector{of_alert(alert_raised, 90), of_alert(alert_cleared, 70), withdrawal(alert_cleared)}).open());
  const auto again = fold_finding(std::vector{of_alert(alert_raised, 90), of_alert(alert_cleared, 70), withdrawal(alert_raised),
                                              of_alert(alert_raised, 91, 1)});
  EXPECT_TRUE(again.open()) << "what ended the first does not end the second";
  EXPECT_EQ(again.stated->value, 91);
}

TEST(finding, its_digest_is_that_of_the_readings_alone) {
  const auto straight = digest_of({of_alert(alert_raised, 90), of_alert(alert_cleared, 70)});
  event late = of_alert(alert_raised, 90, 3);
  late.sequence = 99;
  late.recorded_at_us = 5;
  late.explanation = "other words";
  EXPECT_EQ(digest_of({of_alert(alert_raised, 10), withdrawal(alert_raised), late, of_alert(alert_acknowledged, 1),
                       of_alert(alert_cleared, 70)}),
            straight);
  EXPECT_NE(digest_of({of_alert(alert_raised, 91), of_alert(alert_cleared, 70)}), straight);
  EXPECT_NE(digest_of({of_alert(alert_raised, 90)}), straight);
  EXPECT_EQ(digest_of({of_alert(alert_raised, 90), withdrawal(alert_raised)}), "");
}

TEST(finding, how_often_an_episode_was_updated_does_not_matter_once_it_is_closed) {
  const episode_detail whole{.what = "shift", .begin_us = 10, .end_us = 30, .count = 3, .contributions = {}};
  const auto closed = of_alert(anomaly_closed, 9, 0, whole);
  const auto opened = of_alert(anomaly_opened, 5, 0, episode_detail{});
  EXPECT_EQ(digest_of({opened, of_alert(anomaly_updated, 7, 0, episode_detail{}), closed}), digest_of({opened, closed}));
  EXPECT_NE(digest_of({opened, of_alert(anomaly_updated, 7, 0, episode_detail{})}), digest_of({opened}));
}

TEST(finding, an_update_that_is_withdrawn_leaves_the_one_before_it) {
  const auto opened = of_alert(anomaly_opened, 5, 0, episode_detail{}), first = of_alert(anomaly_updated, 7, 0, episode_detail{}),
             second = of_alert(anomaly_updated, 9, 1, episode_detail{});
  auto gone = withdrawal(anomaly_updated, 7);
  gone.at_us = second.at_us;
  EXPECT_EQ(fold_finding(std::vector{opened, first, second}).newest().value, 9);
  EXPECT_EQ(fold_finding(std::vector{opened, first, second, gone}).newest().value, 7);
  EXPECT_EQ(digest_of({opened, first, second, gone}), digest_of({opened, first}));
  auto old = withdrawal(anomaly_updated, 7);  // as logs of older versions have it: of an update that has moved since
  old.at_us = 1;
  EXPECT_EQ(fold_finding(std::vector{opened, first, second, old}).newest().value, 7);
}

}  // namespace
}  // namespace factory
