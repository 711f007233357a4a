// Readings in journal records: packed, and back bit for bit.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/journal/journal_record.hpp"
#include "storage/support/journal_fixture.hpp"

namespace factory {
namespace {

using namespace test;

using packed_readings = journal_test;

reading_batch slice_of(std::vector<double> values, std::int64_t step_us = 1'000'000) {
  reading_batch batch;
  batch.value = std::move(values);
  for (std::size_t i = 0; i < batch.size(); ++i)
    batch.event_time_us.push_back(
        static_cast<std::int64_t>(1'700'000'000'000'000U + i * static_cast<std::uint64_t>(step_us)));  // may wrap
  batch.slices = {{7, 0, static_cast<std::uint32_t>(batch.size())}};
  return batch;
}

TEST_F(packed_readings, decimals_of_any_size_come_back_bit_for_bit) {
  start();
  std::mt19937_64 random(12);
  for (int digits = 0; digits <= 12; ++digits) {
    for (int bits = 1; bits <= 55; bits += 3) {
      std::vector<double> values;
      for (int i = 0; i < 9; ++i) {
        const auto whole = static_cast<std::int64_t>(random() >> (64 - bits));
        values.push_back(std::strtod((std::to_string(i % 2 ? whole : -whole) + "e-" + std::to_string(digits)).c_str(), nullptr));
      }
      (void)stored_bytes(slice_of(values, static_cast<std::int64_t>(random())));
    }
  }
}

TEST_F(packed_readings, values_that_are_no_decimals_come_back_bit_for_bit) {
  start();
  using limits_of = std::numeric_limits<double>;
  for (const double odd : {-0.0, limits_of::denorm_min(), limits_of::max(), -limits_of::infinity(), limits_of::quiet_NaN(),
                           0x1p51, -0x1p51, 0x1p53 + 2, 0.1 + 0.2, 1e300, std::bit_cast<double>(0x7ff8'0000'dead'beefULL)})
    for (std::size_t at = 0; at < 5; ++at) {
      std::vector<double> values{20.5, 21, 20.75, 19, 22};
      values[at] = odd;
      (void)stored_bytes(slice_of(values));
      (void)stored_bytes(slice_of({odd}));
    }
}

TEST_F(packed_readings, decimals_at_a_regular_step_take_a_byte_or_two_each) {
  start();
  std::vector<double> values(1'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 20 + static_cast<double>(i % 200) / 100;
  constexpr std::size_t around = 60;  // head of record and entry, and what a slice begins with
  EXPECT_LE(stored_bytes(slice_of(values)), 1'000 + around);
  values[500] = 90;
  EXPECT_LE(stored_bytes(slice_of(values)), 2'000 + around);
  reading_batch batch = slice_of(values);
  batch.event_time_us.back() += 1;
  EXPECT_GT(stored_bytes(batch), 3'000U);  // a time each
}

TEST_F(packed_readings, a_reading_counts_for_the_length_at_least_what_a_plain_one_takes) {
  start();
  append({0, 1, std::make_shared<const reading_batch>(slice_of(std::vector<double>(1'000, 20.5))), nullptr, nullptr});
  EXPECT_LT(stored(1).size(), 2'000U);
  EXPECT_EQ(journal_->bytes_above_floor(), 9'000U);
  reopen();
  EXPECT_EQ(journal_->bytes_above_floor(), 9'000U);
}

TEST_F(packed_readings, a_record_of_version_1_is_read) {
  std::string entry;
  put_byte(entry, 1);
  put_zigzag(entry, 5);
  for (const std::uint64_t number : {2, 3, 7, 1, 4, 2}) put_varint(entry, number);  // sensor 7 with a row, 11 with two
  for (const std::int64_t step : {1'000, 50, -20}) put_zigzag(entry, step);
  for (const double value : {20.5, -0.0, 0.1 + 0.2}) put_double(entry, value);
  std::string record;
  put_byte(record, 1);
  put_fixed32(record, 1);
  put_fixed32(record, static_cast<std::uint32_t>(entry.size()));
  put_fixed64(record, XXH3_64bits(entry.data(), entry.size()));
  put_fixed64(record, XXH3_64bits_withSeed(record.data(), record.size(), 1));
  store(1, record + entry);
  reopen();
  const auto found = replayed();
  ASSERT_EQ(found.size(), 1U);
  reading_batch batch;
  batch.event_time_us = {1'000, 1'050, 1'030};
  batch.value = {20.5, -0.0, 0.1 + 0.2};
  batch.slices = {{7, 0, 1}, {11, 1, 3}};
  expect_same(found[0], {1, 5, std::make_shared<const reading_batch>(batch), nullptr, nullptr});
  start();
  EXPECT_EQ(append(reading_entry(6)), 2U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(packed_readings, come_back_with_their_flags_which_take_no_room_where_there_are_none) {
  start();
  reading_batch plain = slice_of({1, 2, 3, 4}), flagged = plain;
  flagged.flags = {flag_none, flag_bad, flag_uncertain, flag_none};
  const auto entry = [](const reading_batch& of) {
    return journal_entry{0, 1, std::make_shared<const reading_batch>(of), nullptr, nullptr};
  };
  const auto without = encode(entry(plain)).bytes, with = encode(entry(flagged)).bytes;
  EXPECT_GT(with.size(), without.size());
  EXPECT_EQ(decode_entry(1, without)->readings->flags.size(), 0U);
  EXPECT_EQ(decode_entry(1, with)->readings->flags, flagged.flags);
  EXPECT_FALSE(decode_entry(1, std::string_view(with).substr(0, with.size() - 1)));
}

}  // namespace
}  // namespace factory
