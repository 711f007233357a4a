#include "storage/time_series.hpp"

#include "storage/block_finder.hpp"
#include "storage/block_key.hpp"
#include "storage/head.hpp"
#include "storage/rocks.hpp"
#include "storage/support/temporary_directory.hpp"

#include "pipelines/limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

namespace factory {
namespace {

using model = std::map<std::int64_t, double>;

constexpr sensor_id sensor = 7;

class time_series_test : public ::testing::Test {
 protected:
  time_series_test() { reopen(); }
  void reopen() {
    series_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    series_ = std::make_unique<time_series>(*db_);
  }

  void put(std::int64_t time_us, double value) {
    head_.put(time_us, value, flag_none);
    stored_[time_us] = value;
  }
  /// Seals the head, some rows of it in a block of their own as those that came late are.
  void seal_head(std::mt19937_64* random = nullptr) {
    const reading_run rows = head_.take();
    reading_run regular, apart;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& to = random != nullptr && (*random)() % 4 == 0 ? apart : regular;
      to.push_back(rows.event_time_us[i], rows.value[i], rows.flags[i]);
    }
    for (const auto* part : {&regular, &apart})
      if (!part->empty()) sealing_.push_back(std::make_shared<const block>(seal(sensor, next_block_++, *part)));
  }
  void write(std::size_t count) {
    rocksdb::WriteBatch batch;
    auto& raw = db_->raw();
    for (std::size_t i = 0; i < count; ++i) batch.Put(raw.at(column::blocks), encode(key_of(*sealing_[i])), sealing_[i]->bytes);
    EXPECT_TRUE(raw.write(batch, false, "writing blocks"));
    for (std::size_t i = 0; i < count; ++i) on_disk_until_us_ = std::max(on_disk_until_us_, sealing_[i]->values.last_us);
    sealing_.erase(sealing_.begin(), sealing_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  void store_head() {
    seal_head();
    write(sealing_.size());
  }
  sensor_cut cut() const { return {sensor, next_block_, sealing_, head_.rows(), on_disk_until_us_}; }
  reading_run everything() {
    const auto rows = series_->read(cut(), {}, SIZE_MAX, false);
    return rows ? *rows : throw std::runtime_error(rows.error().message);
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<time_series> series_;
  head head_;
  std::uint32_t next_block_ = 1;
  std::vector<std::shared_ptr<const block>> sealing_;
  std::int64_t on_disk_until_us_ = INT64_MIN;
  model stored_;
};

std::vector<std::pair<std::int64_t, double>> rows_of(const reading_run& run) {
  std::vector<std::pair<std::int64_t, double>> rows;
  for (std::size_t i = 0; i < run.size(); ++i) rows.emplace_back(run.event_time_us[i], run.value[i]);
  return rows;
}
std::vector<std::pair<std::int64_t, double>> rows_of(const model& m, const time_range& range) {
  if (range.begin_us >= range.end_us) return {};
  return {m.lower_bound(range.begin_us), m.lower_bound(range.end_us)};
}
summary summary_of(const std::vector<std::pair<std::int64_t, double>>& rows) {
  summary s;
  for (const auto& [time, value] : rows) s.add(time, value);
  return s;
}
void expect_near(const summary& a, const summary& b) {
  ASSERT_EQ(a.count, b.count);
  if (a.count == 0) return;
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.last, b.last);
  EXPECT_EQ(a.first_us, b.first_us);
  EXPECT_EQ(a.last_us, b.last_us);
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
  const auto whole = summary_of(all);
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
      expect_near(b.values, summary_of(expected->second));
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

TEST_F(time_series_test, rewriting_fills_blocks_and_settles_overlaps) {
  std::mt19937_64 random(3);
  for (int b = 0; b < 9; ++b) {
    for (int i = 0; i < 1'000; ++i) put(b * 1'000 + i, i % 50);
    store_head();
  }
  put(500, -1);
  put(8'500, -1);
  store_head();
  const auto before = rows_of(everything());
  ASSERT_EQ(series_->count(sensor).blocks, 10U);
  EXPECT_EQ(*series_->rewrite(sensor, next_block_), 10U);
  const auto counted = series_->count(sensor);
  EXPECT_EQ(counted.blocks, 2U);
  EXPECT_EQ(counted.readings, 9'000U) << "what was written over is gone";
  EXPECT_EQ(rows_of(everything()), before);
  EXPECT_EQ(*series_->rewrite(sensor, next_block_), 0U) << "nothing is left to do";
  EXPECT_EQ(series_->verify([](sensor_id, std::uint32_t, const error& e) { ADD_FAILURE() << e.message; }), 2U);
}

TEST_F(time_series_test, rewriting_all_packs_a_lone_block_thoroughly_and_keeps_its_rows) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> anywhere(-1e9, 1e9);
  std::vector<double> words(16);
  std::generate(words.begin(), words.end(), [&] { return anywhere(random); });
  for (int i = 0; i < 4'000; ++i) put(i * 1'000, words[random() % words.size()]);
  store_head();
  const auto rows = rows_of(everything());
  const std::uint64_t quick_bytes = series_->count(sensor).bytes;
  EXPECT_EQ(*series_->rewrite(sensor, next_block_), 0U) << "nothing to join";
  EXPECT_EQ(*series_->rewrite(sensor, next_block_, time_series::rewriting::all), 1U);
  EXPECT_LT(series_->count(sensor).bytes, quick_bytes / 2);
  EXPECT_EQ(series_->count(sensor).blocks, 1U);
  EXPECT_EQ(rows_of(everything()), rows);
}

TEST_F(time_series_test, a_cut_older_than_what_a_rewrite_joined_still_finds_all_its_rows) {
  for (int i = 0; i < 100; ++i) put(i, 1);
  store_head();
  for (int i = 100; i < 150; ++i) put(i, 1);
  const sensor_cut old = cut();
  for (int b = 0; b < 5; ++b) {
    for (int i = 0; i < 100; ++i) put(150 + b * 100 + i, 1);
    store_head();
  }
  ASSERT_GT(*series_->rewrite(sensor, next_block_), 0U);
  const auto rows = series_->read(old, {0, 150}, SIZE_MAX, false);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 150U);
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

TEST_F(time_series_test, drops_whole_blocks_that_end_before_an_instant) {
  for (int b = 0; b < 3; ++b) {
    for (int i = 0; i < 100; ++i) put(b * 100 + i, i);
    store_head();
  }
  EXPECT_EQ(*series_->drop_before(sensor, 99), 0U);
  EXPECT_EQ(*series_->drop_before(sensor, 250), 200U);
  EXPECT_EQ(everything().event_time_us.front(), 200);
  EXPECT_EQ(series_->count(sensor).first_us, 200);
}

TEST_F(time_series_test, drops_by_ranges_exactly_the_blocks_that_end_before_an_instant_whatever_their_lengths) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const sensor_id own = 100 + static_cast<sensor_id>(seed);
    std::map<std::uint32_t, std::pair<std::int64_t, std::int64_t>> spans;
    rocksdb::WriteBatch batch;
    auto& raw = db_->raw();
    for (std::uint32_t number = 1; number <= 60; ++number) {
      const auto first = static_cast<std::int64_t>(random() % 10'000), last = first + static_cast<std::int64_t>(random() % 3'000);
      reading_run rows;
      rows.push_back(first, 1, flag_none);
      if (last != first) rows.push_back(last, 2, flag_none);
      const block sealed = seal(own, number, rows);
      batch.Put(raw.at(column::blocks), encode(key_of(sealed)), sealed.bytes);
      spans[number] = {first, last};
    }
    ASSERT_TRUE(raw.write(batch, false, "writing blocks"));
    const auto before = static_cast<std::int64_t>(random() % 13'000);
    std::uint64_t dropped = 0;
    std::multiset<std::int64_t> left, found;
    for (const auto& [number, span] : spans) {
      if (span.second < before)
        dropped += span.first == span.second ? 1 : 2;
      else
        left.insert(span.first);
    }
    EXPECT_EQ(*series_->drop_before(own, before), dropped);
    EXPECT_EQ(*series_->drop_before(own, before), 0U);
    if (seed % 2 == 0) reopen();
    block_finder finder(db_->raw(), own, UINT32_MAX, asker::background);
    ASSERT_TRUE(finder.visit({}, [&](const block_key& key, const summary&, std::string_view) -> expected<void> {
      found.insert(key.first_us);
      return {};
    }));
    EXPECT_EQ(found, left);
  }
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

TEST_F(time_series_test, counts_what_is_on_disk) {
  EXPECT_EQ(series_->count().blocks, 0U);
  for (int i = 0; i < 100; ++i) put(i, i);
  store_head();
  const auto all = series_->count();
  EXPECT_EQ(all.sensors, 1U);
  EXPECT_EQ(all.blocks, 1U);
  EXPECT_EQ(all.readings, 100U);
  EXPECT_GT(all.bytes, 96U);
  EXPECT_EQ(series_->count(sensor).last_us, 99);
}

TEST_F(time_series_test, compaction_changes_nothing_that_is_read) {
  for (int i = 0; i < 5'000; ++i) {
    put(i, i);
    if (head_.size() == 500) store_head();
  }
  const auto before = rows_of(everything());
  ASSERT_TRUE(series_->compact());
  EXPECT_EQ(rows_of(everything()), before);
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

}  // namespace
}  // namespace factory
