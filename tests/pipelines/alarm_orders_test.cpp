// What operators, machines and other rules do to alarms.
#include <gtest/gtest.h>

#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/finding.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using enum event_kind;
using action = limit_order::action;

alert_rule above_80(rule_id id = 1) { return {id, 7, "hot", rule_condition::greater_than, 0, 80, severity::rule_warning, true}; }

/// Alarms of sensor 7, what they said, and the alerts as these events leave them. Times in seconds.
struct alarm_orders : testing::Test {
  void watch(std::vector<alert_rule> rules, bool suppressed = false) {
    sensor_config config{7, {}, {rules.begin(), rules.end()}, {}, suppressed};
    alarms.configure(config, place_us(), INT64_MIN, now * second_us, said);
  }
  void see(std::int64_t second, double value) {
    now = std::max(now, second);
    const alarm_row row{second * second_us, value};
    alarms.observe({&row, 1}, INT64_MIN, second * second_us, said);
    newest = std::max(newest, second);
  }
  void tick(std::int64_t second) {
    now = second;
    alarms.advance(second * second_us, second * second_us, said);
  }
  void order(action what, rule_id rule = 1, std::int64_t until = 0, bool once = false) {
    limit_order asked;
    asked.what = what;
    asked.alert = {7, raised_second(rule) * second_us, event_source::alert_rule, rule, alert_raised};
    asked.until_us = until * second_us;
    asked.once = once;
    asked.who = "Ann";
    asked.comment = "why";
    alarms.obey(asked, place_us(), INT64_MIN, now * second_us, said);
  }
  std::int64_t place_us() const { return newest < 0 ? INT64_MIN : newest * second_us; }
  std::int64_t raised_second(rule_id rule) const {
    for (auto it = said.rbegin(); it != said.rend(); ++it)
      if (it->key.rule == rule) return it->key.event_time_us / second_us;
    return 0;
  }
  /// The newest alert of the rule.
  finding alert(rule_id rule = 1) const {
    finding it;
    for (const auto& each : said)
      if (each.key.rule == rule && each.key.event_time_us == raised_second(rule) * second_us) apply(it, each);
    return it;
  }
  alert_state state(rule_id rule = 1) const { return state_of(alert(rule)); }
  std::vector<event_kind> kinds() const {
    std::vector<event_kind> all;
    for (const auto& each : said) all.push_back(each.key.kind);
    return all;
  }
  void store_and_read() {
    std::string bytes;
    alarms.encode(bytes);
    alarms = judged_alarms();
    std::string_view in = bytes;
    ASSERT_TRUE(alarms.decode(in));
    EXPECT_TRUE(in.empty());
  }

  judged_alarms alarms;
  std::vector<event> said;
  std::int64_t now = 0, newest = -1;
};

using kinds_told = std::vector<event_kind>;

TEST_F(alarm_orders, a_shelved_alert_tells_so_until_the_shelf_ends_at_its_time) {
  watch({above_80()});
  see(10, 90);
  order(action::shelve, 1, 60);
  EXPECT_EQ(state(), alert_state::shelved);
  EXPECT_EQ(hush_of(alert())->until_us, 60 * second_us);
  EXPECT_EQ(alarms.due_us(), 60 * second_us);
  store_and_read();
  see(20, 20);
  EXPECT_EQ(said.back().key.kind, alert_cleared);
  EXPECT_EQ(said.back().alarm()->hushed, "shelved");
  see(30, 95);
  EXPECT_EQ(state(), alert_state::shelved) << "what is raised on the shelf says so from the beginning";
  EXPECT_EQ(said.back().alarm()->until_us, 60 * second_us);
  tick(75);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
  EXPECT_EQ(said.back().key.kind, alert_unshelved);
  EXPECT_EQ(said.back().at_us, 60 * second_us) << "whenever the tick comes";
  EXPECT_TRUE(alarms.shelves().empty());
}

TEST_F(alarm_orders, a_shelf_is_taken_off_by_an_operator_or_with_the_one_alert_that_it_was_for) {
  watch({above_80()});
  see(10, 90);
  order(action::shelve, 1, 600);
  order(action::unshelve);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
  EXPECT_EQ(said.back().who, "Ann");
  order(action::shelve, 1, 600, true);
  see(20, 20);
  EXPECT_TRUE(alarms.shelves().empty()) << "once";
  see(30, 90);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
}

TEST_F(alarm_orders, a_shelf_for_an_alert_that_is_over_holds_for_the_next_one) {
  watch({above_80()});
  see(10, 90);
  see(20, 20);
  order(action::shelve, 1, 600);
  EXPECT_EQ(said.back().key.kind, alert_shelved);
  EXPECT_EQ(state(), alert_state::returned_unacknowledged);
  see(30, 90);
  EXPECT_EQ(state(), alert_state::shelved);
}

