#include "pipelines/alarm/judged_alarms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "pipelines/model/finding.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

/// Alarms of one sensor with a rule that waits ten seconds before it raises.
struct judged_alarms_test : testing::Test {
  judged_alarms_test() {
    alert_rule slow{1, 7, "slow", rule_condition::greater_than, 0, 80, severity::rule_warning, true};
    slow.options.on_delay_us = 10 * second_us;
    alarms.configure({7, {}, {slow}}, INT64_MIN, INT64_MIN, 0, said);
  }
  void see(std::int64_t second, double value, std::int64_t floor_second = -1'000) {
    const alarm_row row{second * second_us, value};
    alarms.observe({&row, 1}, floor_second * second_us, 0, said);
  }
  void tick(std::int64_t second) { alarms.advance(second * second_us, second * second_us, said); }
  void store_and_read() {
    std::string bytes;
    alarms.encode(bytes);
    alarms = judged_alarms();
    std::string_view in = bytes;
    ASSERT_TRUE(alarms.decode(in));
    EXPECT_TRUE(in.empty());
  }
  std::vector<event_kind> kinds() const {
    std::vector<event_kind> all;
    for (const auto& each : said) all.push_back(each.key.kind);
    return all;
  }

  judged_alarms alarms;
  std::vector<event> said;
};

using kind_list = std::vector<event_kind>;

TEST_F(judged_alarms_test, that_were_stored_before_there_were_notes_go_on) {
  see(0, 90);
  std::string bytes;
  alarms.encode(bytes);
  bytes.front() = static_cast<char>(0x82);
  bytes.resize(bytes.size() - 15);  // what they are told of, that nothing is noted, and since when the config is in force
  std::string_view in = bytes;
  ASSERT_TRUE(alarms.decode(in));
  EXPECT_TRUE(in.empty());
  EXPECT_FALSE(alarms.needs().anomalies);
  tick(13);
  EXPECT_EQ(kinds(), kind_list{event_kind::alert_raised});
}

TEST_F(judged_alarms_test, a_tick_ends_a_delay_at_its_own_instant) {
  see(0, 90);
  EXPECT_EQ(alarms.due_us(), 10 * second_us);
  store_and_read();
  tick(9);
  EXPECT_TRUE(said.empty());
  tick(13);
  ASSERT_EQ(kinds(), kind_list{event_kind::alert_raised});
  EXPECT_EQ(said[0].at_us, 10 * second_us);
  EXPECT_EQ(alarms.due_us(), INT64_MAX);
}

TEST_F(judged_alarms_test, a_reading_that_comes_behind_the_tick_for_a_time_before_it_takes_the_alert_back) {
  see(0, 90);
  tick(13);
  store_and_read();
  see(8, 20);
  ASSERT_EQ(kinds(), (kind_list{event_kind::alert_raised, event_kind::withdrawn}));
  EXPECT_EQ(alarms.active_count(), 0U);
  see(8, 95);  // corrected: the breach went on
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[2].key.kind, event_kind::alert_raised);
  EXPECT_NE(said[2].key, said[0].key) << "told again";
  EXPECT_EQ(said[2].at_us, said[0].at_us);
}

TEST_F(judged_alarms_test, a_reading_of_a_later_time_clears_what_a_tick_raised) {
  see(0, 90);
  tick(13);
  see(20, 20, 5);
  EXPECT_EQ(kinds(), (kind_list{event_kind::alert_raised, event_kind::alert_cleared}));
}

TEST_F(judged_alarms_test, limits_that_come_later_do_not_judge_readings_of_times_before_them) {
  see(0, 20);
  see(10, 20);
  alarms.configure({7, {{}, 15.0}, {}}, 10 * second_us, -1'000 * second_us, 0, said);
  see(5, 500);
  EXPECT_TRUE(said.empty());
  see(11, 16);
  EXPECT_EQ(kinds(), kind_list{event_kind::alert_raised});
}

TEST_F(judged_alarms_test, escalations_are_those_of_the_readings_in_order_however_they_come) {
  std::mt19937 random(7);
  const std::array<double, 6> values{50, 104, 108, 113, 119, 150};
  for (int round = 0; round < 300; ++round) {
    std::vector<alarm_row> rows;
    for (std::int64_t i = 1; i <= 12; ++i) rows.push_back({i * second_us, values[random() % values.size()]});
    const auto findings_of = [](const std::vector<alarm_row>& in) {
      judged_alarms judged;
      std::vector<event> events;
      judged.configure({7, {{}, 100.0}, {}}, INT64_MIN, INT64_MIN, 0, events);
      for (const auto& row : in) judged.observe({&row, 1}, -second_us, 0, events);
      std::map<event_key, std::vector<event>> by_finding;
      for (const auto& e : events) by_finding[with_kind(e.key, {})].push_back(e);
      std::string digest;
      for (const auto& [key, of_one] : by_finding) put_for_digest(digest, fold_finding(of_one));
      return digest;
    };
    const auto in_order = findings_of(rows);
    for (int shuffles = 0; shuffles < 5; ++shuffles) {
      std::ranges::shuffle(rows, random);
      ASSERT_EQ(findings_of(rows), in_order);
    }
  }
}

/// Two copies at least stand in each sensor with limits; what readings do not change is shared by them.
TEST(alarm_judge, is_as_small_as_the_memory_of_an_idle_sensor_is_reckoned_with) { EXPECT_LE(sizeof(alarm_judge), 136U); }

}  // namespace
}  // namespace factory
