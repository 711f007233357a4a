#include "storage/events/event_log.hpp"

#include "pipelines/command/acknowledge.hpp"
#include "storage/admin/snapshot.hpp"
#include "storage/base/rocks.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace factory {
namespace {

event an_event(sensor_id sensor, std::int64_t time_us, event_kind kind, event_source source = event_source::max_threshold,
               rule_id rule = 0) {
  event e;
  e.key = {sensor, time_us, source, rule, kind};
  e.recorded_at_us = time_us + 7;
  e.at_us = time_us;
  e.value = 0.1 * static_cast<double>(time_us);
  e.detail = limit_detail{80};
  e.level = severity::high;
  return e;
}
event anomaly(sensor_id sensor, std::int64_t time_us) {
  event e = an_event(sensor, time_us, event_kind::anomaly, event_source::z_score);
  e.detail = z_score_detail{4.5, 20, 1.5, 80};
  return e;
}
event raised(sensor_id sensor, std::int64_t time_us) { return an_event(sensor, time_us, event_kind::alert_raised); }
event cleared(sensor_id sensor, std::int64_t time_us, std::int64_t at_us) {
  event e = an_event(sensor, time_us, event_kind::alert_cleared);
  e.at_us = at_us;
  return e;
}
event acknowledged(sensor_id sensor, std::int64_t time_us, std::string who, std::int64_t at_us) {
  const event e = raised(sensor, time_us);
  return acknowledgement_of({e.key, e.value, e.limit(), e.level, ""}, who, at_us);
}

class event_log_test : public ::testing::Test {
 protected:
  event_log_test() { reopen(); }
  void reopen() {
    log_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    log_ = std::make_unique<event_log>(*db_);
  }
  std::size_t append(std::vector<event> found) { return log_->append(std::move(found)).value(); }
  std::vector<std::uint64_t> sequences(const event_query& q) {
    std::vector<std::uint64_t> out;
    const auto found = log_->query(q);
    for (const event& e : found.value()) out.push_back(e.sequence);
    return out;
  }
  std::vector<std::int64_t> alert_times(const alert_query& q) {
    std::vector<std::int64_t> out;
    const auto found = log_->alerts(q);
    for (const finding& r : found.value()) out.push_back(r.stated->key.event_time_us);
    return out;
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<event_log> log_;
};
using event_log = factory::event_log;
using list = std::vector<std::uint64_t>;
using times = std::vector<std::int64_t>;

TEST_F(event_log_test, an_event_is_stored_once_however_often_it_comes) {
  EXPECT_EQ(append({anomaly(1, 10), anomaly(1, 10), anomaly(2, 10)}), 2U);
  EXPECT_EQ(append({anomaly(2, 10), anomaly(1, 10)}), 0U);
  reopen();
  EXPECT_EQ(append({anomaly(1, 10), anomaly(3, 10)}), 1U);
  EXPECT_EQ(log_->last_sequence(), 3U);
  EXPECT_EQ(log_->count().anomalies, 3U);
  EXPECT_EQ(sequences({}), (list{3, 2, 1}));
}

TEST_F(event_log_test, all_members_come_back) {
  event e = anomaly(5, -3);
  e.level = severity::critical;
  std::get<z_score_detail>(e.detail).mean = -0.0;
  e.explanation = "far out";
  append({e});
  reopen();
  const event back = log_->query({}).value().at(0);
  EXPECT_EQ(back.key, e.key);
  EXPECT_EQ(back.sequence, 1U);
  EXPECT_EQ(back.recorded_at_us, 4);
  EXPECT_EQ(back.at_us, -3);
  EXPECT_EQ(back.value, e.value);
  EXPECT_EQ(back.detail, e.detail);
  EXPECT_TRUE(std::signbit(std::get<z_score_detail>(back.detail).mean));
  EXPECT_EQ(back.explanation, "far out");
  EXPECT_EQ(back.level, severity::critical);
}

TEST_F(event_log_test, pages_go_on_in_both_directions) {
  std::vector<event> many;
  for (int i = 1; i <= 10; ++i) many.push_back(anomaly(i % 2 == 0 ? 2 : 1, i));
  append(many);
  EXPECT_EQ(sequences({.limit = 3}), (list{10, 9, 8}));
  EXPECT_EQ(sequences({.before_sequence = 8, .limit = 3}), (list{7, 6, 5}));
  EXPECT_EQ(sequences({.before_sequence = 2, .limit = 3}), (list{1}));
  EXPECT_EQ(sequences({.descending = false, .limit = 3}), (list{1, 2, 3}));
  EXPECT_EQ(sequences({.after_sequence = 3, .descending = false, .limit = 3}), (list{4, 5, 6}));
  EXPECT_EQ(sequences({.after_sequence = 10, .descending = false}), (list{}));
  EXPECT_EQ(sequences({.after_sequence = 3, .before_sequence = 6}), (list{5, 4}));
  EXPECT_EQ(sequences({.sensor = 2, .limit = 2}), (list{10, 8}));
  EXPECT_EQ(sequences({.sensor = 2, .before_sequence = 8}), (list{6, 4, 2}));
  EXPECT_EQ(sequences({.sensor = 2, .after_sequence = 4, .descending = false}), (list{6, 8, 10}));
  EXPECT_EQ(sequences({.sensor = 3}), (list{}));
  EXPECT_EQ(sequences({.limit = 0}), (list{}));
}

TEST_F(event_log_test, kinds_and_times_are_filtered) {
  append({anomaly(1, 10), raised(1, 20), cleared(1, 20, 30), anomaly(1, 40)});
  EXPECT_EQ(sequences({.kind = event_kind::anomaly}), (list{4, 1}));
  EXPECT_EQ(sequences({.kind = event_kind::alert_cleared}), (list{3}));
  EXPECT_EQ(sequences({.range = {20, 40}}), (list{3, 2}));
  EXPECT_EQ(sequences({.sensor = 1, .kind = event_kind::anomaly, .range = {11, INT64_MAX}}), (list{4}));
  EXPECT_EQ(sequences({.kind = event_kind::anomaly, .limit = 1}), (list{4}));
}

TEST_F(event_log_test, an_alert_is_raised_cleared_and_acknowledged) {
  append({raised(1, 10), raised(2, 11), raised(1, 20)});
  EXPECT_EQ(log_->count().active_alerts, 3U);
  append({cleared(1, 10, 15)});
  EXPECT_EQ(log_->count().alerts, 3U);
  EXPECT_EQ(log_->count().active_alerts, 2U);
  append({acknowledged(1, 20, "anna", 99)});
  const auto record = log_->find(raised(1, 20).key).value().value();
  EXPECT_TRUE(record.open());
  EXPECT_EQ(record.acknowledged->who, "anna");
  EXPECT_EQ(record.acknowledged->recorded_at_us, 99);
  EXPECT_EQ(record.acknowledged->sequence, 5U);
  reopen();
  EXPECT_EQ(log_->count().active_alerts, 2U);
  EXPECT_EQ(alert_times({}), (times{20, 11, 10}));
  EXPECT_EQ(alert_times({.active = true}), (times{20, 11}));
  EXPECT_EQ(alert_times({.active = false}), (times{10}));
  EXPECT_EQ(alert_times({.acknowledged = true}), (times{20}));
  EXPECT_EQ(alert_times({.active = true, .acknowledged = false}), (times{11}));
  EXPECT_EQ(alert_times({.sensor = 1}), (times{20, 10}));
  EXPECT_EQ(alert_times({.sensor = 1, .active = true}), (times{20}));
  EXPECT_EQ(alert_times({.limit = 2}), (times{20, 11}));
  EXPECT_EQ(alert_times({.before_sequence = 3}), (times{11, 10}));
  EXPECT_EQ(alert_times({.limit = 0}), (times{}));
  const auto first = log_->find(raised(1, 10).key).value();
  ASSERT_TRUE(first && first->ended);
  EXPECT_EQ(first->ended->at_us, 15);
  EXPECT_FALSE(log_->find(raised(1, 12).key).value());
}

TEST_F(event_log_test, of_two_acknowledgements_the_first_is_kept) {
  append({raised(1, 10)});
  EXPECT_EQ(append({acknowledged(1, 10, "anna", 99)}), 1U);
  EXPECT_EQ(append({acknowledged(1, 10, "ben", 100)}), 0U);
  reopen();
  EXPECT_EQ(log_->find(raised(1, 10).key).value()->acknowledged->who, "anna");
  EXPECT_EQ(log_->last_sequence(), 2U);
}

TEST_F(event_log_test, a_clearing_without_its_raise_is_kept_and_counts_nothing) {
  EXPECT_EQ(append({cleared(1, 10, 15)}), 1U);
  EXPECT_EQ(log_->count().active_alerts, 0U);
  EXPECT_TRUE(alert_times({}).empty());
  EXPECT_EQ(append({raised(1, 10)}), 1U);  // the raise comes after all
  EXPECT_EQ(log_->count().active_alerts, 0U);
  EXPECT_EQ(alert_times({.active = false}), (times{10}));
  EXPECT_TRUE(alert_times({.active = true}).empty());
  append({raised(1, 30), cleared(1, 30, 31)});  // both in one append
  EXPECT_EQ(log_->count().active_alerts, 0U);
  EXPECT_EQ(log_->count().alerts, 2U);
}

TEST_F(event_log_test, an_append_with_fsync_syncs_also_what_was_stored_before) {
  append({anomaly(1, 10)});
  const auto synced = db_->fsync_count();
  EXPECT_EQ(log_->append({anomaly(1, 10)}, true).value(), 0U);
  EXPECT_EQ(db_->fsync_count(), synced + 1);
}

TEST_F(event_log_test, a_sequence_of_a_write_that_failed_behind_its_batch_is_not_given_again) {
  append({anomaly(1, 1)});
  db_->raw().marks_fail = true;
  ASSERT_FALSE(log_->append({anomaly(1, 2), raised(1, 3)}, true));
  db_->raw().marks_fail = false;
  EXPECT_EQ(append({anomaly(1, 4)}), 1U);
  EXPECT_EQ(append({anomaly(1, 2), raised(1, 3)}), 0U) << "they are there";
  const auto all = log_->query({.descending = false}).value();
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].key.event_time_us, static_cast<std::int64_t>(i) + 1);
  EXPECT_EQ(log_->count().anomalies, 3U);
  EXPECT_EQ(log_->count().active_alerts, 1U);
}