TEST_F(alarm_orders, a_late_reading_revises_what_happened_under_a_shelf_as_without) {
  watch({above_80()});
  see(10, 20);
  see(20, 90);
  order(action::shelve, 1, 600);
  store_and_read();
  see(15, 91);  // the alert began earlier
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_shelved, withdrawn, alert_raised, alert_shelved}));
  EXPECT_EQ(alert().stated->at_us, 15 * second_us);
  EXPECT_EQ(state(), alert_state::shelved);
  see(17, 10);  // and another one followed
  EXPECT_EQ(alarms.active_count(), 1U);
}

TEST_F(alarm_orders, a_latched_alert_stands_until_it_is_reset) {
  auto rule = above_80();
  rule.options.latch = true;
  watch({rule});
  see(10, 90);
  see(20, 20);
  EXPECT_EQ(state(), alert_state::latched_unacknowledged);
  EXPECT_EQ(alarms.active_count(), 1U);
  store_and_read();
  order(action::reset);
  EXPECT_EQ(alarms.active_count(), 1U) << "not before somebody has seen it";
  order(action::acknowledge);
  order(action::reset);
  EXPECT_EQ(said.back().key.kind, alert_cleared);
  EXPECT_EQ(said.back().who, "Ann");
  EXPECT_EQ(alarms.active_count(), 0U);
  see(30, 90);
  see(40, 20);
  see(50, 99);
  EXPECT_EQ(alarms.active_count(), 1U) << "one after the other, never two";
  EXPECT_EQ(kinds(),
            (kinds_told{alert_raised, alert_returned, alert_cleared, alert_raised, alert_returned, alert_cleared, alert_raised}));
}

TEST_F(alarm_orders, a_relapse_of_a_latched_alert_waits_for_its_delay) {
  auto rule = above_80();
  rule.options.latch = true;
  rule.options.on_delay_us = 10 * second_us;
  watch({rule});
  see(0, 90);
  see(10, 90);
  see(20, 20);
  see(30, 90);
  see(35, 20);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_returned}));
  see(40, 90);
  tick(55);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_returned, alert_cleared, alert_raised}));
  EXPECT_EQ(said.back().at_us, 50 * second_us);
}

TEST_F(alarm_orders, a_machine_out_of_operation_suppresses_and_its_return_says_what_stands) {
  watch({above_80()}, true);
  see(10, 90);
  EXPECT_EQ(state(), alert_state::suppressed);
  now = 20;
  watch({above_80()}, false);
  EXPECT_EQ(said.back().key.kind, alert_unsuppressed);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
  watch({above_80()}, true);
  EXPECT_EQ(state(), alert_state::suppressed);
}

TEST_F(alarm_orders, a_rule_in_breach_suppresses_another_also_in_the_same_reading) {
  auto other = above_80(2);
  other.high = 50;
  other.options.suppressed_by = 3;
  watch({other, above_80(3)});
  see(10, 60);
  EXPECT_EQ(state(2), alert_state::active_unacknowledged);
  see(20, 90);
  EXPECT_EQ(state(2), alert_state::suppressed);
  EXPECT_EQ(state(3), alert_state::active_unacknowledged);
  see(30, 60);
  EXPECT_EQ(state(2), alert_state::active_unacknowledged);
  see(40, 10);
  see(50, 90);
  EXPECT_EQ(state(2), alert_state::suppressed);
  EXPECT_EQ(alert(2).stated->alarm()->hushed, "suppressed") << "never told as news";
}

TEST_F(alarm_orders, out_of_service_is_without_end_and_stronger_than_a_shelf) {
  watch({above_80()});
  order(action::take_out);
  see(10, 90);
  EXPECT_EQ(state(), alert_state::out_of_service);
  order(action::shelve, 1, 600);
  EXPECT_EQ(state(), alert_state::out_of_service);
  order(action::put_back);
  EXPECT_EQ(state(), alert_state::shelved);
  tick(601);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
}

TEST_F(alarm_orders, shelves_of_a_rule_go_with_it) {
  watch({above_80(1), above_80(2)});
  see(10, 90);
  order(action::shelve, 1, 600);
  watch({above_80(2)});
  EXPECT_TRUE(alarms.shelves().empty());
}

TEST_F(alarm_orders, an_alert_that_nobody_sees_is_told_again_unless_it_is_hushed) {
  auto rule = above_80();
  rule.options.re_alarm_us = 60 * second_us;
  watch({rule});
  see(0, 90);
  tick(130);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_reminded, alert_reminded}));
  EXPECT_EQ(said.back().at_us, 120 * second_us);
  order(action::shelve, 1, 200);
  store_and_read();
  tick(250);
  EXPECT_EQ(kinds(), (kinds_told{alert_raised, alert_reminded, alert_reminded, alert_shelved, alert_unshelved, alert_reminded}));
  order(action::acknowledge);
  tick(1'000);
  EXPECT_EQ(said.size(), 6U);
  EXPECT_EQ(alarms.due_us(), INT64_MAX);
}

}  // namespace
}  // namespace factory
