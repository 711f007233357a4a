#include "actors/analysis/analysis.hpp"

#include "actors/sensors/saved_state.hpp"
#include "actors/support/deterministic.hpp"
#include "actors/support/messages.hpp"
#include "pipelines/alarm/judged_alarms.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr sensor_id analysed = 7;

/// The analysis chain, and what it hands to the store.
struct analysis_test : deterministic {
  static std::shared_ptr<const batch_flow> flow_of(const new_readings& part) { return {part.group, part.parts().front().flow}; }
  /// What detectors say about a reading.
  found_events anomaly_at(std::uint64_t sequence, std::int64_t time_us) {
    event found;
    found.key = {analysed, time_us, event_source::z_score, 0, event_kind::anomaly};
    return {flow_of(made.readings(sequence, analysed, {{time_us, 99}})), analysed, {found}};
  }
  /// Readings that can move an alarm.
  alarm_readings moving(std::uint64_t sequence, const timed_values& rows) {
    alarm_readings part{flow_of(made.readings(sequence, analysed, rows)), analysed, {}};
    for (const auto& [time_us, value] : rows) part.rows.push_back({time_us, value});
    return part;
  }
  template <class Actor, class Message>
  void send(const Actor& to, Message message) {
    caf::anon_send(to, std::move(message));
    run();
  }
  std::vector<event_kind> kinds() const {
    std::vector<event_kind> all;
    for (const auto& each : store.events()) all.push_back(each.key.kind);
    return all;
  }
  static save_order snapshot(std::uint64_t applied_sequence, completion stored = {}) {
    std::string state;
    put_sensor_part(state, "the sensor's part");
    return {
        std::make_shared<saved_sensor>(saved_sensor{analysed, applied_sequence, std::move(state), {}}), std::move(stored), {}};
  }
  /// The alarms as the threshold actor would store them now.
  std::string board_after(std::uint64_t applied_sequence) {
    send(thresholds, snapshot(applied_sequence));
    return std::string(split_saved(store.snapshots().back().state).board().bytes);
  }

  committer made;
  recorded_store store;
  std::shared_ptr<const stage_line> chain = spawn_chain(store.face());
  stage_actor anomalies = chain->stages.at(0), thresholds = chain->stages.at(1);
};

TEST_F(analysis_test, what_a_sensor_found_is_handed_to_the_store_before_its_state) {
  caf::anon_send(anomalies, anomaly_at(1, ten_us));
  caf::anon_send(anomalies, snapshot(1));
  run();
  ASSERT_EQ(store.steps.size(), 2U);
  ASSERT_EQ(store.steps[0].events.size(), 1U);
  EXPECT_EQ(store.steps[0].events[0].key.event_time_us, ten_us);
  EXPECT_TRUE(store.steps[1].snapshot);
}

TEST_F(analysis_test, a_late_breach_raises_an_alert_at_its_own_time_and_a_correction_withdraws_it) {
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {}}));
  send(thresholds, moving(2, {{ten_us, 50}, {ten_us + 10, 50}}));
  send(thresholds, moving(3, {{ten_us + 5, 500}, {ten_us + 10, 50}}));
  send(thresholds, moving(4, {{ten_us + 5, 60}, {ten_us + 10, 50}}));
  EXPECT_EQ(kinds(), (std::vector{event_kind::alert_raised, event_kind::alert_cleared, event_kind::withdrawn}));
  EXPECT_EQ(store.events()[0].key.event_time_us, ten_us + 5);
  EXPECT_EQ(store.events()[2].key.event_time_us, ten_us + 5);
}

TEST_F(analysis_test, limits_raise_one_alert_until_a_reading_is_back_in_range) {
  send(thresholds, committer::config(1, {analysed, {10.0, 90.0}, {}}));
  send(thresholds, moving(2, {{ten_us, 50}, {ten_us + 1, 95}, {ten_us + 2, 99}}));
  send(thresholds, moving(3, {{ten_us + 3, 96}, {ten_us + 4, 90}, {ten_us + 5, 5}}));
  EXPECT_EQ(kinds(), (std::vector{event_kind::alert_raised, event_kind::alert_escalated, event_kind::alert_cleared,
                                  event_kind::alert_raised}));
  const auto found = store.events();
  EXPECT_EQ(found[2].key.event_time_us, found[0].key.event_time_us) << "cleared names the reading that raised";
  EXPECT_EQ(found[2].at_us, ten_us + 4);
  EXPECT_EQ(found[3].key.source, event_source::min_threshold);
}

