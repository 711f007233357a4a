#include "actors/analysis/analysis.hpp"

#include "actors/sensors/saved_state.hpp"
#include "actors/support/deterministic.hpp"
#include "actors/support/messages.hpp"

namespace factory::test {
namespace {

constexpr sensor_id id = 7;

/// An anomaly actor in front of a threshold actor, and what they hand to the store.
struct analysis_test : deterministic {
  static std::shared_ptr<const batch_flow> flow_of(const new_readings& part) { return {part.group, part.parts().front().flow}; }
  /// Readings far from a window of mean 20 and deviation 2.
  suspect_readings suspects(std::uint64_t sequence, const timed_values& rows) {
    suspect_readings part{flow_of(made.readings(sequence, id, rows)), id, {}};
    for (std::uint32_t row = 0; row < rows.size(); ++row) part.rows.push_back({row, 20, 2});
    return part;
  }
  /// Readings that can move an alarm.
  alarm_readings moving(std::uint64_t sequence, const timed_values& rows) {
    alarm_readings part{flow_of(made.readings(sequence, id, rows)), id, {}};
    for (std::uint32_t row = 0; row < rows.size(); ++row) part.rows.push_back(row);
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
    return {std::make_shared<saved_sensor>(saved_sensor{id, applied_sequence, "the sensor's half", {}}), std::move(stored), {}};
  }
  /// The alarms as the threshold actor would store them now.
  std::string board_after(std::uint64_t applied_sequence) {
    send(thresholds, snapshot(applied_sequence));
    return std::string(split_saved(store.snapshots().back().state).board);
  }

  committer made;
  recorded_store store;
  threshold_actor thresholds = spawn(threshold, store.face(), std::make_shared<tick_book>([](sensor_id, const tick&) {}));
  anomaly_actor anomalies = spawn(anomaly, thresholds, 3.0, store.face());
};

TEST_F(analysis_test, an_anomaly_is_a_reading_whose_score_is_strictly_above_the_threshold) {
  send(anomalies, suspects(1, {{noon_us, 26.0}, {noon_us + 1, 26.5}, {noon_us + 2, 13.0}}));
  const auto found = store.events();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key, (event_key{id, noon_us + 1, event_source::z_score, 0, event_kind::anomaly}));
  const auto& score = std::get<z_score_detail>(found[0].detail);
  EXPECT_DOUBLE_EQ(score.z_score, 3.25);
  EXPECT_DOUBLE_EQ(std::get<z_score_detail>(found[1].detail).z_score, -3.5);
  EXPECT_DOUBLE_EQ(score.mean, 20);
  EXPECT_DOUBLE_EQ(score.std_dev, 2);
  EXPECT_DOUBLE_EQ(score.threshold, 3);
  EXPECT_EQ(found[0].level, severity::critical);
  EXPECT_EQ(found[0].recorded_at_us, noon_us + 2) << "of the commit, no clock";
}

TEST_F(analysis_test, rows_that_the_sensor_did_not_name_are_not_looked_at) {
  send(thresholds, committer::config(1, {id, {10.0, 90.0}, {}}));
  auto far = suspects(2, {{noon_us, 1e6}, {noon_us + 1, 20}});
  far.rows.erase(far.rows.begin());
  auto outside = moving(2, {{noon_us, 1e6}, {noon_us + 1, 20}});
  outside.rows.erase(outside.rows.begin());
  send(anomalies, far);
  send(thresholds, outside);
  EXPECT_TRUE(store.steps.empty());
}

TEST_F(analysis_test, limits_raise_one_alert_until_a_reading_is_back_in_range) {
  send(thresholds, committer::config(1, {id, {10.0, 90.0}, {}}));
  send(thresholds, moving(2, {{noon_us, 50}, {noon_us + 1, 95}, {noon_us + 2, 99}}));
  send(thresholds, moving(3, {{noon_us + 3, 96}, {noon_us + 4, 90}, {noon_us + 5, 5}}));
  EXPECT_EQ(kinds(), (std::vector{event_kind::alert_raised, event_kind::alert_cleared, event_kind::alert_raised}));
  const auto found = store.events();
  EXPECT_EQ(found[1].key.event_time_us, found[0].key.event_time_us) << "cleared names the reading that raised";
  EXPECT_EQ(found[1].at_us, noon_us + 4);
  EXPECT_EQ(found[2].key.source, event_source::min_threshold);
}

TEST_F(analysis_test, rules_raise_alerts_of_their_own_beside_the_limits) {
  const alert_rule hot{3, id, "hot", rule_condition::greater_than, 0, 80, severity::rule_warning, true};
  send(thresholds, committer::config(1, {id, {{}, 90.0}, {hot}}));
  send(thresholds, moving(2, {{noon_us, 85}, {noon_us + 1, 95}, {noon_us + 2, 70}}));
  const auto found = store.events();
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].key.rule, 3U);
  EXPECT_EQ(found[0].level, severity::rule_warning);
  EXPECT_EQ(found[1].key.source, event_source::max_threshold);
}

