#include "storage/series/block_cache.hpp"

#include <gtest/gtest.h>

#include "storage/support/runs.hpp"

namespace factory {
namespace {

constexpr std::size_t plenty = 64UL << 20;

reading_run ramp(std::size_t count, double from) {
  reading_run rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(static_cast<std::int64_t>(i), from + static_cast<double>(i), flag_none);
  return rows;
}

TEST(block_cache, decodes_a_block_once) {
  block_cache cache(plenty);
  const block stored = seal(1, 7, ramp(100, 0));
  const auto first = cache.open(key_of(stored), stored.bytes, asker::query);
  ASSERT_TRUE(first);
  EXPECT_TRUE(test::same_bits(**first, ramp(100, 0)));
  const auto again = cache.open(key_of(stored), stored.bytes, asker::query);
  ASSERT_TRUE(again);
  EXPECT_EQ(first->get(), again->get());
}

TEST(block_cache, tells_blocks_of_one_place_apart_by_what_they_hold) {
  // Two values changed places: same number, times, extremes and sums.
  block_cache cache(plenty);
  auto rows = ramp(100, 0);
  const block before = seal(1, 7, rows);
  std::swap(rows.value[3], rows.value[4]);
  const block after = seal(1, 7, rows);
  ASSERT_TRUE(cache.open(key_of(before), before.bytes, asker::query));
  const auto opened = cache.open(key_of(after), after.bytes, asker::query);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(test::same_bits(**opened, rows));
}

TEST(block_cache, keeps_what_was_used_last_within_its_bytes) {
  constexpr std::size_t bound = 8UL * 256 * 1024;  // 256 KiB for the blocks of one sensor
  block_cache cache(bound);
  const block favourite = seal(8, 1, ramp(1'000, 0));
  const auto kept = cache.open(key_of(favourite), favourite.bytes, asker::query);
  ASSERT_TRUE(kept);
  for (std::uint32_t number = 2; number < 200; ++number) {
    const block other = seal(8, number, ramp(1'000, number));
    ASSERT_TRUE(cache.open(key_of(other), other.bytes, asker::query));
    EXPECT_EQ(cache.find(key_of(favourite), columns_checksum(favourite.bytes)), *kept);
    EXPECT_LE(cache.bytes(), bound);
  }
  const block second = seal(8, 2, ramp(1'000, 2));
  EXPECT_EQ(cache.find(key_of(second), columns_checksum(second.bytes)), nullptr);
}

TEST(block_cache, work_in_the_background_takes_what_is_at_hand_and_leaves_nothing) {
  block_cache cache(plenty);
  const block asked = seal(1, 7, ramp(100, 0)), other = seal(1, 8, ramp(100, 5));
  const auto at_hand = cache.open(key_of(asked), asked.bytes, asker::query);
  ASSERT_TRUE(at_hand);
  const auto bytes = cache.bytes();
  const auto found = cache.open(key_of(asked), asked.bytes, asker::background);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->get(), at_hand->get());
  const auto fresh = cache.open(key_of(other), other.bytes, asker::background);
  ASSERT_TRUE(fresh);
  EXPECT_TRUE(test::same_bits(**fresh, ramp(100, 5)));
  EXPECT_EQ(cache.bytes(), bytes);
}

TEST(block_cache, keeps_nothing_of_a_damaged_block) {
  block_cache cache(plenty);
  block damaged = seal(1, 7, ramp(100, 0));
  damaged.bytes.back() = static_cast<char>(damaged.bytes.back() ^ 1);
  const auto opened = cache.open(key_of(damaged), damaged.bytes, asker::query);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_EQ(cache.bytes(), 0U);
}

}  // namespace
}  // namespace factory