TEST_F(event_log_test, what_a_power_cut_took_comes_back_behind_every_cursor) {
  append({anomaly(1, 1)});
  test::temporary_directory after;
  ASSERT_TRUE(take_snapshot(*db_, after.path()));  // is what a cut leaves
  append({anomaly(1, 2), anomaly(1, 3)});
  const auto cursor = log_->query({.limit = 1}).value().front().sequence;  // of a client that has seen all
  auto db = database::open(after.path(), {}).value();
  event_log log(*db);
  ASSERT_TRUE(log.append({anomaly(2, 2), anomaly(1, 2), anomaly(1, 3)}));  // in the order of this time
  const auto seen = log.query({.after_sequence = cursor, .descending = false});
  ASSERT_EQ(seen.value().size(), 3U);
  EXPECT_EQ(seen.value()[0].key.sensor, 2U);
}

TEST_F(event_log_test, sequences_have_no_gap_over_an_orderly_restart_and_are_reserved_many_at_once) {
  append({anomaly(1, 1)});
  const auto synced = db_->fsync_count();
  for (int i = 2; i < 50; ++i) append({anomaly(1, i)});
  EXPECT_EQ(db_->fsync_count(), synced);
  reopen();
  append({anomaly(1, 50)});
  EXPECT_EQ(log_->last_sequence(), 50U);
  EXPECT_EQ(sequences({.limit = 2}), (list{50, 49}));
}

