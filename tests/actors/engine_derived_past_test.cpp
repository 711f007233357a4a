// Derived sensors and event sinks follow corrections and late readings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "actors/support/engine_fixture.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/support/stream_reference.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

using enum correction_action;
using stream_reference::series;

const std::string minutely_means = R"({"name":"minutes","sources":{"a":{"sensor_id":1}},
  "steps":[{"window":{"tumbling_ms":60000},"aggregate":"mean"}],
  "sinks":[{"sensor":{"name":"minutes"}},{"event":{"when":"value > 60"}}]})";
const std::string hourly_maxima = R"({"name":"hours","sources":{"a":{"sensor_id":3}},
  "steps":[{"window":{"tumbling_ms":3600000},"aggregate":"max"}],"sinks":[{"sensor":{"name":"hours"}}]})";
const std::string energies = R"({"name":"energy","sources":{"a":{"sensor_id":1},"b":{"sensor_id":2}},
  "steps":[{"align":{"tolerance_ms":5000}},{"compute":"a + b"},{"window":{"tumbling_ms":30000},"aggregate":"integral"},{"filter":"value > 1000"}],
  "sinks":[{"sensor":{"name":"energy"}},{"event":{"when":"value > 3000"}}]})";

series moved(const series& all, std::int64_t by_us) {
  series out;
  for (const auto& [time_us, value] : all) out[time_us + by_us] = value;
  return out;
}

/// The reference begins its windows at 0, so it gets times since ten_us, an end of all these windows.
series expected_of(const std::string& pipeline, std::vector<series> sources) {
  for (auto& each : sources) each = moved(each, -ten_us);
  return moved(stream_reference::run(parse_pipeline(pipeline).value(), sources), ten_us);
}

