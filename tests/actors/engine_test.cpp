// The facade over everything, on a real directory.
#include "actors/engine/engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <thread>

#include "actors/engine/limits.hpp"
#include "actors/support/engine_fixture.hpp"
#include "support/await.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

using stored_readings = std::map<std::int64_t, double>;

stored_readings all_of(engine& from, sensor_id id, const time_range& range) {
  stored_readings found;
  const auto scanned = from.scan(id, range, [&found](const reading_run& run) {
    for (std::size_t i = 0; i < run.size(); ++i) found[run.event_time_us[i]] = run.value[i];
    return true;
  });
  EXPECT_TRUE(scanned);
  return found;
}

stored_readings within(const stored_readings& all, const time_range& range) {
  return {all.lower_bound(range.begin_us), all.lower_bound(range.end_us)};
}

struct any_history : engine_test, testing::WithParamInterface<unsigned> {
  timed_values next_body(std::mt19937& random, std::int64_t& now_us) const {
    timed_values rows;
    for (std::size_t i = 0, count = 1 + random() % 400; i < count; ++i) {
      const auto value = static_cast<double>(random() % 10'000) / 100;
      const auto back_us = random() % 20 == 0 ? static_cast<std::int64_t>(random() % 300) * second_us : 0;
      if (back_us == 0) now_us += second_us;
      rows.emplace_back(now_us - back_us, value);
    }
    return rows;
  }
  void check(const stored_readings& wanted, sensor_id id, const time_range& range) {
    const auto expected_rows = within(wanted, range);
    EXPECT_EQ(all_of(*running, id, range), expected_rows);
    const auto stats = running->stats(id, range, {}).value().values;
    ASSERT_EQ(stats.count, expected_rows.size());
    const auto newest = running->readings(id, range, 10, true).value();
    ASSERT_EQ(newest.size(), std::min<std::size_t>(10, expected_rows.size()));
    auto next = expected_rows.rbegin();
    for (std::size_t i = 0; i < newest.size(); ++i, ++next) EXPECT_EQ(newest.event_time_us[i], next->first);
    if (range.begin_us == INT64_MIN) return;
    std::uint64_t in_buckets = 0;
    const auto buckets = running->aggregate(id, range, 60 * second_us).value();
    for (const auto& each : buckets) in_buckets += each.values.count;
    EXPECT_EQ(in_buckets, expected_rows.size());
  }
};

TEST_P(any_history, is_answered_as_by_a_plain_map_through_sealing_checkpoints_rewriting_and_restarts) {
  std::mt19937 random(GetParam());
  begin(2);
  stored_readings wanted[3];
  std::int64_t now_us[3] = {0, ten_us, ten_us};
  for (int step = 0; step < 80; ++step) {
    const sensor_id id = 1 + random() % 2;
    const auto rows = next_body(random, now_us[id]);
    ASSERT_TRUE(ingest(id, rows));
    for (const auto& [time_us, value] : rows) wanted[id][time_us] = value;
    switch (random() % 12) {
      case 0: ASSERT_TRUE(running->checkpoint()); break;
      case 1: open(); break;
      case 2: ASSERT_TRUE(running->jobs().run("rewrite")); break;
      default: break;
    }
    const auto begin_us = ten_us + static_cast<std::int64_t>(random() % 8'000) * second_us;
    check(wanted[id], id, {begin_us, begin_us + static_cast<std::int64_t>(random() % 4'000) * second_us});
    EXPECT_EQ(running->latest(id)->event_time_us, now_us[id]);
  }
  for (const sensor_id id : {1U, 2U}) check(wanted[id], id, {});
}

INSTANTIATE_TEST_SUITE_P(seeds, any_history, testing::Range(0U, 4U));

TEST_F(engine_test, gives_out_nothing_from_before_the_retention_whatever_holds_it) {
  using namespace std::chrono;
  constexpr std::int64_t day_us = 86'400 * second_us;
  const std::int64_t now_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  begin(1);
  timed_values rows;
  for (int hours = 24 * 10; hours > 0; --hours) rows.emplace_back(now_us - hours * 3'600 * second_us, hours);
  ASSERT_TRUE(ingest(1, rows));
  auto sensor = running->entities().find_sensor(1).value();
  sensor.retention = 3;
  ASSERT_TRUE(running->update(sensor));
  const std::int64_t first_us = bucket_start(now_us - 3 * day_us, day_us);
  const auto kept =
      static_cast<std::uint64_t>(std::count_if(rows.begin(), rows.end(), [&](const auto& row) { return row.first >= first_us; }));
  for (int round = 0; round < 2; ++round) {  // from the head, then from a block that reaches past it
    EXPECT_EQ(running->stats(1, {}, {})->values.count, kept);
    EXPECT_EQ(running->stats(std::vector<sensor_id>{1}, {})->at(0).values.count, kept);
    EXPECT_EQ(running->readings(1, {}, 1'000, false)->size(), kept);
    EXPECT_EQ(running->newest(1, 1'000)->size(), kept);
    EXPECT_EQ(all_of(*running, 1, {}).size(), kept);
    std::uint64_t aggregated = 0;
    const auto days = running->aggregate(1, {}, day_us);
    ASSERT_TRUE(days);
    for (const bucket& each : *days) aggregated += each.values.count;
    EXPECT_EQ(aggregated, kept);
    EXPECT_EQ(running->readings(1, {0, first_us}, 10, true)->size(), 0U);
    open();
  }
  sensor.retention = 0;
  ASSERT_TRUE(running->update(sensor));
  EXPECT_EQ(running->stats(1, {}, {})->values.count, rows.size());
}

TEST_F(engine_test, what_is_newest_is_never_from_the_future) {
  constexpr std::int64_t in_a_century_us = ten_us + 100LL * 365 * 86'400 * second_us;
  begin(2);
  timed_values ahead;
  for (int i = 0; i < 50; ++i) ahead.emplace_back(in_a_century_us + i * second_us, 1'000);
  ASSERT_TRUE(ingest(1, ahead));
  for (int round = 0; round < 2; ++round) {  // from the head, then from blocks
    EXPECT_EQ(running->latest(1).error().code, errc::not_found);
    EXPECT_EQ(running->check_limits(1, 10).error().code, errc::not_found);
    EXPECT_EQ(running->anomalies(1, 10, 2).error().code, errc::not_found);
    open();
  }
  ASSERT_TRUE(ingest(1, calm(0, 20)));
  for (int round = 0; round < 2; ++round) {
    const auto newest = running->newest(1, 30);
    ASSERT_TRUE(newest);
    EXPECT_EQ(newest->size(), 20U);
    EXPECT_EQ(running->latest(1)->event_time_us, newest->event_time_us.back());
    EXPECT_EQ(running->check_limits(1, 10)->alerts.size(), 0U);
    EXPECT_EQ(running->anomalies(1, 10, 2)->analyzed, 10U);
    EXPECT_EQ(running->stats(1, {}, {})->values.count, 70U);
    open();
  }
}

TEST_F(engine_test, findings_are_the_same_whether_it_was_restarted_or_not) {
  const auto digest_with = [this](int restart_every) {
    std::filesystem::remove_all(directory.path());
    begin(1);
    std::mt19937 random(1);
    for (int i = 0; i < 40; ++i) {
      auto rows = calm(static_cast<std::size_t>(i) * 50, 50);
      rows[random() % 50].second = 95;
      EXPECT_TRUE(ingest(1, rows));
      if (i % restart_every == restart_every - 1) open();
    }
    EXPECT_TRUE(running->settle(60'000));
    EXPECT_EQ(running->events().count().alerts, 40U);
    const auto digest = running->events().digest();
    running.reset();
    return digest;
  };
  EXPECT_EQ(digest_with(7), digest_with(1'000));
}

TEST_F(engine_test, a_body_beyond_the_credits_is_refused_and_leaves_nothing) {
  begin(1);
  const auto refused = ingest(1, calm(0, 100'001));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::overloaded);
  EXPECT_EQ(running->metrics().credits_refused, 1U);
  EXPECT_EQ(running->stats(1, {}, {})->values.count, 0U);
  EXPECT_TRUE(ingest(1, calm(0, 100'000)));
  EXPECT_TRUE(running->settle(60'000));
  EXPECT_EQ(running->metrics().credits_readings_free, 100'000U);
}

/// Bodies that take most of the credits, so that later bodies find none while the actors work. How far the actors are is not known, so it is
/// tried until one is seen to wait.
TEST_F(engine_test, long_bodies_are_answered_later_while_credits_run_short_and_answered_all) {
  begin(1'000);
  const auto wake = std::make_shared<const std::function<void()>>([] {});
  bool waited = false;
  for (std::int64_t round = 0; round < 200 && !waited; ++round) {
    std::vector<pending_ingest> bodies;
    for (std::int64_t i = 0; i < 80; ++i)
      bodies.push_back(running
                           ->begin_ingest(reading_batch(*wide_batch(1, 1'000, ten_us + (round * 80 + i) * second_us, 20)),
                                          durability::buffered, 0, wake)
                           .value());
    for (auto& each : bodies) EXPECT_TRUE(each.wait());
    waited = std::any_of(bodies.begin(), bodies.end(), [](const pending_ingest& each) { return !each.ready(); });
    ASSERT_TRUE(running->settle(60'000));
    for (const auto& each : bodies) EXPECT_TRUE(each.ready());
  }
  EXPECT_TRUE(waited);
}

TEST_F(engine_test, shows_what_its_memory_is_taken_by) {
  begin(1);
  ASSERT_TRUE(ingest(1, calm(0, 5'000)));
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(running->metrics().decoded_block_bytes, 0U);
  ASSERT_TRUE(running->stats(1, {ten_us + 10 * second_us, ten_us + 20 * second_us}, {}));
  const auto seen = running->metrics();
  EXPECT_GT(seen.store_memory.memtable_bytes, 5'000U * 8) << "the journal's at least";
  EXPECT_GT(seen.decoded_block_bytes, 2'000U * 16);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose allocators do not say
  EXPECT_GT(seen.heap_used_bytes, seen.store_memory.memtable_bytes + seen.decoded_block_bytes);
#endif
  EXPECT_GE(seen.heap_bytes, seen.heap_used_bytes);
}

TEST_F(engine_test, a_deleted_sensor_is_gone_with_its_readings_also_after_a_restart) {
  begin(2);
  ASSERT_TRUE(ingest(1, calm(0, 5'000)));
  ASSERT_TRUE(running->remove_sensor(1));
  EXPECT_EQ(running->latest(1).error().code, errc::not_found);
  open();
  EXPECT_EQ(running->latest(1).error().code, errc::not_found);
  EXPECT_FALSE(running->known_sensors()->contains(1));
  EXPECT_TRUE(ingest(2, calm(0, 1)));
}

TEST_F(engine_test, a_stopped_engine_refuses_work_and_says_so) {
  begin(1);
  ASSERT_TRUE(ingest(1, calm(0, 10)));
  running->stop();
  running->stop();
  EXPECT_EQ(ingest(1, calm(10, 1)).error().code, errc::stopping);
  EXPECT_EQ(running->create(std::vector{factory_entry{0, "other", "", 0}}).error().code, errc::stopping);
}

TEST_F(engine_test, limits_hold_from_their_place_among_the_readings) {
  begin(1);
  ASSERT_TRUE(ingest(1, {{ten_us, 95}}));
  auto entry = running->entities().find_sensor(1).value();
  entry.thresholds = {{}, 99.0};
  ASSERT_TRUE(running->update(entry));
  ASSERT_TRUE(ingest(1, {{ten_us + 1, 96}}));
  ASSERT_TRUE(running->settle(60'000));
  const auto alerts = running->events().alerts({}).value();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].stated->key.event_time_us, ten_us);
  EXPECT_FALSE(alerts[0].open()) << "under the new limit";
}

TEST_F(engine_test, a_second_engine_on_the_same_directory_is_refused) {
  begin(1);
  engine_config same;
  same.data_dir = directory.path();
  EXPECT_FALSE(engine::open(same));
}

}  // namespace
}  // namespace factory::test