TEST_F(event_log_test, the_digest_depends_on_the_findings_alone) {
  std::vector<event> all;
  for (int i = 0; i < 500; ++i) {
    all.push_back(anomaly(i % 7, i));
    if (i % 5 == 0) all.push_back(raised(i % 7, i));
    if (i % 10 == 0) all.push_back(cleared(i % 7, i, i + 3));
  }
  append(all);
  const auto whole = log_->digest();
  append({acknowledged(0, 0, "anna", 1)});
  EXPECT_EQ(log_->digest(), whole);

  std::mt19937 random(3);
  for (int round = 0; round < 3; ++round) {
    test::temporary_directory elsewhere;
    auto db = std::move(database::open(elsewhere.path(), {}).value());
    event_log other(*db);
    std::shuffle(all.begin(), all.end(), random);
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 90, all.size() - at);
      std::vector<event> some(all.begin() + static_cast<std::ptrdiff_t>(at),
                              all.begin() + static_cast<std::ptrdiff_t>(at + size));
      for (event& e : some) e.recorded_at_us += round;
      ASSERT_TRUE(other.append(some));
      at += size;
    }
    EXPECT_EQ(other.digest(), whole);
    EXPECT_EQ(other.count().active_alerts, log_->count().active_alerts);
    event changed = anomaly(9, 1);
    ASSERT_TRUE(other.append({changed}));
    EXPECT_NE(other.digest(), whole);
  }
}

