#include "storage/rollups/range_aggregates.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <stdexcept>

#include "storage/block/block_key.hpp"
#include "storage/block/head.hpp"
#include "storage/rollups/rollup_notes.hpp"
#include "storage/rollups/rollup_records.hpp"
#include "storage/rollups/rollup_run.hpp"
#include "storage/rollups/settled_rollups.hpp"
#include "storage/support/summaries.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t origin = 20'000 * day_us;
constexpr sensor_id aggregated = 7;

using rows = std::map<std::int64_t, double>;

void expect_same(const summary& a, const summary& b) {
  ASSERT_NO_FATAL_FAILURE(test::expect_same_but_sums(a, b));
  if (a.count == 0) return;
  EXPECT_NEAR(a.total(), b.total(), 1e-9 * (1 + std::abs(b.total())));
  EXPECT_NEAR(a.std_dev(), b.std_dev(), 1e-9 * (1 + b.std_dev()));
}

/// A sensor with its head, its blocks on their way and on disk, and its roll-ups.
class range_aggregates_test : public ::testing::Test {
 protected:
  range_aggregates_test() {
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    series_ = std::make_unique<time_series>(*db_);
    rollups_ = std::make_unique<rollup_store>(*db_);
  }

  void put(std::int64_t time_us, double value) { head_.put(time_us, value, flag_none); }
  void seal_head() {
    if (head_.size() > 0) sealing_.push_back(std::make_shared<const block>(seal(aggregated, next_block_++, head_.take())));
  }
  void write_oldest() {
    const block& oldest = *sealing_.front();
    rocksdb::WriteBatch batch;
    batch.Put(db_->raw().at(column::blocks), encode(key_of(oldest)), oldest.bytes);
    note_for_rollup(batch, db_->raw(), oldest);
    ASSERT_TRUE(db_->raw().write(batch, false, "testing"));
    sealing_.erase(sealing_.begin());
  }
  void store() {
    for (seal_head(); !sealing_.empty();) write_oldest();
  }
  void refresh() { ASSERT_TRUE(rollups_->refresh(*series_, cut())); }
  /// As after a crash between two parts of its work.
  void refresh_in_part(std::size_t readings_taken) {
    const sensor_cut at = cut();
    (void)refresh_rollups(db_->raw(), *rollups_, at, [&](const time_range& range) -> expected<std::vector<bucket>> {
      if (readings_taken-- == 0) return fail(errc::storage_failed, "testing");
      return series_->aggregate(at, range, minute_us);
    });
  }
  /// Or the first half of it, as after a crash.
  void drop_before(std::int64_t before_us, bool to_the_end = true) {
    ASSERT_TRUE(rollups_->drop_before(aggregated, before_us));
    if (to_the_end) {
      ASSERT_TRUE(series_->drop_before(aggregated, before_us));
    }
  }
  sensor_cut cut() const { return {aggregated, next_block_, sealing_, head_.rows()}; }

  rows readings(const sensor_cut& at) const {
    rows all;
    EXPECT_TRUE(series_->scan(at, {}, [&](const reading_run& run) {
      for (std::size_t i = 0; i < run.size(); ++i) all.emplace(run.event_time_us[i], run.value[i]);
      return true;
    }));
    return all;
  }
  void expect_right(const sensor_cut& at, const time_range& range, std::int64_t step) const {
    const rows all = readings(at);
    const auto begin = all.lower_bound(range.begin_us), end = all.lower_bound(range.end_us);
    const auto total = aggregates().summarize(at, range);
    ASSERT_TRUE(total);
    expect_same(*total, test::fold(begin, end));
    const auto steps = aggregates().aggregate(at, range, step);
    ASSERT_TRUE(steps);
    auto row = begin;
    for (const bucket& b : *steps) {
      ASSERT_NE(row, end);
      ASSERT_EQ(b.start_us, bucket_start(row->first, step));
      const auto next = std::find_if(row, end, [&](const auto& each) { return each.first >= b.start_us + step; });
      expect_same(b.values, test::fold(row, next));
      row = next;
    }
    ASSERT_EQ(row, end);
  }
  std::size_t settled(rollup_level level, const time_range& range = {}) const {
    const sensor_cut at = cut();
    const auto pieces = settled_rollups(db_->raw(), at).read(level, range, 0).value();
    return static_cast<std::size_t>(
        std::count_if(pieces.begin(), pieces.end(), [](const auto& each) { return each.values.has_value(); }));
  }

