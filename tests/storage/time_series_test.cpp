#include "storage/series/time_series.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include "storage/series/block_finder.hpp"
#include "storage/support/summaries.hpp"
#include "storage/support/time_series_fixture.hpp"

namespace factory {
namespace {

using namespace test;

void expect_near(const summary& a, const summary& b) {
  ASSERT_NO_FATAL_FAILURE(expect_same_but_sums(a, b));
  if (a.count == 0) return;
  EXPECT_NEAR(a.total(), b.total(), 1e-6);
  EXPECT_NEAR(a.m2, b.m2, 1e-6 * std::max(1.0, b.m2));
}

/// The range read step by step, each going on behind the last row of the one before.
std::vector<std::pair<std::int64_t, double>> in_steps(const time_series& series, const sensor_cut& cut, time_range range,
                                                      std::size_t about, bool descending) {
  std::vector<std::pair<std::int64_t, double>> all;
  while (range.begin_us < range.end_us) {
    const auto step = series.read_on(cut, range, about, descending);
    if (!step || step->size() > 2 * about) throw std::runtime_error("a step failed or is too long");
    const auto rows = rows_of(*step);
    all.insert(all.end(), rows.begin(), rows.end());
    if (step->size() < about) break;
    (descending ? range.end_us : range.begin_us) = rows.back().first + (descending ? 0 : 1);
  }
  return all;
}

void expect_same_answers(const time_series& series, const sensor_cut& cut, const model& m, const time_range& range,
                         std::size_t limit) {
  auto all = rows_of(m, range);
  const auto whole = fold(all.begin(), all.end());
  const auto total = series.summarize(cut, range);
  ASSERT_TRUE(total);
  expect_near(*total, whole);

  std::vector<std::pair<std::int64_t, double>> scanned;
  ASSERT_TRUE(series.scan(cut, range, [&](const reading_run& run) {
    const auto rows = rows_of(run);
    scanned.insert(scanned.end(), rows.begin(), rows.end());
    return true;
  }));
  ASSERT_EQ(scanned, all);

  for (const std::int64_t step : {7, 100, 5'000}) {
    std::map<std::int64_t, std::vector<std::pair<std::int64_t, double>>> buckets;
    for (const auto& row : all) buckets[bucket_start(row.first, step)].push_back(row);
    const auto found = series.aggregate(cut, range, step);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), buckets.size());
    auto expected = buckets.begin();
    for (const bucket& b : *found) {
      ASSERT_EQ(b.start_us, expected->first);
      expect_near(b.values, fold(expected->second.begin(), expected->second.end()));
      ++expected;
    }
  }

  for (const bool descending : {false, true}) {
    auto wanted = all;
    if (descending) std::reverse(wanted.begin(), wanted.end());
    ASSERT_EQ(in_steps(series, cut, range, 1 + limit % 50, descending), wanted);
  }

