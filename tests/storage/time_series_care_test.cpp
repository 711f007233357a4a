// Maintenance of blocks on disk: rewriting, dropping, compaction.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include "storage/series/block_finder.hpp"
#include "storage/support/time_series_fixture.hpp"

namespace factory {
namespace {

using namespace test;

using time_series_care = time_series_test;

TEST_F(time_series_care, rewriting_fills_blocks_and_settles_overlaps) {
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

TEST_F(time_series_care, rewriting_all_packs_a_lone_block_thoroughly_and_keeps_its_rows) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> anywhere(-1e9, 1e9);
  std::vector<double> words(16);
  std::generate(words.begin(), words.end(), [&] { return anywhere(random); });
  for (int i = 0; i < 4'000; ++i) put(i * 1'000, words[random() % words.size()]);
  store_head();
  const auto rows = rows_of(everything());
  const std::uint64_t quick_bytes = series_->count(sensor).bytes;
  EXPECT_EQ(*series_->rewrite(sensor, next_block_), 0U) << "nothing to join";
  EXPECT_EQ(*series_->rewrite(sensor, next_block_, {}, time_series::rewriting::all), 1U);
  EXPECT_LT(series_->count(sensor).bytes, quick_bytes / 2);
  EXPECT_EQ(series_->count(sensor).blocks, 1U);
  EXPECT_EQ(rows_of(everything()), rows);
}

TEST_F(time_series_care, a_cut_older_than_what_a_rewrite_joined_still_finds_all_its_rows) {
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

TEST_F(time_series_care, drops_whole_blocks_that_end_before_an_instant) {
  for (int b = 0; b < 3; ++b) {
    for (int i = 0; i < 100; ++i) put(b * 100 + i, i);
    store_head();
  }
  EXPECT_EQ(*series_->drop_before(sensor, 99), 0U);
  EXPECT_EQ(*series_->drop_before(sensor, 250), 200U);
  EXPECT_EQ(everything().event_time_us.front(), 200);
  EXPECT_EQ(series_->count(sensor).first_us, 200);
}

TEST_F(time_series_care, drops_by_ranges_exactly_the_blocks_that_end_before_an_instant_whatever_their_lengths) {
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

TEST_F(time_series_care, counts_what_is_on_disk) {
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

TEST_F(time_series_care, compaction_changes_nothing_that_is_read) {
  for (int i = 0; i < 5'000; ++i) {
    put(i, i);
    if (head_.size() == 500) store_head();
  }
  const auto before = rows_of(everything());
  ASSERT_TRUE(series_->compact());
  EXPECT_EQ(rows_of(everything()), before);
}

}  // namespace
}  // namespace factory