  /// Of buckets however few readings they hold.
  range_aggregates aggregates() const { return {*db_, *series_, {0, 0}}; }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<time_series> series_;
  std::unique_ptr<rollup_store> rollups_;
  head head_;
  std::uint32_t next_block_ = 1;
  std::vector<std::shared_ptr<const block>> sealing_;
};

TEST_F(range_aggregates_test, whole_buckets_are_taken_from_the_roll_ups_and_what_is_left_from_the_readings) {
  for (int i = 0; i < 12 * 24; ++i) put(origin + i * hour_us, i);
  store();
  refresh();
  bucket planted{origin + 2 * day_us, {}};
  planted.values.add(planted.start_us, 5'000);
  auto& raw = db_->raw();
  ASSERT_TRUE(
      raw.db
          ->Put({}, raw.at(column::rollups), bucket_key(aggregated, rollup_level::day, planted.start_us), encode_bucket(planted))
          .ok());
  const time_range from_the_second_day{origin + day_us + 1, INT64_MAX};
  EXPECT_EQ(aggregates().summarize(cut(), from_the_second_day)->count, 10U * 24 - 1 + 1);
  EXPECT_EQ(aggregates().aggregate(cut(), from_the_second_day, day_us)->at(1).values.max, 5'000);
  const time_range cuts_the_day{origin + 2 * day_us + 1, origin + 9 * day_us};
  EXPECT_EQ(aggregates().summarize(cut(), cuts_the_day)->count, 7U * 24 - 1);
  const range_aggregates where_it_pays(*db_, *series_, {25, 25});
  EXPECT_EQ(where_it_pays.summarize(cut(), from_the_second_day)->count, 11U * 24 - 1);
  EXPECT_EQ(where_it_pays.aggregate(cut(), from_the_second_day, day_us)->at(1).values.count, 24U);
}

TEST_F(range_aggregates_test, what_blocks_and_head_have_touched_since_is_read_from_them) {
  for (int i = 0; i < 12 * 24; ++i) put(origin + i * hour_us, i);
  store();
  refresh();
  EXPECT_EQ(settled(rollup_level::day), 12U);
  put(origin + 3 * day_us, -1);
  EXPECT_EQ(settled(rollup_level::day), 11U);
  expect_right(cut(), {}, day_us);
  seal_head();
  EXPECT_EQ(settled(rollup_level::day), 11U);
  expect_right(cut(), {}, day_us);
  store();
  EXPECT_EQ(settled(rollup_level::day), 11U);
  expect_right(cut(), {}, day_us);
  refresh();
  EXPECT_EQ(settled(rollup_level::day), 12U);
  expect_right(cut(), {}, day_us);
}

TEST_F(range_aggregates_test, a_day_that_retention_has_dropped_is_not_taken_when_a_late_block_makes_it_anew) {
  for (int i = 0; i < 12 * 24; ++i) put(origin + i * hour_us, i);
  store();  // one block, which retention leaves whole
  refresh();
  drop_before(origin + 6 * day_us);
  EXPECT_EQ(settled(rollup_level::day), 6U);
  put(origin + day_us + minute_us, 7);
  store();
  refresh();
  EXPECT_EQ(settled(rollup_level::day), 6U);
  expect_right(cut(), {}, day_us);
  expect_right(cut(), {}, hour_us);
}

TEST_F(range_aggregates_test, of_a_version_that_lost_the_sums_of_huge_values_come_from_the_readings) {
  rows all;
  for (std::int64_t i = 0; i < 2 * 24 * 60; ++i)
    put(origin + i * minute_us, all[origin + i * minute_us] = i % 3 == 0 ? 1.7e308 : 1.0);
  store();
  refresh();
  auto& raw = db_->raw();
  for (const rollup_level level : rollup_levels) {
    const auto buckets = rollups_->read(aggregated, level, {}).value();
    for (const bucket& b : buckets) {
      std::string record = encode_bucket(b);
      record[0] = 1;
      ASSERT_TRUE(raw.db->Put({}, raw.at(column::rollups), bucket_key(aggregated, level, b.start_us), record).ok());
    }
  }
  put(origin + 5, 2.0);  // one of the minutes becomes version 2, its hour and day are made of old and new ones
  all[origin + 5] = 2;
  store();
  refresh();
  const auto total = aggregates().summarize(cut(), {});
  ASSERT_TRUE(total);
  const summary expected = test::fold(all.begin(), all.end());
  EXPECT_EQ(total->count, expected.count);
  EXPECT_NEAR(total->mean() / expected.mean(), 1, 1e-12);
  EXPECT_NEAR(total->std_dev() / expected.std_dev(), 1, 1e-12);
}

TEST_F(range_aggregates_test, ask_the_disk_for_no_roll_ups_of_a_short_range) {
  auto& raw = db_->raw();
  ASSERT_TRUE(raw.db->Put({}, raw.at(column::rollups), note_key(aggregated, 1), "").ok());
  EXPECT_TRUE(aggregates().summarize(cut(), {origin, origin + 3 * minute_us}));
  EXPECT_EQ(aggregates().summarize(cut(), {}).error().code, errc::corrupt);
}

TEST_F(range_aggregates_test, are_those_of_the_readings_whatever_came_late_was_corrected_dropped_or_half_rolled_up) {
  std::size_t taken = 0;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    ASSERT_TRUE(series_->remove_sensor(aggregated));
    ASSERT_TRUE(rollups_->remove_sensor(aggregated));
    head_.take();
    sealing_.clear();
    const auto up_to = [&](std::int64_t most) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most)); };
    std::int64_t now = origin;
    for (int turn = 0; turn < 60; ++turn) {
      for (int i = 0; i < 40; ++i) put(now += up_to(40 * minute_us), static_cast<double>(random() % 1'000) / 8);
      switch (random() % 8) {
        case 0: put(now - up_to(60 * day_us), 1'000); break;
        case 1: put(now / hour_us * hour_us - hour_us * up_to(200), -1'000); break;
        case 2: refresh_in_part(random() % 3); break;
        case 3: ASSERT_TRUE(series_->rewrite(aggregated, next_block_)); break;
        case 4:
          if (random() % 4 == 0) drop_before((now - 10 * day_us - up_to(20 * day_us)) / day_us * day_us, random() % 2 == 0);
          break;
        default: refresh();
      }
      if (random() % 2 == 0) seal_head();
      while (!sealing_.empty() && random() % 3 != 0) write_oldest();
      if (turn % 3 != 0) continue;
      time_range range{now - 5 * day_us - up_to(45 * day_us), now - up_to(5 * day_us)};
      if (random() % 3 == 0) range.begin_us = bucket_start(range.begin_us, day_us);
      if (random() % 3 == 0) range.end_us = bucket_start(range.end_us, hour_us) + (random() % 2 == 0 ? 0 : 1);
      if (random() % 6 == 0) range = {};
      constexpr std::int64_t steps[] = {minute_us, 7 * minute_us, hour_us, 2 * hour_us, day_us, 3 * day_us};
      const sensor_cut at = cut();
      if (random() % 3 == 0) {  // the disk moves on under the question
        store();
        refresh();
      }
      expect_right(at, range, steps[random() % std::size(steps)]);
      for (const auto level : rollup_levels) taken += settled(level, range);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(taken, 1'000U);
}

}  // namespace
}  // namespace factory
