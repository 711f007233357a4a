// What follows from a correction: findings, alarms and reports end as if the readings had come so at first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

#include "actors/support/engine_fixture.hpp"
#include "pipelines/correct/historical.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using enum correction_action;

using rows = std::map<std::int64_t, double>;

rows signal(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(50, 1);
  rows out;
  for (int i = 0; i < count; ++i)
    out[ten_us + i * second_us] = random() % 40 == 0 ? 95 + static_cast<double>(random() % 80) : noise(random);
  return out;
}

struct engine_past : test::engine_test {
  void SetUp() override { begin(1); }
  void change(engine_config& config) const override {
    config.data_dir /= std::to_string(place);
    config.jobs.report_every_us = 0;
    config.jobs.write_report = [](const daily_report& day) {
      std::uint64_t alerts = 0;
      for (const auto& each : day.sensors) alerts += each.alerts;
      return report_texts{std::to_string(alerts), ""};
    };
  }
  void store(const rows& what) {
    const test::timed_values body(what.begin(), what.end());
    ingest(1, body).value();
    ASSERT_TRUE(running->settle(20'000));
  }
  int place = 0;
  std::size_t alerts() { return running->events().alerts({}).value().size(); }
};

/// The digest of an engine to which the readings came so at first.
std::uint64_t digest_of(const rows& effective) {
  struct other : test::engine_test {
    void TestBody() override {}
  } fresh;
  fresh.begin(1);
  fresh.ingest(1, test::timed_values(effective.begin(), effective.end())).value();
  EXPECT_TRUE(fresh.running->settle(20'000));
  return fresh.running->events().digest();
}

TEST_F(engine_past, a_correction_withdraws_the_alert_that_a_wrong_reading_raised_and_its_revert_raises_it_again) {
  auto readings = signal(1, 300);
  readings[ten_us + 200 * second_us] = 400;
  store(readings);
  const auto before = running->events().digest();
  const auto known = alerts();
  const auto made = correct(ten_us + 200 * second_us, ten_us + 201 * second_us, {exclude, 0, 0});
  EXPECT_EQ(followed(made.step).alerts, (finding_counts{0, 1, 0}));
  EXPECT_EQ(alerts(), known - 1);
  const auto reverted = running->revert_correction(made.id, "Bob", "it was right").value();
  EXPECT_EQ(followed(reverted.reverted->step).alerts, (finding_counts{1, 0, 0}));
  EXPECT_EQ(running->events().digest(), before);
  event_query reports;
  reports.kind = event_kind::readings_corrected;
  const auto told = running->events().query(reports).value();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told.back().explanation, testing::HasSubstr("1 alert withdrawn"));
  EXPECT_EQ(told.front().who, "Bob");
}

TEST_F(engine_past, a_preview_says_what_would_follow_and_changes_nothing) {
  auto readings = signal(2, 300);
  readings[ten_us + 100 * second_us] = 400;
  store(readings);
  const auto before = running->events().digest();
  const auto last = running->events().last_sequence();
  correction asked;
  asked.sensors = {1};
  asked.begin_us = ten_us + 100 * second_us;
  asked.end_us = ten_us + 101 * second_us;
  asked.change = {replace, 50, 0};
  const auto all = running->preview(asked).value();
  EXPECT_EQ(all.alerts, (finding_counts{0, 1, 0}));
  EXPECT_EQ(running->events().digest(), before);
  EXPECT_EQ(running->events().last_sequence(), last);
  const auto made = correct(asked.begin_us, asked.end_us, asked.change);
  EXPECT_EQ(followed(made.step).alerts, all.alerts);
  EXPECT_EQ(followed(made.step).anomalies, all.anomalies);
  EXPECT_EQ(running->preview_revert(made.id)->alerts, (finding_counts{1, 0, 0}));
}

TEST_F(engine_past, an_alert_about_quality_follows_corrections_and_their_reverts) {
  alert_rule stale{0, 1, "stale", rule_condition::stale_quality, 0, 0, severity::rule_warning, true};
  stale.options.silence_us = 10 * second_us;
  running->create(std::vector{stale}).value();
  store(signal(1, 300));
  const auto known = alerts();
  const auto made = correct(ten_us + 100 * second_us, ten_us + 150 * second_us, {flag, 0, flag_bad});
  followed(made.step);
  const auto stands = [&] {
    const auto found = running->events().alerts({}).value();
    for (const auto& each : found)
      if (each.stated->key.source == event_source::alert_rule) return each.stated->at_us;
    return std::int64_t{0};
  };
  EXPECT_EQ(stands(), ten_us + 109 * second_us);
  running->revert_correction(made.id, "Bob", "they were good").value();
  followed(running->corrections().find(made.id)->reverted->step);
  EXPECT_EQ(stands(), 0);
  EXPECT_EQ(alerts(), known);
}

TEST_F(engine_past, a_gap_that_a_correction_makes_raises_no_alert_about_silence) {
  alert_rule silent{0, 1, "silent", rule_condition::anomaly, 0, 0, severity::rule_warning, true};
  silent.options.anomalies.detectors = detector_bit(detector::silent);
  running->create(std::vector{silent}).value();
  store(signal(3, 2'000));
  const auto known = alerts();
  followed(correct(ten_us + 1'000 * second_us, ten_us + 1'600 * second_us, {flag, 0, flag_bad}).step);
  const auto found = running->events().alerts({}).value();
  for (const auto& each : found) EXPECT_NE(each.stated->key.source, event_source::alert_rule) << each.stated->explanation;
  EXPECT_LE(alerts(), known);
}

TEST_F(engine_past, a_gap_that_a_correction_makes_is_no_silence) {
  store(signal(3, 2'000));
  const auto made = correct(ten_us + 1'000 * second_us, ten_us + 1'600 * second_us, {exclude, 0, 0});
  followed(made.step);
  anomaly_query silences;
  silences.detector = event_source::silent;
  EXPECT_TRUE(running->events().anomalies(silences)->rows.empty());
}

TEST_F(engine_past, what_was_found_in_the_past_says_so_and_stands_at_its_own_time) {
  store(signal(4, 300));
  const auto made = correct(ten_us + 150 * second_us, ten_us + 151 * second_us, {replace, 500, 0});
  EXPECT_EQ(followed(made.step).alerts.raised, 1U);
  const auto alerts = running->events().alerts({}).value();
  for (const auto& each : alerts) EXPECT_EQ(is_historical(each.stated->key), each.stated->at_us == ten_us + 150 * second_us);
}

TEST_F(engine_past, the_daily_report_of_a_corrected_day_is_made_anew_and_no_other_is_made) {
  constexpr std::int64_t day = 86'400 * second_us;
  const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto yesterday = (now_us.count() / day - 1) * day;
  rows readings;
  for (int i = 0; i < 300; ++i) readings[yesterday - day / 2 + i * (day / 300)] = i % 100 == 99 ? 200 : 50;
  store(readings);
  ASSERT_EQ(running->jobs().run("daily_report")->result, job_run::outcome::succeeded);
  const auto report = running->jobs().reports(std::nullopt, 1)->front();
  const auto alerts_told = std::stoi(running->jobs().report_json(report.id).value());
  const auto made = correct(yesterday - day / 2, yesterday + day / 2, {replace, 50, 0});
  EXPECT_EQ(followed(made.step).reported_days, std::vector{yesterday});
  EXPECT_GT(alerts_told, 0);
  EXPECT_LT(std::stoi(running->jobs().report_json(report.id).value()), alerts_told);
}

TEST_F(engine_past, ends_as_if_the_readings_had_come_so_at_first_whatever_is_corrected_reverted_or_cut_short) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    running.reset();
    ++place;
    begin(1);
    const auto stored = signal(seed, 1'000);
    store(stored);
    std::vector<correction> made;
    std::uint64_t newest = 0;
    for (int turn = 0; turn < 8; ++turn) {
      if (!made.empty() && random() % 3 == 0) {
        auto& back = made[random() % made.size()];
        if (!back.reverted) back = running->revert_correction(back.id, "Bob", "testing").value();
        newest = std::max(newest, back.reverted->step);
      } else {
        const auto begin = ten_us + static_cast<std::int64_t>(random() % 950) * second_us;
        const auto length = static_cast<std::int64_t>(1 + random() % 15) * second_us;
        const reading_change changes[] = {
            {exclude, 0, 0}, {scale, 1.02, 0}, {offset, 45, 0}, {replace, 120, 0}, {flag, 0, flag_bad}};
        made.push_back(correct(begin, begin + length, changes[random() % 5], "turn " + std::to_string(turn)));
        newest = made.back().step;
      }
      if (random() % 3 == 0) open();  // what was not done is done by the next start
    }
    followed(newest);
    rows effective = stored;
    for (const auto& each : made) {
      if (each.reverted) continue;
      for (auto at = effective.lower_bound(each.begin_us); at != effective.end() && at->first < each.end_us;) {
        if (each.change.action == exclude || each.change.action == flag) {
          at = effective.erase(at);
          continue;
        }
        if (each.change.action == scale) at->second *= each.change.number;
        if (each.change.action == offset) at->second += each.change.number;
        if (each.change.action == replace) at->second = each.change.number;
        ++at;
      }
    }
    EXPECT_EQ(running->events().digest(), digest_of(effective));
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace factory
