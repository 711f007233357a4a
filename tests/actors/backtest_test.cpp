// Past readings through the same actors, apart from the live ones.
#include <algorithm>
#include <map>
#include <random>

#include "actors/backtest/backtest.hpp"
#include "actors/backtest/finding_book.hpp"
#include "actors/backtest/limits.hpp"
#include "actors/support/engine_fixture.hpp"
#include "pipelines/decode/batch_builder.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr sensor_id sensor_count = 5;
constexpr std::size_t seconds = 4'000;

struct backtest_test : engine_test {
  backtest_test() {
    begin(sensor_count);
    alert_rule hot;
    hot.sensor = 1;
    hot.name = "hot";
    hot.condition = rule_condition::greater_than;
    hot.high = 70;
    hot.options.deadband = 2;
    hot.options.on_delay_us = 3 * second_us;
    rule = running->create(std::vector{hot}).value().front();
  }
  void change(engine_config& config) const override { config.in_flight_readings = 1'000'000; }

  /// Swings of each sensor with outliers, calm at the end; within `lateness` in any order.
  std::vector<reading> readings_of_all(std::int64_t lateness_s) {
    std::normal_distribution<double> noise(0, 2);
    std::vector<std::pair<std::int64_t, reading>> rows;
    for (std::size_t i = 0; i < seconds; ++i)
      for (sensor_id id = 1; id <= sensor_count; ++id) {
        const bool calm = i + 100 > seconds, far = random() % 200 == 0;
        const auto value = calm ? 50.0 : 50 + noise(random) + (i / 300 % 4 == 3 ? 22 : 0) + (far ? 60 : 0);
        const auto time_us = ten_us + static_cast<std::int64_t>(i) * second_us;
        const auto late_us =
            lateness_s == 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<unsigned>(lateness_s)) * second_us;
        rows.emplace_back(time_us + late_us, reading{id, time_us, value});
      }
    std::ranges::stable_sort(rows, {}, &std::pair<std::int64_t, reading>::first);
    std::vector<reading> out;
    for (const auto& each : rows) out.push_back(each.second);
    return out;
  }
  void send(std::span<const reading> rows) {
    batch_builder builder;
    for (const auto& row : rows) builder.append(row.sensor, row.event_time_us, row.value);
    running->ingest(builder.finish(), durability::buffered).value();
  }
  void load(std::int64_t lateness_s, std::size_t body) {
    const auto rows = readings_of_all(lateness_s);
    for (std::size_t at = 0; at < rows.size(); at += body) send(std::span(rows).subspan(at, std::min(body, rows.size() - at)));
    ASSERT_TRUE(running->settle(60'000));
  }
  backtest_info finished(const backtest_request& asked) {
    const auto id = running->backtests().begin(asked, 0).value().id;
    backtest_info now;
    await([&] { return (now = running->backtests().find(id).value()).state > backtest_state::running; }, "the backtest");
    EXPECT_EQ(now.state, backtest_state::done) << now.failure;
    return now;
  }
  static const backtest_line* line_of(const backtest_result& in, bool draft, event_source source, rule_id rule = 0) {
    const auto found = std::ranges::find_if(
        in.lines, [&](const auto& each) { return each.draft == draft && each.source == source && each.rule == rule; });
    return found == in.lines.end() ? nullptr : &*found;
  }
  std::size_t alerts_of(rule_id of) {
    alert_query asked;
    asked.limit = 10'000;
    asked.like = [of](const finding& each) { return each.stated->key.rule == of; };
    return running->events().alerts(asked).value().size();
  }

  std::mt19937 random{11};
  alert_rule rule;
};

TEST_F(backtest_test, finds_what_live_ingest_of_the_same_readings_found_in_whatever_order_they_came) {
  load(40, 777);
  const auto live = running->events().digest();
  const auto done = finished({});
  EXPECT_EQ(done.result->digest, live);
  EXPECT_EQ(done.result->readings, seconds * sensor_count);
  EXPECT_EQ(done.result->sensors, sensor_count);
  const auto* const hot = line_of(*done.result, false, event_source::alert_rule, rule.id);
  ASSERT_NE(hot, nullptr);
  EXPECT_GT(hot->all.count, 2U);
  EXPECT_EQ(hot->all.count, alerts_of(rule.id));
  EXPECT_EQ(running->events().digest(), live) << "it stores nothing";
}

TEST_F(backtest_test, holds_a_draft_against_the_rule_in_force_and_against_known_faults) {
  load(0, 10'000);
  auto draft = rule;
  draft.high = 200;
  backtest_request asked;
  asked.rules = {{draft, rule.id}};
  asked.faults = {{1, ten_us + 900 * second_us, ten_us + 1'200 * second_us, "the first swing"}};
  const auto result = finished(asked).result;
  EXPECT_EQ(result->sensors, 1U) << "that of the draft";
  const auto* const tried = line_of(*result, true, event_source::alert_rule, rule.id);
  ASSERT_NE(tried, nullptr);
  EXPECT_EQ(tried->all.count, 0U);
  EXPECT_EQ(result->in_force(*tried)->faults->found, 1U);
  ASSERT_EQ(result->differences.size(), 1U);
  EXPECT_EQ(result->differences.front(), "draft rule 1 (hot): 0 alarms instead of " + std::to_string(alerts_of(rule.id)) +
                                             ", 1 of 1 known fault missed instead of 0");
}

TEST_F(backtest_test, says_how_many_confirmed_faults_it_has_no_room_for) {
  load(0, 10'000);
  anomaly_query of_sensor;
  of_sensor.among = [](const event_key& key) { return key.sensor == 1; };
  const auto found = running->events().anomalies(of_sensor).value().rows;
  ASSERT_GT(found.size(), 2U);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(running->give_feedback(found[i].stated->key, "confirmed", "", "Ann"));
  backtest_request asked;
  asked.faults.assign(limits::backtest_faults - 2, {1, ten_us, ten_us + second_us, "worn"});
  auto result = finished(asked).result;
  EXPECT_EQ(result->faults, limits::backtest_faults);
  EXPECT_EQ(result->faults_left_out, 1U);
  asked.faults.pop_back();
  result = finished(asked).result;
  EXPECT_EQ(result->faults, limits::backtest_faults);
  EXPECT_EQ(result->faults_left_out, 0U);
}

TEST_F(backtest_test, counts_no_finding_of_a_draft_among_those_of_what_is_in_force) {
  load(0, 10'000);
  auto draft = rule;
  draft.high = 60;
  backtest_request asked;
  asked.sensors = selector();
  asked.sensors->name = "*";
  asked.rules = {{draft, rule.id}};
  const auto with = finished(asked).result, without = finished({}).result;
  EXPECT_GT(line_of(*with, true, event_source::alert_rule, rule.id)->all.count, 0U);
  EXPECT_EQ(with->findings, without->findings);
  EXPECT_EQ(with->digest, running->events().digest());
}

TEST_F(backtest_test, tries_other_settings_of_detectors_beside_those_in_force) {
  load(0, 10'000);
  backtest_request asked;
  asked.detection = [](stream_rules& rules) -> expected<void> {
    for (const auto& each : detectors()) rules.detect.of(each.id).on = false;
    return {};
  };
  const auto result = finished(asked).result;
  const auto* const now = line_of(*result, false, event_source::spike);
  const auto* const tried = line_of(*result, true, event_source::spike);
  ASSERT_TRUE(now != nullptr && tried != nullptr);
  EXPECT_GT(now->all.count, 0U);
  EXPECT_EQ(tried->all.count, 0U);
}

TEST(backtest_progress, never_goes_back) {
  backtest_progress now;
  now.tell(1'000, 0.5);
  now.tell(1'010, 0.1);  // a million of the same day have been read
  EXPECT_EQ(now.readings, 1'010U);
  EXPECT_EQ(now.share, 0.5);
  now.tell(900, 0.6);
  EXPECT_EQ(now.readings, 1'010U);
  EXPECT_EQ(now.share, 0.6);
}

TEST_F(backtest_test, looks_at_a_part_of_the_time_and_of_the_sensors) {
  load(0, 10'000);
  backtest_request asked;
  asked.sensors.emplace().sensors = {2, 4};
  asked.range = {ten_us + 100 * second_us, ten_us + 200 * second_us};
  const auto result = finished(asked).result;
  EXPECT_EQ(result->readings, 200U);
  EXPECT_EQ(result->begin_us, asked.range.begin_us);
  EXPECT_EQ(result->end_us, asked.range.end_us);
}

TEST_F(backtest_test, leaves_out_what_was_left_out_live) {
  load(0, 10'000);
  reading_batch more;
  for (std::int64_t i = 0; i < 300; ++i) {
    more.event_time_us.push_back(ten_us + (static_cast<std::int64_t>(seconds) + i) * second_us);
    more.value.push_back(i % 50 == 7 ? 500 : 50);
    more.flags.push_back(i % 50 == 7 ? flag_bad : flag_none);
  }
  more.slices.push_back({1, 0, 300});
  running->ingest(std::move(more), durability::buffered).value();
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(finished({}).result->digest, running->events().digest());
}

TEST_F(backtest_test, one_that_is_forgotten_ends_and_is_not_found) {
  load(0, 10'000);
  auto& all = running->backtests();
  const auto first = all.begin({}, 0).value().id, second = all.begin({}, 0).value().id;
  EXPECT_TRUE(all.remove(first));
  EXPECT_TRUE(all.remove(second));
  EXPECT_EQ(all.find(first).error().code, errc::not_found);
  EXPECT_TRUE(all.all().empty());
  EXPECT_EQ(all.remove(second).error().code, errc::not_found);
  EXPECT_EQ(finished({}).result->sensors, sensor_count) << "the next one runs";
}

TEST_F(backtest_test, a_restart_shows_what_it_came_to) {
  load(0, 10'000);
  const auto before = finished({});
  open();
  const auto after = running->backtests().find(before.id).value();
  EXPECT_EQ(after.state, backtest_state::done);
  EXPECT_EQ(after.created_at_us, before.created_at_us);
  EXPECT_EQ(after.readings, before.readings);
  ASSERT_TRUE(after.result);
  EXPECT_EQ(after.result->digest, before.result->digest);
  EXPECT_EQ(after.result->lines.size(), before.result->lines.size());
  ASSERT_EQ(running->backtests().all().size(), 1U);
  EXPECT_GT(finished({}).id, before.id);
  ASSERT_TRUE(running->backtests().remove(before.id));
  open();
  EXPECT_EQ(running->backtests().find(before.id).error().code, errc::not_found);
}

TEST_F(backtest_test, is_refused_when_no_sensor_is_chosen) {
  backtest_request asked;
  asked.sensors.emplace().sensors = {99};
  EXPECT_EQ(running->backtests().begin(asked, 0).error().code, errc::invalid);
}

TEST(row_feed, gives_all_rows_in_the_order_of_their_times) {
  std::mt19937 random(3);
  std::map<sensor_id, reading_run> stored;
  std::size_t count = 0;
  for (sensor_id id = 1; id <= 30; ++id)
    for (std::int64_t time_us = 0; time_us < 200'000; time_us += 1 + static_cast<std::int64_t>(random() % (id == 7 ? 3 : 400))) {
      stored[id].push_back(time_us, id, flag_none);
      ++count;
    }
  const auto read = [&](sensor_id id, const time_range& range, std::size_t about, bool) -> expected<reading_run> {
    reading_run out;
    const auto& all = stored[id];
    for (std::size_t row = 0; row < all.size() && out.size() < about; ++row)
      if (all.event_time_us[row] >= range.begin_us && all.event_time_us[row] < range.end_us)
        out.push_back(all.event_time_us[row], all.value[row], flag_none);
    return out;
  };
  row_feed feed(read,
                {7, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30},
                {0, 190'000});
  std::int64_t newest_us = -1;
  std::map<sensor_id, reading_run> got;
  for (auto batch = feed.next().value(); batch; batch = feed.next().value()) {
    EXPECT_GT(*std::ranges::min_element(batch->event_time_us), newest_us);
    newest_us = *std::ranges::max_element(batch->event_time_us);
    for (const slice& each : batch->slices)
      for (auto row = each.begin; row < each.end; ++row)
        got[each.sensor].push_back(batch->event_time_us[row], batch->value[row], flag_none);
  }
  for (auto& [id, rows] : stored) {
    const auto wanted = std::ranges::lower_bound(rows.event_time_us, 190'000) - rows.event_time_us.begin();
    ASSERT_EQ(got[id].size(), static_cast<std::size_t>(wanted));
    EXPECT_TRUE(std::equal(got[id].event_time_us.begin(), got[id].event_time_us.end(), rows.event_time_us.begin()));
  }
  EXPECT_GT(count, 60'000U);
}

TEST(finding_book, takes_an_event_once_and_no_more_than_it_has_room_for) {
  finding_book book(2);
  event raised;
  raised.key = {1, 5, event_source::max_threshold, 0, event_kind::alert_raised};
  book.add({raised, raised});
  EXPECT_FALSE(book.overflowed());
  std::size_t count = 0;
  book.visit([&](const finding& each) {
    ++count;
    EXPECT_TRUE(each.open());
  });
  EXPECT_EQ(count, 1U);
  auto other = raised;
  for (other.key.sensor = 2; other.key.sensor < 4; ++other.key.sensor) book.add({other});
  EXPECT_TRUE(book.overflowed());
}

}  // namespace
}  // namespace factory::test
