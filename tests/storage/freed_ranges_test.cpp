#include "storage/base/freed_ranges.hpp"

#include <gtest/gtest.h>

#include "storage/base/limits.hpp"
#include "storage/support/time_series_fixture.hpp"

namespace factory {
namespace {

using test::time_series_test;

/// Blocks of noise, which no packing makes small.
struct freed_ranges_test : time_series_test {
  void fill(sensor_id of, std::size_t blocks) {
    std::mt19937_64 random(of);
    rocksdb::WriteBatch batch;
    for (std::uint32_t number = 1; number <= blocks; ++number) {
      reading_run rows;
      for (std::int64_t i = 0; i < 8'192; ++i) rows.push_back(number * 10'000 + i, static_cast<double>(random()), flag_none);
      const block sealed = seal(of, number, rows, effort::plain);
      batch.Put(db_->raw().at(column::blocks), encode(key_of(sealed)), sealed.bytes);
    }
    ASSERT_TRUE(db_->raw().write(batch, true, "testing"));
  }
  void give_back() { ASSERT_TRUE(db_->give_room_back(stop_)); }
  std::uint64_t disk() const { return db_->bytes_on_disk(); }

  std::atomic<bool> stop_{false};
};

TEST_F(freed_ranges_test, of_a_deleted_sensor_are_free_and_its_neighbours_stay) {
  const std::uint64_t empty = disk();
  for (const sensor_id of : {1U, 2U, 3U}) fill(of, 40);
  ASSERT_TRUE(series_->compact());  // in files of the last level
  const std::uint64_t full = disk() - empty;
  ASSERT_GT(full, 15'000'000U);
  ASSERT_TRUE(series_->remove_sensor(2));
  give_back();
  EXPECT_LT(disk() - empty, full * 3 / 4);
  EXPECT_EQ(series_->count(1).readings, 40U * 8'192);
  EXPECT_EQ(series_->count(2).readings, 0U);
  EXPECT_EQ(series_->count(3).readings, 40U * 8'192);
}

TEST_F(freed_ranges_test, are_free_also_while_all_is_in_the_log_and_memory_only) {
  const std::uint64_t empty = disk();
  fill(1, 40);
  ASSERT_TRUE(series_->remove_sensor(1));
  give_back();
  EXPECT_LT(disk() - empty, 1'000'000U);
}

TEST_F(freed_ranges_test, of_retention_are_free_and_what_is_written_there_later_stays) {
  const std::uint64_t empty = disk();
  fill(1, 60);
  ASSERT_TRUE(series_->compact());
  const std::uint64_t full = disk() - empty;
  ASSERT_TRUE(series_->drop_before(1, 50 * 10'000));
  ASSERT_GT(series_->count(1).blocks, 10U);
  rocksdb::WriteBatch batch;
  reading_run late;
  late.push_back(20'000, 1, flag_none);
  const block sealed = seal(1, 100, late);
  batch.Put(db_->raw().at(column::blocks), encode(key_of(sealed)), sealed.bytes);
  ASSERT_TRUE(db_->raw().write(batch, true, "testing"));
  ASSERT_TRUE(db_->raw().db->Flush({}, db_->raw().at(column::blocks)).ok());
  give_back();
  EXPECT_LT(disk() - empty, full / 2);
  EXPECT_EQ(series_->summarize({1, UINT32_MAX, {}, {}}, {0, 30'000})->count, 1U);
}

TEST_F(freed_ranges_test, are_due_a_while_after_the_first_was_noted_and_not_again_when_given_back) {
  freed_ranges freed;
  const auto now = freed_ranges::clock::now();
  EXPECT_FALSE(freed.due(now + 10 * limits::room_delay));
  freed.note(column::blocks, "a", "b", freed_ranges::use::maybe_again);
  EXPECT_FALSE(freed.due(now));
  EXPECT_TRUE(freed.due(now + 2 * limits::room_delay));
  ASSERT_TRUE(freed.give_back(db_->raw(), stop_));
  EXPECT_FALSE(freed.due(now + 10 * limits::room_delay));
}

}  // namespace
}  // namespace factory