TEST_F(analysis_test, rules_raise_alerts_of_their_own_beside_the_limits) {
  const alert_rule hot{3, analysed, "hot", rule_condition::greater_than, 0, 80, severity::rule_warning, true};
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {hot}}));
  send(thresholds, moving(2, {{ten_us, 85}, {ten_us + 1, 95}, {ten_us + 2, 70}}));
  const auto found = store.events();
  ASSERT_EQ(found.size(), 5U) << "the rule's alert grows at the second reading";
  EXPECT_EQ(found[0].key.rule, 3U);
  EXPECT_EQ(found[0].level, severity::rule_warning);
  EXPECT_EQ(found[2].key.source, event_source::max_threshold);
}

TEST_F(analysis_test, an_alert_whose_limit_goes_is_cleared) {
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {}}));
  send(thresholds, moving(2, {{ten_us, 95}}));
  auto without = committer::config(3, {analysed, {}, {}});
  without.at_us = ten_us;
  send(thresholds, without);
  EXPECT_EQ(kinds(), (std::vector{event_kind::alert_raised, event_kind::alert_cleared}));
}

TEST_F(analysis_test, entries_that_the_board_has_seen_change_nothing) {
  send(thresholds, committer::config(5, {analysed, {{}, 90.0}, {}}));
  send(thresholds, moving(6, {{ten_us, 95}}));
  send(thresholds, committer::config(5, {analysed, {}, {}}));
  send(thresholds, moving(6, {{ten_us + 1, 20}}));
  EXPECT_EQ(kinds(), std::vector{event_kind::alert_raised});
}

TEST_F(analysis_test, a_snapshot_carries_the_board_and_how_far_it_is) {
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {}}));
  send(thresholds, moving(4, {{ten_us, 95}}));
  auto [stored, waiter] = completion::make();
  send(anomalies, snapshot(3, std::move(stored)));
  const auto handed = store.snapshots();
  ASSERT_EQ(handed.size(), 1U);
  const auto parts = split_saved(handed[0].state);
  EXPECT_EQ(parts.sensor, "the sensor's part");
  EXPECT_EQ(parts.board().applied_sequence, 4U) << "the board may be ahead of the sensor";
  judged_alarms alarms;
  auto bytes = parts.board().bytes;
  ASSERT_TRUE(alarms.decode(bytes));
  EXPECT_EQ(alarms.active_count(), 1U);
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::timed_out);
  store.steps.back().written();
  EXPECT_TRUE(waiter.wait_for(0));
}

TEST_F(analysis_test, a_stored_board_is_adopted_unless_the_actor_stands_further) {
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {}}));
  send(thresholds, moving(2, {{ten_us, 95}}));
  const auto active = board_after(2);
  send(thresholds, moving(3, {{ten_us + 1, 20}}));
  const auto calm_again = board_after(3);
  send(thresholds, adopt_order{analysed, 2, active});
  EXPECT_EQ(board_after(3), calm_again);
  send(thresholds, retire_order{analysed, {}});
  send(thresholds, adopt_order{analysed, 2, active});
  EXPECT_EQ(board_after(2), active);
}

TEST_F(analysis_test, a_deleted_sensor_leaves_no_board_and_a_drain_is_answered) {
  send(thresholds, committer::config(1, {analysed, {{}, 90.0}, {}}));
  auto [gone, gone_waiter] = reply<bool>::make();
  send(anomalies, retire_order{analysed, std::move(gone)});
  EXPECT_TRUE(gone_waiter.wait_for(0));
  EXPECT_EQ(board_after(1), "");
  auto [drained, drained_waiter] = reply<bool>::make();
  send(anomalies, drain_order{std::move(drained)});
  EXPECT_TRUE(drained_waiter.wait_for(0));
}

}  // namespace
}  // namespace factory::test
