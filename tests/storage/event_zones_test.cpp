// Searching the log by kind and time without walking it, and dropping what is old.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <stdexcept>

#include "storage/base/limits.hpp"
#include "storage/base/rocks.hpp"
#include "storage/events/event_log.hpp"
#include "storage/events/event_zones.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

event said(sensor_id sensor, std::int64_t time_us, event_kind kind, std::int64_t at_us) {
  event e;
  e.key = {sensor, time_us, kind == event_kind::anomaly ? event_source::z_score : event_source::max_threshold, 0, kind};
  e.at_us = at_us;
  e.recorded_at_us = at_us;
  e.level = severity::high;
  if (kind != event_kind::anomaly) e.detail = limit_detail{80};
  return e;
}
event said(sensor_id sensor, std::int64_t time_us, event_kind kind) { return said(sensor, time_us, kind, time_us); }

class event_zones_test : public ::testing::Test {
 protected:
  event_zones_test() { reopen(); }
  void reopen() {
    log_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    log_ = std::make_unique<event_log>(*db_);
  }
  void append(std::vector<event> found) { ASSERT_EQ(log_->append(found).value(), found.size()); }
  /// More anomalies than one page looks at, one a microsecond.
  void bury() {
    std::vector<event> many;
    for (std::size_t i = 0; i < 2 * limits::events_looked_at; ++i)
      many.push_back(said(1 + static_cast<sensor_id>(i % 3), buried_us++, event_kind::anomaly));
    append(std::move(many));
  }
  std::string value_of(std::string_view key) {
    std::string value;
    (void)db_->raw().db->Get({}, db_->raw().at(column::events), to_slice(key), &value);
    return value;
  }
  void as_of_a_program_without_zones() {
    rocksdb::WriteBatch batch;
    auto* const events = db_->raw().at(column::events);
    batch.DeleteRange(events, zone_key(0), to_slice(behind_zones));
    batch.Delete(events, to_slice(zones_mark_key));
    ASSERT_TRUE(db_->raw().write(batch, false, "testing"));
  }
  std::vector<std::uint64_t> all_pages(event_query q) {
    std::vector<std::uint64_t> found;
    for (;;) {
      const auto page = log_->page(q).value();
      for (const event& e : page.rows) found.push_back(e.sequence);
      if (!page.next) return found;
      (q.descending ? q.before_sequence : q.after_sequence) = *page.next;
    }
  }
  std::uint64_t drop_before(std::int64_t border_us) { return log_->drop_before(border_us, go_on_).value(); }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<event_log> log_;
  std::int64_t buried_us = 1'000;
  std::atomic<bool> go_on_{false};
};

TEST_F(event_zones_test, one_page_finds_a_rare_kind_and_a_short_time_in_a_long_log) {
  append({said(1, 10, event_kind::alert_raised)});
  bury();
  for (const bool descending : {true, false}) {
    const auto alerts = log_->page({.kind = event_kind::alert_raised, .descending = descending}).value();
    EXPECT_EQ(alerts.rows.size(), 1U);
    EXPECT_FALSE(alerts.next);
    const auto of_sensor = log_->page({.sensor = 1, .kind = event_kind::alert_raised, .descending = descending}).value();
    EXPECT_EQ(of_sensor.rows.size(), 1U);
    const auto short_time = log_->page({.range = {21'000, 21'010}, .descending = descending}).value();
    EXPECT_EQ(short_time.rows.size(), 10U);
    EXPECT_FALSE(short_time.next);
    EXPECT_TRUE(log_->page({.range = {0, 5}, .descending = descending}).value().rows.empty());
  }
}

TEST_F(event_zones_test, the_log_of_an_older_program_is_described_bit_by_bit) {
  append({said(1, 10, event_kind::alert_raised)});
  bury();
  as_of_a_program_without_zones();
  reopen();
  const event_query alerts{.kind = event_kind::alert_raised, .limit = 1};
  EXPECT_EQ(all_pages(alerts), std::vector<std::uint64_t>{1}) << "slowly, but right";
  int steps = 1;
  while (log_->index_older().value()) ++steps;
  EXPECT_GT(steps, 1);
  EXPECT_EQ(log_->page(alerts).value().rows.size(), 1U);
  reopen();
  EXPECT_FALSE(log_->index_older().value());
  EXPECT_EQ(log_->page(alerts).value().rows.size(), 1U);
}

TEST_F(event_zones_test, what_an_older_program_appended_in_between_is_found) {
  append({said(1, 10, event_kind::anomaly)});
  const auto mark = value_of(zones_mark_key), zone = value_of(zone_key(0));
  append({said(1, 20, event_kind::alert_raised)});
  rocksdb::WriteBatch batch;
  batch.Put(db_->raw().at(column::events), to_slice(zones_mark_key), mark);
  batch.Put(db_->raw().at(column::events), zone_key(0), zone);
  ASSERT_TRUE(db_->raw().write(batch, false, "testing"));
  reopen();
  EXPECT_EQ(all_pages({.kind = event_kind::alert_raised}), std::vector<std::uint64_t>{2});
  append({said(2, 30, event_kind::anomaly)});
  EXPECT_EQ(all_pages({.kind = event_kind::alert_raised}), std::vector<std::uint64_t>{2});
}