TEST_F(analysis_test, an_alert_whose_limit_goes_is_cleared) {
  send(thresholds, committer::config(1, {id, {{}, 90.0}, {}}));
  send(thresholds, moving(2, {{noon_us, 95}}));
  send(thresholds, committer::config(3, {id, {}, {}}));
  EXPECT_EQ(kinds(), (std::vector{event_kind::alert_raised, event_kind::alert_cleared}));
}

TEST_F(analysis_test, entries_that_the_board_has_seen_change_nothing) {
  send(thresholds, committer::config(5, {id, {{}, 90.0}, {}}));
  send(thresholds, moving(6, {{noon_us, 95}}));
  send(thresholds, committer::config(5, {id, {}, {}}));
  send(thresholds, moving(6, {{noon_us + 1, 20}}));
  EXPECT_EQ(kinds(), std::vector{event_kind::alert_raised});
}

TEST_F(analysis_test, a_snapshot_carries_the_board_and_how_far_it_is) {
  send(thresholds, committer::config(1, {id, {{}, 90.0}, {}}));
  send(thresholds, moving(4, {{noon_us, 95}}));
  auto [stored, waiter] = completion::make();
  send(anomalies, snapshot(3, std::move(stored)));
  const auto handed = store.snapshots();
  ASSERT_EQ(handed.size(), 1U);
  const auto halves = split_saved(handed[0].state);
  EXPECT_EQ(halves.sensor, "the sensor's half");
  EXPECT_EQ(halves.board_applied_sequence, 4U) << "the board may be ahead of the sensor";
  alarm_board board;
  auto bytes = halves.board;
  ASSERT_TRUE(board.decode(bytes));
  EXPECT_EQ(board.active_count(), 1U);
  EXPECT_EQ(waiter.wait_for(0).error().code, errc::timed_out);
  store.steps.back().written();
  EXPECT_TRUE(waiter.wait_for(0));
}

TEST_F(analysis_test, a_stored_board_is_adopted_unless_the_actor_stands_further) {
  send(thresholds, committer::config(1, {id, {{}, 90.0}, {}}));
  send(thresholds, moving(2, {{noon_us, 95}}));
  const auto active = board_after(2);
  send(thresholds, moving(3, {{noon_us + 1, 20}}));
  const auto calm_again = board_after(3);
  send(thresholds, adopt_order{id, 2, active});
  EXPECT_EQ(board_after(3), calm_again);
  send(thresholds, retire_order{id, {}});
  send(thresholds, adopt_order{id, 2, active});
  EXPECT_EQ(board_after(2), active);
}

TEST_F(analysis_test, a_deleted_sensor_leaves_no_board_and_a_drain_is_answered) {
  send(thresholds, committer::config(1, {id, {{}, 90.0}, {}}));
  auto [gone, gone_waiter] = reply<bool>::make();
  send(anomalies, retire_order{id, std::move(gone)});
  EXPECT_TRUE(gone_waiter.wait_for(0));
  EXPECT_EQ(board_after(1), "");
  auto [drained, drained_waiter] = reply<bool>::make();
  send(anomalies, drain_order{std::move(drained)});
  EXPECT_TRUE(drained_waiter.wait_for(0));
}

}  // namespace
}  // namespace factory::test
