#include "pipelines/alarm/alarm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "pipelines/model/coding.hpp"

namespace factory {
namespace {

using enum event_kind;
constexpr auto min_threshold = event_source::min_threshold, max_threshold = event_source::max_threshold;

alert_rule rule(rule_id id, rule_condition condition, double low, double high, severity level = severity::rule_warning) {
  return {id, 5, "rule", condition, low, high, level, true};
}

/// A board of sensor 5 and all that it found.
struct fixture {
  alarm_board board;
  std::vector<event> found;

  explicit fixture(threshold_range thresholds, std::vector<alert_rule> rules = {}) { configure(thresholds, std::move(rules)); }
  void configure(threshold_range thresholds, std::vector<alert_rule> rules = {}, std::int64_t place_us = INT64_MIN) {
    board.configure({5, thresholds, {rules.begin(), rules.end()}}, place_us, 900, 900, found);
  }
  void observe(std::int64_t time_us, double value) { board.observe(time_us, value, time_us + 1'000, found); }
};

TEST(alarm_board, raises_once_and_clears_with_the_first_reading_back_in_range) {
  fixture f({10, 100});
  f.observe(1, 50);
  EXPECT_TRUE(f.found.empty());
  f.observe(2, 115);
  f.observe(3, 119);
  f.observe(4, 100);
  ASSERT_EQ(f.found.size(), 2U);
  const auto& raised = f.found[0];
  EXPECT_EQ(raised.key, (event_key{5, 2, max_threshold, 0, alert_raised}));
  EXPECT_EQ(raised.at_us, 2);
  EXPECT_EQ(raised.value, 115);
  EXPECT_EQ(raised.limit(), 100);
  EXPECT_EQ(raised.level, severity::high) << "of the raising reading, whatever came after";
  EXPECT_EQ(raised.recorded_at_us, 1'002);
  const auto& cleared = f.found[1];
  EXPECT_EQ(cleared.key, (event_key{5, 2, max_threshold, 0, alert_cleared})) << "the key keeps the raising reading's time";
  EXPECT_EQ(cleared.at_us, 4);
  EXPECT_EQ(cleared.value, 100);
  EXPECT_EQ(cleared.limit(), 100);
  EXPECT_EQ(cleared.recorded_at_us, 1'004);
}

TEST(alarm_board, an_alert_of_a_threshold_escalates_to_each_worse_level_and_where_it_is_half_as_far_again_beyond_its_limit) {
  fixture f({10, 100}, {rule(1, rule_condition::greater_than, 0, 100)});
  f.observe(1, 105);
  f.observe(2, 109);  // worse, and still medium
  f.observe(3, 115);
  f.observe(4, 118);
  f.observe(5, 105);
  f.observe(6, 130);
  f.observe(7, 140);  // less than half as far again
  f.observe(8, 139);
  f.observe(9, 50);
  f.observe(10, 105);
  f.observe(11, 500);  // from medium to critical at once
  std::vector<event> of_threshold;
  for (const auto& each : f.found)
    if (each.key.source == max_threshold) of_threshold.push_back(each);
  ASSERT_EQ(of_threshold.size(), 7U);
  EXPECT_EQ(of_threshold[1].value, 109) << "still medium";
  EXPECT_EQ(of_threshold[1].level, severity::medium);
  const auto& high = of_threshold[2];
  EXPECT_EQ(high.key, (event_key{5, 1, max_threshold, 0, alert_escalated, 1}));
  EXPECT_EQ(high.at_us, 3);
  EXPECT_EQ(high.value, 115);
  EXPECT_EQ(high.level, severity::high);
  EXPECT_EQ(high.limit(), 100);
  EXPECT_EQ(of_threshold[3].key, (event_key{5, 1, max_threshold, 0, alert_escalated, 2}));
  EXPECT_EQ(of_threshold[3].level, severity::critical);
  EXPECT_EQ(of_threshold[4].level, severity::medium) << "the end repeats what it was raised with";
  const auto* const end = std::get_if<alarm_end_detail>(&of_threshold[4].detail);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->peak, 140);
  EXPECT_EQ(end->peak_us, 7);
  EXPECT_EQ(end->limit, 100);
  EXPECT_EQ(of_threshold[6].key, (event_key{5, 10, max_threshold, 0, alert_escalated, 0}));
}

TEST(alarm_board, a_jump_from_one_limit_to_the_other_clears_one_alert_and_raises_the_other) {
  fixture f({10, 100});
  f.observe(1, 5);
  f.observe(2, 500);
  ASSERT_EQ(f.found.size(), 3U);
  EXPECT_EQ(f.found[0].key, (event_key{5, 1, min_threshold, 0, alert_raised}));
  EXPECT_EQ(f.found[1].key, (event_key{5, 1, min_threshold, 0, alert_cleared}));
  EXPECT_EQ(f.found[2].key, (event_key{5, 2, max_threshold, 0, alert_raised}));
  EXPECT_EQ(f.board.active_count(), 1U);
}

TEST(alarm_board, rules_raise_independently_with_their_own_level) {
  using enum rule_condition;
  fixture f({}, {rule(1, greater_than, 0, 80, severity::rule_info), rule(2, greater_than, 0, 90, severity::rule_critical),
                 rule(3, out_of_range, 20, 85)});
  f.observe(1, 82);
  f.observe(2, 95);
  ASSERT_EQ(f.found.size(), 4U);
  EXPECT_EQ(f.found[0].key, (event_key{5, 1, event_source::alert_rule, 1, alert_raised}));
  EXPECT_EQ(f.found[0].level, severity::rule_info);
  EXPECT_EQ(f.found[1].key, (event_key{5, 1, event_source::alert_rule, 1, alert_escalated}));
  f.found.erase(f.found.begin() + 1);
  EXPECT_EQ(f.found[1].key.rule, 2U);
  EXPECT_EQ(f.found[1].level, severity::rule_critical);
  EXPECT_EQ(f.found[2].key.rule, 3U);
  EXPECT_EQ(f.found[2].limit(), 85);
  f.observe(3, 10);  // 1 and 2 clear; 3 stays, out of range on the other side
  EXPECT_EQ(f.found.size(), 5U);
  EXPECT_EQ(f.board.active_count(), 1U);
}

TEST(alarm_board, readings_out_of_order_move_nothing) {
  fixture f({10, 100});
  f.observe(10, 50);
  f.observe(9, 500);
  f.observe(10, 500);
  EXPECT_TRUE(f.found.empty());
  f.observe(11, 500);
  f.observe(5, 50);
  EXPECT_EQ(f.found.size(), 1U);
  EXPECT_EQ(f.board.active_count(), 1U);
}

TEST(alarm_board, a_change_of_limits_clears_what_is_no_longer_passed_and_raises_nothing) {
  fixture f({10, 100}, {rule(1, rule_condition::greater_than, 0, 90)});
  f.observe(1, 120);
  ASSERT_EQ(f.found.size(), 2U);
  f.configure({10, 110}, {rule(1, rule_condition::greater_than, 0, 90)});
  EXPECT_EQ(f.found.size(), 2U) << "still passed";
  f.configure({10, 130}, {rule(1, rule_condition::greater_than, 0, 90)}, 3);
  ASSERT_EQ(f.found.size(), 3U);
  EXPECT_EQ(f.found[2].key, (event_key{5, 1, max_threshold, 0, alert_cleared}));
  EXPECT_EQ(f.found[2].at_us, 3) << "the place of the change: calm readings before it need not have been seen";
  EXPECT_EQ(f.found[2].value, 120);
  EXPECT_EQ(f.found[2].recorded_at_us, 900);
  auto disabled = rule(1, rule_condition::greater_than, 0, 90);
  disabled.enabled = false;
  f.configure({10, 130}, {disabled});
  ASSERT_EQ(f.found.size(), 4U) << "a disabled rule ends its alert";
  EXPECT_EQ(f.found[3].key.rule, 1U);
  f.configure({10, 50});
  EXPECT_EQ(f.found.size(), 4U) << "the next reading raises, not the change";
  f.observe(4, 60);
  EXPECT_EQ(f.found.size(), 5U);
  f.configure({});
  EXPECT_EQ(f.found.size(), 6U) << "a limit that is gone ends its alert";
  EXPECT_EQ(f.board.active_count(), 0U);
}

TEST(alarm_board, misses_no_breach_of_any_mix_of_limits_and_rules) {
  std::mt19937_64 random(8);
  const auto any = [&] { return static_cast<double>(random() % 21) - 10; };
  for (int round = 0; round < 3'000; ++round) {
    sensor_config config{5, {}, {}};
    if (random() % 2 == 0) config.thresholds.min = any();
    if (random() % 2 == 0) config.thresholds.max = any();
    for (rule_id id = 1; id <= random() % 4; ++id) {
      alert_rule one = rule(id, static_cast<rule_condition>(random() % 3), any(), any());
      one.enabled = random() % 4 != 0;
      config.rules.push_back(one);
    }
    const double value = any();
    alarm_board board;
    std::vector<event> found;
    board.configure(config, INT64_MIN, 0, 0, found);
    board.observe(1, value, 0, found);
    std::size_t expected = check_thresholds(config.thresholds, value) ? 1 : 0;
    for (const alert_rule& r : config.rules) expected += breached_limit(r, value) ? 1 : 0;
    ASSERT_EQ(found.size(), expected);
  }
}

bool same(const event& a, const event& b) {
  return a.key == b.key && a.recorded_at_us == b.recorded_at_us && a.at_us == b.at_us && a.value == b.value &&
         a.detail == b.detail && a.level == b.level;
}

/// A walk over the limits with changes of the config in between, the board stored and read back where `cut` says.
std::vector<event> walk(const std::function<bool(int)>& cut) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> noise(0, 60);
  alarm_board board;
  std::vector<event> found;
  for (int i = 0; i < 3'000; ++i) {
    if (i % 400 == 0) {
      alert_rule first = rule(3, rule_condition::out_of_range, -20, 90), second = rule(7, rule_condition::less_than, -50, 0);
      first.name = "näme with bytes";
      second.options = {5, false, i % 3 * 4, i % 5 * 3, 2, 3, 1, "too cold", "close the valve"};
      sensor_config config{5, {}, {first, second}};
      if (i % 800 == 0) config.thresholds = {-100.0, 80.0 + i / 100.0};
      board.configure(config, INT64_MIN, i, i, found);
    }
    board.observe(static_cast<std::int64_t>(i) - (i % 50 == 0 ? 10 : 0), noise(random), i, found);
    if (!cut(i)) continue;
    std::string bytes;
    board.encode(bytes);
    bytes += "rest";
    std::string_view in = bytes;
    alarm_board back;
    EXPECT_TRUE(back.decode(in));
    EXPECT_EQ(in, "rest");
    board = back;
  }
  return found;
}

alert_rule with_options(alert_rule of, const alarm_options& options) {
  of.options = options;
  return of;
}

TEST(alarm_board, ten_readings_around_a_limit_with_a_deadband_are_one_alert) {
  alarm_options calm;
  calm.deadband = 2;
  fixture f({}, {with_options(rule(1, rule_condition::greater_than, 0, 80), calm)});
  for (int i = 0; i < 10; ++i) f.observe(i, i % 2 == 0 ? 80.5 : 79.5);
  ASSERT_EQ(f.found.size(), 1U);
  f.observe(20, 78);
  ASSERT_EQ(f.found.size(), 2U) << "inside by the deadband";
  EXPECT_EQ(f.found[1].at_us, 20);
}

TEST(alarm_board, a_deadband_in_percent_is_of_the_limit) {
  alarm_options options;
  options.deadband = 2;
  options.deadband_in_percent = true;
  fixture f({}, {with_options(rule(1, rule_condition::out_of_range, -50, 100), options)});
  f.observe(1, -51);
  f.observe(2, -49.5);
  EXPECT_EQ(f.board.active_count(), 1U);
  f.observe(3, -49);
  EXPECT_EQ(f.board.active_count(), 0U);
}

TEST(alarm_board, a_delayed_alert_carries_the_time_at_which_the_delay_ended_and_the_breach_then_in_force) {
  alarm_options slow;
  slow.on_delay_us = 10;
  fixture f({}, {with_options(rule(1, rule_condition::greater_than, 0, 80), slow)});
  f.observe(5, 90);
  f.observe(12, 95);
  EXPECT_EQ(f.board.due_us(), 15);
  f.board.advance(14, 1'000, f.found);
  EXPECT_TRUE(f.found.empty());
  f.board.advance(40, 1'000, f.found);
  ASSERT_EQ(f.found.size(), 1U);
  EXPECT_EQ(f.found[0].key.event_time_us, 15);
  EXPECT_EQ(f.found[0].at_us, 15);
  EXPECT_EQ(f.found[0].value, 95);
  EXPECT_EQ(f.found[0].recorded_at_us, 1'000);
  EXPECT_EQ(f.board.due_us(), INT64_MAX);
}

TEST(alarm_board, a_change_of_another_rule_leaves_a_running_delay_alone) {
  alarm_options slow;
  slow.off_delay_us = 100;
  const auto watched = with_options(rule(1, rule_condition::greater_than, 0, 80), slow);
  fixture f({}, {watched});
  f.observe(1, 90);
  f.observe(2, 70);
  f.configure({}, {watched, rule(2, rule_condition::less_than, 10, 0)});
  EXPECT_EQ(f.found.size(), 1U);
  f.configure({}, {rule(2, rule_condition::less_than, 10, 0)});
  EXPECT_EQ(f.found.size(), 2U) << "its rule is gone";
}

TEST(alarm_board, a_board_stored_before_there_were_delays_goes_on) {
  std::string bytes;
  put_byte(bytes, 1);
  put_config(bytes, {5, {10.0, 100.0}, {}});
  put_byte(bytes, 1);
  put_zigzag(bytes, 7);    // newest reading
  put_double(bytes, 110);  // its value
  put_varint(bytes, 1);
  put_byte(bytes, static_cast<std::uint8_t>(max_threshold));
  put_varint(bytes, 0);
  put_zigzag(bytes, 6);  // raised
  put_double(bytes, 100);
  put_byte(bytes, static_cast<std::uint8_t>(severity::medium));
  std::string_view in = bytes;
  fixture f({});
  ASSERT_TRUE(f.board.decode(in));
  EXPECT_EQ(f.board.active_count(), 1U);
  f.observe(8, 115);
  f.observe(9, 50);
  ASSERT_EQ(f.found.size(), 2U);
  EXPECT_EQ(f.found[0].key, (event_key{5, 6, max_threshold, 0, alert_escalated, 2})) << "one that the log cannot have";
  EXPECT_EQ(f.found[1].key, (event_key{5, 6, max_threshold, 0, alert_cleared}));
}

/// Since when readings are good, and that none is poor.
constexpr std::size_t quality_bytes = 1 + 10;

TEST(alarm_board, a_board_stored_before_there_was_quality_goes_on) {
  fixture f({10, 100});
  f.observe(1, 105);
  std::string bytes, config;
  f.board.encode(bytes);
  bytes.front() = 5;
  put_config(config, f.board.config());
  bytes.erase(1 + config.size() + 1 + 1 + 8 + 1, quality_bytes);
  std::string_view in = bytes;
  fixture g({});
  ASSERT_TRUE(g.board.decode(in));
  EXPECT_TRUE(in.empty());
  g.observe(2, 50);
  ASSERT_EQ(g.found.size(), 1U);
  EXPECT_EQ(g.found[0].key, (event_key{5, 1, max_threshold, 0, alert_cleared}));
}

TEST(alarm_board, a_board_stored_before_there_were_escalations_goes_on) {
  fixture f({10, 100});
  f.observe(1, 105);
  std::string bytes;
  f.board.encode(bytes);
  bytes.front() = 2;
  std::string config;
  put_config(config, f.board.config());
  bytes.erase(1 + config.size() + 1 + 1 + 8, 1 + quality_bytes);  // since when it is silent, behind time and value
  bytes.resize(bytes.size() - 54);  // what operators did to the only limit, its peak, its shift; that nothing is shelved
  std::string_view in = bytes;
  fixture g({});
  ASSERT_TRUE(g.board.decode(in));
  EXPECT_TRUE(in.empty());
  g.observe(2, 106);
  EXPECT_TRUE(g.found.empty());
  g.observe(3, 115);
  ASSERT_EQ(g.found.size(), 1U);
  EXPECT_EQ(g.found[0].key, (event_key{5, 1, max_threshold, 0, alert_escalated, 2})) << "one that the log cannot have";
}

TEST(alarm_board, a_board_stored_before_there_were_peaks_goes_on_from_the_level_it_told) {
  fixture f({10, 100});
  f.observe(1, 105);
  f.observe(2, 115);
  std::string bytes;
  f.board.encode(bytes);
  bytes.front() = 3;
  std::string config;
  put_config(config, f.board.config());
  bytes.erase(1 + config.size() + 1 + 1 + 8 + 1, quality_bytes);
  bytes.resize(bytes.size() - 39);  // the peak, the shift; that nothing is shelved
  put_byte(bytes, static_cast<std::uint8_t>(severity::high));
  put_varint(bytes, 0);
  std::string_view in = bytes;
  fixture g({});
  ASSERT_TRUE(g.board.decode(in));
  EXPECT_TRUE(in.empty());
  g.observe(3, 109);
  EXPECT_TRUE(g.found.empty()) << "it was at high";
  g.observe(4, 130);
  g.observe(5, 50);
  ASSERT_EQ(g.found.size(), 2U);
  EXPECT_EQ(g.found[0].key, (event_key{5, 1, max_threshold, 0, alert_escalated, 2}));
  EXPECT_EQ(g.found[0].level, severity::critical);
}

TEST(alarm_board, gives_the_same_events_wherever_it_is_stored_and_read_back) {
  const auto whole = walk([](int) { return false; });
  ASSERT_GT(whole.size(), 500U);
  std::mt19937_64 random(5);
  for (int round = 0; round < 5; ++round) {
    const auto parts = walk([&](int) { return random() % 7 == 0; });
    ASSERT_TRUE(std::equal(whole.begin(), whole.end(), parts.begin(), parts.end(), same));
  }
  auto keys = whole;
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  EXPECT_TRUE(std::adjacent_find(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.key == b.key; }) ==
              keys.end())
      << "each event has a key of its own";
}

TEST(alarm_board, refuses_damaged_bytes_and_stays_as_it_was) {
  fixture f({10, 100}, {rule(1, rule_condition::greater_than, 0, 90)});
  f.observe(1, 120);
  std::string bytes;
  f.board.encode(bytes);
  alarm_board target;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    ASSERT_FALSE(target.decode(in)) << size;
    ASSERT_EQ(target.active_count(), 0U);
    ASSERT_FALSE(target.config().thresholds.configured());
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {  // must not crash, whatever it says
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % damaged.size()] = static_cast<char>(random());
    std::string_view in = damaged;
    if (target.decode(in)) target.observe(1'000, 500, 0, f.found);
  }
}

}  // namespace
}  // namespace factory
