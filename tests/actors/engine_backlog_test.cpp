// Readings that come later than the allowed lateness: judged afterwards, apart, and in the end as if they had come in order.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "actors/support/engine_fixture.hpp"
#include "pipelines/correct/historical.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

test::timed_values signal_in_order(unsigned seed, int count) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(50, 1);
  test::timed_values out;
  for (int i = 0; i < count; ++i)
    out.emplace_back(ten_us + i * second_us, random() % 40 == 0 ? 95 + static_cast<double>(random() % 80) : noise(random));
  return out;
}

std::vector<test::timed_values> in_bodies(const test::timed_values& rows, std::size_t size) {
  std::vector<test::timed_values> out;
  for (std::size_t begin = 0; begin < rows.size(); begin += size)
    out.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                     rows.begin() + static_cast<std::ptrdiff_t>(std::min(rows.size(), begin + size)));
  return out;
}

struct engine_backlog : test::engine_test {
  void change(engine_config& config) const override { config.data_dir /= std::to_string(place); }
  void start_anew() {
    running.reset();
    ++place;
    begin(1);
  }
  std::uint64_t digest_of(const std::vector<test::timed_values>& bodies) {
    start_anew();
    for (const auto& each : bodies) ingest(1, each).value();
    judged();
    return running->events().digest();
  }
  int place = 0;
};

TEST_F(engine_backlog, a_file_sorted_newest_first_ends_with_the_findings_of_the_sorted_one) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const auto rows = signal_in_order(seed, 3'000);
    auto bodies = in_bodies(rows, 100 + seed * 77);
    const auto sorted = digest_of(bodies);
    std::ranges::reverse(bodies);
    EXPECT_EQ(digest_of(bodies), sorted) << seed;
  }
}

TEST_F(engine_backlog, a_gateway_that_sends_the_newest_first_and_then_its_buffer_ends_likewise) {
  const auto rows = signal_in_order(9, 2'000);
  auto bodies = in_bodies(rows, 250);
  const auto sorted = digest_of(bodies);
  std::rotate(bodies.begin() + 2, bodies.begin() + 6, bodies.end());  // two, then the newest two, then four that are late
  EXPECT_EQ(digest_of(bodies), sorted);
}

TEST_F(engine_backlog, what_a_stop_cuts_short_is_judged_by_the_next_start) {
  const auto rows = signal_in_order(5, 2'000);
  auto bodies = in_bodies(rows, 200);
  const auto sorted = digest_of(bodies);
  start_anew();
  std::ranges::reverse(bodies);
  for (const auto& each : bodies) {
    ingest(1, each).value();
    open();
  }
  judged();
  EXPECT_EQ(running->events().digest(), sorted);
}

TEST_F(engine_backlog, findings_of_late_readings_are_historical_and_reported) {
  start_anew();
  auto bodies = in_bodies(signal_in_order(6, 1'000), 500);
  for (auto& [time_us, value] : bodies[0]) value = 50;
  bodies[0][250].second = 200;
  ingest(1, bodies[1]).value();
  ASSERT_TRUE(running->settle(30'000));
  ingest(1, bodies[0]).value();
  judged();
  const auto alerts = running->events().alerts({}).value();
  for (const auto& each : alerts) EXPECT_EQ(is_historical(each.stated->key), each.stated->at_us < bodies[1].front().first);
  event_query reports;
  reports.kind = event_kind::backlog_judged;
  EXPECT_FALSE(running->events().query(reports)->empty());
}

TEST_F(engine_backlog, a_late_correction_of_a_reading_that_came_in_time_takes_its_alert_back) {
  start_anew();
  test::timed_values rows;
  for (int i = 0; i < 3'000; ++i) rows.emplace_back(ten_us + i * second_us, i == 100 ? 200 : 50);
  for (const auto& each : in_bodies(rows, 500)) ingest(1, each).value();
  ASSERT_TRUE(running->settle(30'000));
  EXPECT_EQ(running->events().alerts({})->size(), 1U);
  ingest(1, {{ten_us + 100 * second_us, 50.0}}).value();
  judged();
  EXPECT_EQ(running->events().alerts({})->size(), 0U);
}

TEST_F(engine_backlog, what_came_in_time_and_comes_again_changes_nothing) {
  start_anew();
  const auto bodies = in_bodies(signal_in_order(8, 3'000), 500);
  for (const auto& each : bodies) ingest(1, each).value();
  judged();
  const auto last = running->events().last_sequence();
  for (const auto& each : bodies) ingest(1, each).value();
  judged();
  EXPECT_EQ(running->events().last_sequence(), last);
}

TEST_F(engine_backlog, a_later_backlog_of_the_same_range_takes_back_what_an_earlier_one_found) {
  start_anew();
  test::timed_values calm;
  for (int i = 0; i < 600; ++i) calm.emplace_back(ten_us + i * second_us, 50);
  ingest(1, {{ten_us + 1'000 * second_us, 50.0}}).value();
  auto wrong = calm;
  wrong[300].second = 200;
  ingest(1, wrong).value();
  judged();
  EXPECT_EQ(running->events().alerts({})->size(), 1U);
  ingest(1, {{ten_us + 300 * second_us, 50.0}}).value();  // the gateway corrects itself
  judged();
  EXPECT_EQ(running->events().alerts({})->size(), 0U);
}

}  // namespace
}  // namespace factory