struct engine_derived_past : engine_test {
  void begin_two() {
    begin(2);
    ingest(2, {{ten_us - 1'000 * second_us, 1.0}}).value();
  }
  series readings(sensor_id id) {
    EXPECT_TRUE(running->settle(60'000));
    series found;
    EXPECT_TRUE(running->scan(id, {INT64_MIN, INT64_MAX}, [&found](const reading_run& run) {
      for (std::size_t i = 0; i < run.size(); ++i)
        if (!is_left_out(run.flags[i])) found[run.event_time_us[i]] = run.value[i];
      return true;
    }));
    found.erase(found.lower_bound(until_us), found.end());
    return found;
  }
  std::int64_t until_us = INT64_MAX;  ///< windows from here on end when time passes: they are not looked at
  double stored(sensor_id id, std::int64_t time_us) {
    return running->readings(id, {time_us, time_us + 1}, 1, false, reading_form::stored)->value.at(0);
  }
  static correction asked(sensor_id sensor, std::int64_t begin_us, std::int64_t end_us, reading_change change) {
    static int number = 0;
    correction asked;
    asked.sensors = {sensor};
    asked.begin_us = begin_us;
    asked.end_us = end_us;
    asked.change = change;
    asked.reason = "testing " + std::to_string(++number);
    asked.by = "Ada";
    return asked;
  }
  /// 50 a second of sensor 1, for so many minutes.
  void feed(int minutes) {
    timed_values rows;
    for (int i = 0; i < minutes * 60; ++i) rows.emplace_back(ten_us + i * second_us, 50.0);
    ingest(1, rows).value();
    ASSERT_TRUE(running->settle(60'000));
  }
  std::size_t holding_events() {
    event_query raised;
    raised.kind = event_kind::pipeline_raised;
    std::set<event_key> keys;
    const auto events = running->events().query(raised).value();
    for (const auto& each : events) keys.insert(with_kind(each.key, {}));
    return static_cast<std::size_t>(
        std::ranges::count_if(keys, [&](const event_key& key) { return running->events().find(key).value()->holds(); }));
  }
};

TEST_F(engine_derived_past, a_correction_makes_derived_readings_anew_and_what_is_derived_of_them_and_a_revert_brings_them_back) {
  begin_two();
  running->create_pipeline(minutely_means).value();
  running->create_pipeline(hourly_maxima).value();
  feed(125);
  until_us = ten_us + 2 * hour_us;
  const auto before = readings(3), hours_before = readings(4);
  ASSERT_EQ(before.size(), 120U);
  const auto what = asked(1, ten_us + 10 * minute_us, ten_us + 12 * minute_us, {offset, 30, 0});
  const auto preview = running->preview(what).value();
  EXPECT_EQ(readings(3), before);
  const auto made = running->correct(what).value();
  const auto all = followed(made.step);
  EXPECT_EQ(all.derived.at("minutes"), (derived_counts{2, 0, 0}));
  EXPECT_EQ(all.derived.at("hours"), (derived_counts{1, 0, 0}));
  EXPECT_EQ(all.events, (finding_counts{1, 0, 0}));
  EXPECT_EQ(preview.derived, all.derived);
  EXPECT_EQ(preview.events, all.events);
  auto expected = before;
  expected[ten_us + 10 * minute_us] = expected[ten_us + 11 * minute_us] = 80;
  EXPECT_EQ(readings(3), expected);
  EXPECT_EQ(readings(4).at(ten_us), 80);
  EXPECT_EQ(stored(3, ten_us + 10 * minute_us), 50) << "it stays as it was stored";
  EXPECT_EQ(holding_events(), 1U);
  open();
  EXPECT_EQ(readings(3), expected);
  const auto back = running->revert_correction(made.id, "Bob", "testing").value();
  EXPECT_EQ(followed(back.reverted->step).events, (finding_counts{0, 1, 0}));
  EXPECT_EQ(readings(3), before);
  EXPECT_EQ(readings(4), hours_before);
  EXPECT_EQ(holding_events(), 0U);
}

TEST_F(engine_derived_past, a_window_that_loses_all_its_readings_has_no_derived_reading_and_alerts_of_it_go) {
  begin_two();
  running->create_pipeline(minutely_means).value();
  auto derived = running->entities().find_sensor(3).value();
  derived.thresholds.max = 70.0;
  ASSERT_TRUE(running->update(derived));
  feed(20);
  timed_values hot;
  for (int i = 0; i < 60; ++i) hot.emplace_back(ten_us + 25 * minute_us + i * second_us, 85.0);
  hot.emplace_back(ten_us + 27 * minute_us, 50.0);
  hot.emplace_back(ten_us + 29 * minute_us, 50.0);
  ingest(1, hot).value();
  judged();
  ASSERT_EQ(running->events().alerts({})->size(), 1U);
  const auto made = running->correct(asked(1, ten_us + 25 * minute_us, ten_us + 26 * minute_us, {exclude, 0, 0})).value();
  const auto all = followed(made.step);
  EXPECT_EQ(all.derived.at("minutes"), (derived_counts{0, 1, 0}));
  EXPECT_EQ(all.alerts, (finding_counts{0, 1, 0}));
  EXPECT_THAT(to_text(all), testing::HasSubstr("1 derived reading of minutes removed"));
  EXPECT_FALSE(readings(3).contains(ten_us + 25 * minute_us));
}

TEST_F(engine_derived_past, a_window_that_is_still_open_ends_with_what_counts) {
  begin_two();
  running
      ->create_pipeline(R"({"name":"hours","sources":{"a":{"sensor_id":1}},
    "steps":[{"window":{"tumbling_ms":3600000},"aggregate":"mean"}],"sinks":[{"sensor":{"name":"hours"}}]})")
      .value();
  feed(30);
  followed(running->correct(asked(1, ten_us, ten_us + 15 * minute_us, {replace, 20, 0})).value().step);
  timed_values rows;
  for (int i = 30 * 60; i < 61 * 60; ++i) rows.emplace_back(ten_us + i * second_us, 50.0);
  ingest(1, rows).value();
  EXPECT_EQ(readings(3).at(ten_us), 42.5);
}

TEST_F(engine_derived_past, a_file_sorted_newest_first_ends_with_the_derived_readings_of_the_sorted_one) {
  begin_two();
  running->create_pipeline(minutely_means).value();
  running->create_pipeline(hourly_maxima).value();
  series all;
  std::mt19937 random(1);
  for (int i = 0; i < 200 * 60; ++i) all[ten_us + i * second_us] = static_cast<double>(random() % 100);
  for (int body = 9; body >= 0; --body) {
    timed_values rows;
    for (int i = body * 1'200; i < (body + 1) * 1'200; ++i)
      rows.emplace_back(ten_us + i * second_us, all[ten_us + i * second_us]);
    ingest(1, rows).value();
    ASSERT_TRUE(running->settle(60'000));
  }
  judged();
  auto expected = expected_of(minutely_means, {all});
  auto found = readings(3);
  expected.erase(std::prev(expected.end()));  // ends when time passes
  found.erase(found.upper_bound(std::prev(expected.end())->first), found.end());
  EXPECT_EQ(found, expected);
  const auto hours = expected_of(hourly_maxima, {expected});
  auto found_hours = readings(4);
  EXPECT_EQ(found_hours.at(hours.begin()->first), hours.begin()->second);
}

TEST_F(engine_derived_past, derived_readings_are_those_of_the_corrected_set_through_corrections_late_readings_and_restarts) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    begin(2);
    running->create_pipeline(energies).value();
    std::vector<series> raw(2);
    std::vector<correction> made;
    std::uint64_t newest = 0;
    std::int64_t now_us = ten_us;
    for (int turn = 0; turn < 25; ++turn) {
      for (const std::size_t source : {0U, 1U}) {
        timed_values rows;
        const auto back_us = random() % 5 == 0 ? static_cast<std::int64_t>(random() % 300) * second_us : 0;
        for (int i = 0; i < 40; ++i) {
          rows.emplace_back(now_us - back_us + i * second_us, static_cast<double>(random() % 100));
          raw[source][rows.back().first] = rows.back().second;
        }
        ingest(static_cast<sensor_id>(source + 1), rows).value();
      }
      now_us += 40 * second_us;
      if (random() % 3 == 0) {
        const auto begin_us = ten_us + static_cast<std::int64_t>(random() % 600) * second_us;
        const auto end_us = begin_us + static_cast<std::int64_t>(1 + random() % 80) * second_us;
        const reading_change changes[] = {
            {exclude, 0, 0}, {scale, 2, 0}, {offset, 45, 0}, {replace, 120, 0}, {flag, 0, flag_bad}};
        made.push_back(
            running->correct(asked(static_cast<sensor_id>(1 + random() % 2), begin_us, end_us, changes[random() % 5])).value());
        newest = made.back().step;
      } else if (!made.empty() && random() % 4 == 0) {
        auto& back = made[random() % made.size()];
        if (!back.reverted) back = running->revert_correction(back.id, "Bob", "testing").value();
        newest = std::max(newest, back.reverted->step);
      }
      if (random() % 5 == 0) open();  // what was not done is done by the next start
      if (random() % 6 == 0) {
        ASSERT_TRUE(running->checkpoint());
      }
    }
    for (const std::size_t source : {0U, 1U}) {
      raw[source][now_us + 120 * second_us] = 1;
      ingest(static_cast<sensor_id>(source + 1), {{now_us + 120 * second_us, 1.0}}).value();
    }
    if (newest != 0) followed(newest);
    judged();
    auto effective = raw;
    for (const auto& each : made) {
      if (each.reverted) continue;
      auto& of = effective[each.sensors[0] - 1];
      for (auto at = of.lower_bound(each.begin_us); at != of.end() && at->first < each.end_us;) {
        if (each.change.action == scale) at->second *= each.change.number;
        if (each.change.action == offset) at->second += each.change.number;
        if (each.change.action == replace) at->second = each.change.number;
        at = each.change.action == exclude || each.change.action == flag ? of.erase(at) : std::next(at);
      }
    }
    const auto settled_us = now_us - 5 * minute_us;  // what a filter may take back is told later
    auto expected = expected_of(energies, effective);
    auto found = readings(3);
    expected.erase(expected.lower_bound(settled_us), expected.end());
    found.erase(found.lower_bound(settled_us), found.end());
    EXPECT_EQ(found, expected);
    const auto wanted = stream_reference::findings(parse_pipeline(energies).value(), expected);
    for (const auto& [key, met] : wanted) {
      const auto it = running->events().find({1, key.event_time_us, event_source::pipeline, pipeline_rule(1, 1), {}, 0}).value();
      ASSERT_TRUE(it && it->holds()) << key.event_time_us;
      EXPECT_EQ(it->stated->value, met.value);
    }
    running.reset();
    std::filesystem::remove_all(directory.path());
    std::filesystem::create_directory(directory.path());
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace factory::test