  auto backwards = all;
  std::reverse(backwards.begin(), backwards.end());
  all.resize(std::min(all.size(), limit));
  backwards.resize(std::min(backwards.size(), limit));
  const auto ascending = series.read(cut, range, limit, false);
  ASSERT_TRUE(ascending);
  ASSERT_EQ(rows_of(*ascending), all);
  const auto descending = series.read(cut, range, limit, true);
  ASSERT_TRUE(descending);
  ASSERT_EQ(rows_of(*descending), backwards);
}

TEST_F(time_series_test, never_differs_from_a_map_whatever_is_written_sealed_rewritten_and_reopened) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    std::mt19937_64 random(seed);
    ASSERT_TRUE(series_->remove_sensor(sensor));
    head_ = {};
    sealing_.clear();
    stored_.clear();
    std::int64_t now = static_cast<std::int64_t>(random() % 2'000) - 1'000;
    sensor_cut old_cut = cut();
    model old_model;
    for (int step = 0; step < 400; ++step) {
      const auto what = random() % 100;
      if (what < 55) {
        for (std::uint64_t i = random() % 40; i > 0; --i) {
          const bool late = random() % 20 == 0;
          const std::int64_t time = late ? now - static_cast<std::int64_t>(random() % (random() % 2 == 0 ? 50 : 3'000))
                                         : now += 1 + static_cast<std::int64_t>(random() % 5);
          put(time, static_cast<double>(random() % 1'000) / 10);
        }
      } else if (what < 70) {
        seal_head(&random);
      } else if (what < 80) {
        write(random() % (sealing_.size() + 1));
      } else if (what < 84) {
        // Below the oldest block on its way: those after it are not on disk yet. The old cut may be joined with newer rows.
        ASSERT_TRUE(series_->rewrite(sensor, static_cast<std::uint32_t>(1 + random() % next_block_)));
        old_cut = cut();
        old_model = stored_;
      } else if (what < 86) {
        old_cut = cut();
        old_model = stored_;
      } else if (what < 87) {
        write(sealing_.size());
        reopen();
      } else {
        const auto at = [&] { return now - 4'000 + static_cast<std::int64_t>(random() % 4'100); };
        const time_range range = random() % 5 == 0 ? time_range{} : time_range{at(), at()};
        const bool old = random() % 3 == 0;
        expect_same_answers(*series_, old ? old_cut : cut(), old ? old_model : stored_, range,
                            random() % 3 == 0 ? SIZE_MAX : random() % 60);
        if (HasFatalFailure())
          FAIL() << "seed " << seed << ", step " << step << ", range " << range.begin_us << " to " << range.end_us;
      }
    }
  }
}

TEST_F(time_series_test, a_step_ends_where_a_block_does) {
  for (int i = 0; i < 1'000; ++i) {
    put(i, i);
    if (i % 100 == 99) store_head();
  }
  const auto up = series_->read_on(cut(), {}, 80, false), down = series_->read_on(cut(), {}, 80, true);
  ASSERT_TRUE(up && down);
  EXPECT_EQ(up->size(), 100U);
  EXPECT_EQ(down->size(), 100U);
}

TEST_F(time_series_test, a_sensor_without_readings_answers_nothing) {
  expect_same_answers(*series_, cut(), {}, {}, 10);
  expect_same_answers(*series_, cut(), {}, {10, 10}, 10);
  expect_same_answers(*series_, cut(), {}, {10, 5}, 10);
}

TEST_F(time_series_test, sensors_do_not_see_each_other) {
  for (int i = 0; i < 10; ++i) put(i, i);
  store_head();
  const sensor_cut other{sensor + 1, 100, {}, {}};
  EXPECT_TRUE(series_->read(other, {}, 10, false)->empty());
  EXPECT_EQ(series_->summarize(other, {})->count, 0U);
}

TEST_F(time_series_test, blocks_sealed_after_the_cut_are_left_out) {
  put(1, 1);
  store_head();
  const sensor_cut before = cut();
  put(1, 2);
  put(2, 2);
  store_head();
  EXPECT_EQ(rows_of(*series_->read(before, {}, 10, false)), (std::vector<std::pair<std::int64_t, double>>{{1, 1.0}}));
}

TEST_F(time_series_test, a_block_on_its_way_and_on_disk_counts_once) {
  put(1, 1);
  put(2, 2);
  seal_head();
  const sensor_cut on_its_way = cut();
  write(1);
  EXPECT_EQ(series_->read(on_its_way, {}, 10, false)->size(), 2U);
  EXPECT_EQ(series_->summarize(on_its_way, {})->count, 2U);
}

TEST_F(time_series_test, a_sealed_block_that_is_not_stored_yet_is_decoded_once_for_ranges_that_cut_through_it) {
  for (int i = 0; i < 100; ++i) put(i, i * 0.5);
  seal_head();
  const auto first = series_->summarize(cut(), {10, 20});
  ASSERT_TRUE(first);
  block damaged = *sealing_[0];
  damaged.bytes.back() = static_cast<char>(damaged.bytes.back() ^ 1);
  sealing_[0] = std::make_shared<const block>(std::move(damaged));
  EXPECT_FALSE(series_->read(cut(), {10, 20}, SIZE_MAX, false)) << "its columns are damaged";
  const auto again = series_->summarize(cut(), {30, 40});
  ASSERT_TRUE(again) << "its rows are at hand";
  EXPECT_EQ(again->count, 10U);
  EXPECT_EQ(again->min, 15);
}

TEST_F(time_series_test, work_in_the_background_has_the_same_answers_and_leaves_nothing_in_memory) {
  for (int b = 0; b < 2; ++b) {
    for (int i = 0; i < 100; ++i) put(b * 100 + i, i * 0.5);
    store_head();
  }
  ASSERT_TRUE(db_->raw().db->Flush({}, db_->raw().at(column::blocks)).ok());
  const time_range cuts_both{50, 150};
  const auto held = db_->memory_held().block_cache_bytes;
  const auto total = series_->summarize(cut(), cuts_both, asker::background);
  const auto steps = series_->aggregate(cut(), cuts_both, 30, asker::background);
  const auto rows = series_->read(cut(), cuts_both, SIZE_MAX, false, asker::background);
  EXPECT_EQ(series_->decoded_bytes(), 0U);
  EXPECT_EQ(db_->memory_held().block_cache_bytes, held);
  ASSERT_TRUE(total && steps && rows);
  expect_near(*total, *series_->summarize(cut(), cuts_both));
  ASSERT_EQ(steps->size(), series_->aggregate(cut(), cuts_both, 30)->size());
  EXPECT_EQ(rows_of(*rows), rows_of(stored_, cuts_both));
  EXPECT_GT(series_->decoded_bytes(), 200U * 16) << "a query keeps them";
  EXPECT_GT(db_->memory_held().block_cache_bytes, held);
}

TEST_F(time_series_test, the_disk_is_not_asked_for_times_behind_all_that_is_on_it) {
  for (int i = 0; i < 100; ++i) put(i, i);
  store_head();
  for (int i = 100; i < 200; ++i) put(i, i);
  seal_head();
  for (int i = 200; i < 300; ++i) put(i, i);
  sensor_cut at = cut();
  EXPECT_EQ(at.on_disk_until_us, 99);
  at.on_disk_until_us = 49;  // then what is on disk behind it is not found
  EXPECT_EQ(series_->summarize(at, {50, 300})->count, 200U);
  EXPECT_EQ(series_->read(at, {50, 300}, 1'000, false)->size(), 200U);
  EXPECT_EQ(series_->read(at, {50, 300}, 1'000, true)->size(), 200U);
  EXPECT_EQ(series_->summarize(at, {49, 300})->count, 251U);
  EXPECT_EQ(series_->read(at, {49, 300}, 1'000, true)->size(), 251U);
}

TEST_F(time_series_test, a_damaged_block_is_corrupt_for_every_reader_and_verify_names_it) {
  for (int i = 0; i < 100; ++i) put(i, i * 1.25);
  seal_head();
  block damaged = *sealing_[0];
  write(1);
  damaged.bytes.back() = static_cast<char>(damaged.bytes.back() ^ 1);
  auto& raw = db_->raw();
  ASSERT_TRUE(raw.db->Put({}, raw.at(column::blocks), encode(key_of(damaged)), damaged.bytes).ok());
  EXPECT_EQ(series_->read(cut(), {}, 10, false).error().code, errc::corrupt);
  EXPECT_EQ(series_->read(cut(), {}, 10, true).error().code, errc::corrupt);
  EXPECT_EQ(series_->summarize(cut(), {10, 20}).error().code, errc::corrupt);
  std::vector<std::uint32_t> bad;
  EXPECT_EQ(series_->verify([&](sensor_id, std::uint32_t number, const error&) { bad.push_back(number); }), 1U);
  EXPECT_EQ(bad, (std::vector<std::uint32_t>{1}));
}

TEST(block_key, finds_the_earliest_start_that_reaches_an_instant) {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(earliest_start(0, 5), 5);
  EXPECT_EQ(earliest_start(3, 100), 93);
  EXPECT_EQ(earliest_start(64, 100), least);
  EXPECT_EQ(earliest_start(63, least + 10), least);
  for (const std::int64_t span : {0, 1, 2, 3, 4, 1'000, 1'024}) {
    block b;
    b.values.first_us = -500;
    b.values.last_us = -500 + span;
    EXPECT_LE(earliest_start(key_of(b).lane, b.values.last_us), b.values.first_us) << span;
  }
}

using quality_of_series = time_series_test;

void expect_aggregates(const time_series& series, const sensor_cut& cut, const model& m, const time_range& range) {
  const auto all = rows_of(m, range);
  const auto total = series.summarize(cut, range);
  ASSERT_TRUE(total);
  ASSERT_NO_FATAL_FAILURE(expect_near(*total, fold(all.begin(), all.end())));
  const auto steps = series.aggregate(cut, range, 100);
  ASSERT_TRUE(steps);
  std::uint64_t count = 0;
  for (const bucket& step : *steps) count += step.values.count;
  EXPECT_EQ(count, all.size());
}

TEST_F(quality_of_series, leaves_bad_readings_out_of_what_is_computed_unless_they_are_wanted) {
  std::mt19937_64 random(15);
  model good;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 50; ++i) {
      const auto time_us = static_cast<std::int64_t>(random() % 3'000);
      const double value = static_cast<double>(random() % 100);
      const bool bad = round % 3 != 0 && random() % 8 == 0;  // and blocks that have none
      head_.put(time_us, value, bad ? flag_bad : flag_none);
      if (const auto stored = head_.find(time_us); is_left_out(stored->flags))
        good.erase(time_us);
      else
        good[time_us] = value;
      stored_[time_us] = value;
    }
    if (round % 2 == 0) seal_head(&random);
    if (round % 4 == 0) write(sealing_.size() / 2);
    const auto begin = static_cast<std::int64_t>(random() % 3'000);
    for (const time_range& range : {time_range{}, time_range{begin, begin + 400}}) {
      auto at = cut();
      expect_aggregates(*series_, at, good, range);
      at.without = flag_excluded;
      expect_aggregates(*series_, at, stored_, range);
    }
  }
  auto at = cut();
  const auto newest = series_->newest(at, {}, SIZE_MAX);
  ASSERT_TRUE(newest);
  EXPECT_EQ(rows_of(*newest), rows_of(good, {}));
}

}  // namespace
}  // namespace factory