event withdrawn(const event& e, std::uint32_t revision = 0) {
  event out = e;
  out.key = with_kind(e.key, event_kind::withdrawn, revision);
  out.detail = withdrawal_detail{e.key.kind, "a reading came late"};
  return out;
}
event again(event e, std::uint32_t revision) {
  e.key.revision = revision;
  return e;
}

TEST_F(event_log_test, an_alert_is_withdrawn_and_raised_again) {
  append({raised(1, 10), withdrawn(raised(1, 10))});
  EXPECT_TRUE(alert_times({}).empty());
  EXPECT_EQ(log_->count().active_alerts, 0U);
  EXPECT_FALSE(log_->find(raised(1, 10).key).value()->holds());
  EXPECT_EQ(append({raised(1, 10), again(raised(1, 10), 1)}), 1U) << "the first raise is known, the second is another event";
  EXPECT_EQ(log_->count().active_alerts, 1U);
  reopen();
  EXPECT_EQ(alert_times({.active = true}), (times{10}));
  append({cleared(1, 10, 15)});
  EXPECT_EQ(alert_times({.active = false}), (times{10}));
  EXPECT_EQ(log_->count().active_alerts, 0U);
  EXPECT_EQ(log_->count().alerts, 1U) << "one alert, said twice";
  EXPECT_EQ(sequences({}), (list{4, 3, 2, 1}));
}

TEST_F(event_log_test, a_withdrawn_clearing_leaves_the_alert_active) {
  append({raised(1, 10), cleared(1, 10, 15)});
  event back = withdrawn(cleared(1, 10, 15));
  append({back});
  EXPECT_EQ(log_->count().active_alerts, 1U);
  EXPECT_EQ(alert_times({.active = true}), (times{10}));
}

TEST_F(event_log_test, the_digest_is_over_what_holds_at_the_end) {
  append({raised(1, 10), cleared(1, 10, 15), anomaly(1, 10)});
  const auto straight = log_->digest();
  test::temporary_directory elsewhere;
  auto db = std::move(database::open(elsewhere.path(), {}).value());
  event_log other(*db);
  event wrong = anomaly(1, 10);
  wrong.value = 1;
  event right = anomaly(1, 10);
  right.key = with_kind(right.key, event_kind::revised);
  right.detail = revision_of<z_score_detail>{event_kind::anomaly, "a reading came late", std::get<z_score_detail>(right.detail)};
  ASSERT_TRUE(other.append({anomaly(1, 9), wrong, raised(1, 10), withdrawn(anomaly(1, 9)), withdrawn(raised(1, 10))}));
  EXPECT_NE(other.digest(), straight);
  ASSERT_TRUE(other.append({right, again(raised(1, 10), 1), cleared(1, 10, 15)}));
  EXPECT_EQ(other.digest(), straight);
}

TEST_F(event_log_test, long_lists_of_alerts_are_filtered_page_by_page) {
  std::vector<event> many;
  for (int i = 1; i <= 1000; ++i) {
    many.push_back(raised(1 + i % 3, i));
    if (i % 2 == 0) many.push_back(cleared(1 + i % 3, i, i + 1));
  }
  EXPECT_EQ(append(many), 1500U);
  EXPECT_EQ(alert_times({.active = true, .limit = 1000}).size(), 500U);
  EXPECT_EQ(alert_times({.active = false, .limit = 1000}).size(), 500U);
  EXPECT_EQ(alert_times({.sensor = 2, .active = false, .limit = 3}), (times{1000, 994, 988}));
  EXPECT_EQ(alert_times({.limit = 5000}).size(), 1000U);
}

}  // namespace
}  // namespace factory