TEST_F(event_zones_test, nothing_is_missed_after_a_write_that_may_have_failed) {
  append({said(1, 10, event_kind::anomaly)});
  db_->raw().marks_fail = true;
  ASSERT_FALSE(log_->append({said(1, 20, event_kind::alert_raised)}, true));
  db_->raw().marks_fail = false;
  append({said(1, 30, event_kind::anomaly)});
  EXPECT_EQ(all_pages({.kind = event_kind::alert_raised}).size(), 1U);
}

TEST_F(event_zones_test, agree_with_a_walk_over_everything) {
  std::mt19937 random(3);
  std::vector<event> all;
  for (int body = 0; body < 60; ++body) {
    std::vector<event> some;
    for (std::size_t i = 0, count = 1 + random() % 200; i < count; ++i) {
      const auto at_us = static_cast<std::int64_t>(body * 1'000 + random() % 3'000);
      const auto number = static_cast<std::int64_t>(all.size() + some.size());
      const auto kind = random() % 50 != 0 ? event_kind::anomaly : event_kind::alert_raised;
      some.push_back(said(1 + static_cast<sensor_id>(random() % 4), number, kind, at_us));
    }
    append(some);
    for (auto& e : some) {
      e.sequence = all.size() + 1;
      all.push_back(e);
    }
    if (body == 30) as_of_a_program_without_zones();
    if (body % 10 == 0) reopen();
    if (body == 50) {
      ASSERT_TRUE(log_->index_older());
    }
  }
  for (int i = 0; i < 300; ++i) {
    event_query q;
    if (random() % 2 == 0) q.sensor = 1 + random() % 4;
    if (random() % 2 == 0) q.kind = random() % 2 == 0 ? event_kind::anomaly : event_kind::alert_raised;
    if (random() % 2 == 0) q.range.begin_us = static_cast<std::int64_t>(random() % 60'000);
    if (random() % 2 == 0) q.range.end_us = static_cast<std::int64_t>(random() % 60'000);
    q.descending = random() % 2 == 0;
    q.limit = 1 + random() % 500;
    std::vector<std::uint64_t> wanted;
    for (const event& e : all)
      if ((!q.sensor || e.key.sensor == *q.sensor) && (!q.kind || e.key.kind == *q.kind) && e.at_us >= q.range.begin_us &&
          e.at_us < q.range.end_us)
        wanted.push_back(e.sequence);
    if (q.descending) std::ranges::reverse(wanted);
    EXPECT_EQ(all_pages(q), wanted);
  }
}

TEST_F(event_zones_test, what_was_over_before_a_border_is_dropped_with_all_that_was_said_of_it) {
  append({said(1, 10, event_kind::anomaly), said(1, 20, event_kind::alert_raised), said(1, 20, event_kind::alert_cleared, 25),
          said(1, 20, event_kind::alert_acknowledged, 90), said(2, 30, event_kind::alert_raised),
          said(3, 40, event_kind::alert_raised), said(3, 40, event_kind::alert_cleared, 60), said(1, 70, event_kind::anomaly)});
  EXPECT_EQ(drop_before(50), 4U);
  EXPECT_EQ(all_pages({.descending = false}), (std::vector<std::uint64_t>{5, 6, 7, 8}));
  EXPECT_EQ(all_pages({.sensor = 1, .descending = false}), std::vector<std::uint64_t>{8});
  EXPECT_FALSE(log_->find(said(1, 20, event_kind::alert_raised).key).value());
  const auto alerts = log_->alerts({}).value();
  ASSERT_EQ(alerts.size(), 2U) << "one is active, however old; one was cleared behind the border";
  EXPECT_EQ(alerts[1].stated->key.sensor, 2U);
  EXPECT_EQ(log_->anomalies({}).value().rows.size(), 1U);
  EXPECT_EQ(log_->count().active_alerts, 1U);
  EXPECT_EQ(log_->count().anomalies, 2U) << "found in all";
  EXPECT_EQ(drop_before(50), 0U);
  reopen();
  append({said(2, 30, event_kind::alert_cleared, 35)});
  EXPECT_EQ(drop_before(50), 2U);
  EXPECT_EQ(log_->count().active_alerts, 0U);
}

TEST_F(event_zones_test, an_episode_is_over_at_its_end_and_a_long_log_is_dropped_in_steps) {
  auto opened = said(1, 10, event_kind::anomaly_opened), closed = said(1, 10, event_kind::anomaly_closed, 30);
  opened.key.source = closed.key.source = event_source::z_score;
  episode_detail episode;
  episode.begin_us = 10;
  episode.end_us = 30;
  opened.detail = closed.detail = episode;
  append({opened});
  bury();
  EXPECT_EQ(drop_before(1'000), 0U) << "it is open";
  append({closed});
  EXPECT_EQ(drop_before(30), 0U);
  EXPECT_EQ(drop_before(31), 2U);
  EXPECT_EQ(drop_before(buried_us - 5), 2 * limits::events_looked_at - 5);
  EXPECT_EQ(all_pages({}).size(), 5U);
}

}  // namespace
}  // namespace factory
