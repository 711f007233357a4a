#define XXH_INLINE_ALL
#include "storage/block/block.hpp"

#include <xxhash.h>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "pipelines/model/coding.hpp"
#include "storage/block/columns.hpp"
#include "storage/block/head.hpp"
#include "storage/support/runs.hpp"

namespace factory {
namespace {

using test::same_bits;

constexpr effort all_efforts[] = {effort::plain, effort::quick, effort::thorough};

void expect_round_trip(const reading_run& rows, const std::string& what) {
  for (const effort how : all_efforts) {
    const block sealed = seal(7, 3, rows, how);
    EXPECT_EQ(sealed.sensor, 7U);
    EXPECT_EQ(sealed.number, 3U);
    const auto opened = open_block(sealed.bytes);
    ASSERT_TRUE(opened) << what << ": " << opened.error().message;
    EXPECT_TRUE(same_bits(*opened, rows)) << what << ", effort " << static_cast<int>(how);
  }
}

TEST(block, gives_back_every_kind_of_signal_bit_for_bit) {
  std::mt19937_64 random(1);
  for (const auto& signal : test::signals()) {
    for (const std::size_t count : {1, 2, 3, 10, 63, 64, 65, 1'000, 2'048})
      expect_round_trip(signal.make(count, random), signal.name);
  }
}

TEST(block, gives_back_the_special_doubles) {
  const double nan_with_payload = std::bit_cast<double>(std::uint64_t{0x7ff4dead00beef01});
  const std::vector<double> special = {0.0,
                                       -0.0,
                                       std::numeric_limits<double>::denorm_min(),
                                       -std::numeric_limits<double>::denorm_min(),
                                       std::numeric_limits<double>::max(),
                                       std::numeric_limits<double>::lowest(),
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(),
                                       std::nan(""),
                                       nan_with_payload,
                                       0x1p51,
                                       0x1p52,
                                       0x1p53 + 2,
                                       0.1,
                                       21.5};
  std::mt19937_64 random(2);
  reading_run only_special, among_decimals;
  for (int i = 0; i < 500; ++i) only_special.push_back(i, special[random() % special.size()], flag_none);
  for (int i = 0; i < 2'000; ++i) {
    const double decimal = static_cast<double>(random() % 1'000) / 10;
    among_decimals.push_back(i, random() % 50 == 0 ? special[random() % special.size()] : decimal, flag_none);
  }
  expect_round_trip(only_special, "only special doubles");
  expect_round_trip(among_decimals, "special doubles among decimals");
}

TEST(block, gives_back_times_at_the_ends_of_their_range) {
  reading_run rows;
  for (const std::int64_t time :
       {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0}, std::numeric_limits<std::int64_t>::max()})
    rows.push_back(time, 1.5, flag_future);
  expect_round_trip(rows, "extreme times");
}

TEST(block, the_header_answers_what_the_rows_would) {
  std::mt19937_64 random(3);
  for (const auto& signal : test::signals()) {
    const reading_run rows = signal.make(777, random);
    const block sealed = seal(1, 1, rows);
    const auto header = read_header(sealed.bytes);
    ASSERT_TRUE(header);
    const summary expected = summarize(rows.event_time_us, rows.value);
    for (const summary& s : {*header, sealed.values}) {
      EXPECT_EQ(s.count, expected.count);
      EXPECT_EQ(s.min, expected.min);
      EXPECT_EQ(s.max, expected.max);
      EXPECT_EQ(s.sum, expected.sum);
      EXPECT_EQ(s.sum_error, expected.sum_error);
      EXPECT_EQ(s.m2, expected.m2);
      EXPECT_EQ(s.first_us, rows.event_time_us.front());
      EXPECT_EQ(s.last_us, rows.event_time_us.back());
      EXPECT_EQ(s.first, rows.value.front());
      EXPECT_EQ(s.last, rows.value.back());
    }
  }
}

/// As version 1 had it: the sums of the plain values, whatever these are.
std::string of_version_1(const reading_run& rows) {
  std::string bytes = seal(1, 1, rows).bytes;
  std::string sums;
  for (const double sum : {std::numeric_limits<double>::infinity(), 0.0, std::numeric_limits<double>::infinity()})
    put_double(sums, sum);
  bytes[0] = 1;
  bytes.replace(56, sums.size(), sums);
  std::string checksum;
  put_fixed64(checksum, XXH3_64bits(bytes.data(), 88));
  return bytes.replace(88, 8, checksum);
}

TEST(block, of_version_1_with_sums_beyond_the_range_of_double_answers_from_its_rows) {
  reading_run rows;
  for (int i = 0; i < 5; ++i) rows.push_back(i, i < 4 ? i : 1.7e308, flag_none);
  const auto header = read_header(of_version_1(rows));
  ASSERT_TRUE(header);
  const summary expected = summarize(rows.event_time_us, rows.value);
  EXPECT_EQ(header->mean(), expected.mean());
  EXPECT_EQ(header->std_dev(), expected.std_dev());
  EXPECT_TRUE(open_block(of_version_1(rows)));
}

TEST(block, a_flipped_bit_anywhere_is_corrupt_and_never_a_wrong_value) {
  std::mt19937_64 random(4);
  const block sealed = seal(1, 1, test::signals().front().make(300, random));
  for (std::size_t at = 0; at < sealed.bytes.size(); ++at) {
    std::string damaged = sealed.bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (random() % 8)));
    const auto opened = open_block(damaged);
    ASSERT_FALSE(opened) << "byte " << at;
    EXPECT_EQ(opened.error().code, errc::corrupt);
    EXPECT_EQ(read_header(damaged).has_value(), at >= 96) << "byte " << at;
  }
}

TEST(block, a_cut_or_lengthened_block_is_corrupt) {
  std::mt19937_64 random(5);
  const block sealed = seal(1, 1, test::signals().front().make(300, random));
  for (std::size_t size = 0; size < sealed.bytes.size(); ++size) EXPECT_FALSE(open_block(sealed.bytes.substr(0, size)));
  EXPECT_FALSE(open_block(sealed.bytes + '\0'));
}

TEST(block, columns_of_random_bytes_are_refused_or_harmless) {
  std::mt19937_64 random(6);
  const auto rows = test::signals().front().make(200, random);
  std::string good;
  put_columns(good, rows, effort::quick);
  for (int round = 0; round < 5'000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i) bad[random() % bad.size()] = static_cast<char>(random());
    bad.resize(random() % (bad.size() + 1));
    std::string_view in = bad;
    reading_run out;
    (void)get_columns(in, rows.size(), out);
  }
}

TEST(block, a_regular_constant_signal_takes_almost_nothing) {
  reading_run rows;
  for (int i = 0; i < 8'192; ++i) rows.push_back(1'700'000'000'000'000 + i * 1'000'000LL, 21.5, flag_none);
  EXPECT_LT(seal(1, 1, rows).bytes.size(), 160U);
}

TEST(block, decimals_with_a_regular_cadence_come_near_their_entropy) {
  std::mt19937_64 random(8);
  std::normal_distribution<double> noise(0, 50);  // in steps of 0.1; its entropy is 7.7 bits
  reading_run rows;
  for (int i = 0; i < 8'192; ++i)
    rows.push_back(1'700'000'000'000'000 + i * 100'000LL, std::round(800 + noise(random)) / 10, flag_none);
  const double bytes_per_reading = static_cast<double>(seal(1, 1, rows).bytes.size()) / 8'192;
  EXPECT_LT(bytes_per_reading, 1.2);
}

TEST(block, decimals_of_many_digits_are_packed_as_decimals_where_there_is_time_to_try) {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<std::int64_t> digits(600'000'000'000, 1'100'000'000'000);
  reading_run rows;
  for (int i = 0; i < 4'000; ++i) rows.push_back(i * 1'000, static_cast<double>(digits(random)) / 1e13, flag_none);
  EXPECT_LT(seal(1, 1, rows, effort::thorough).bytes.size(), rows.size() * 11 / 2);
  expect_round_trip(rows, "decimals of 12 digits");
}

TEST(head, encodes_and_decodes_empty_and_full) {
  std::mt19937_64 random(9);
  for (const std::size_t count : {0, 1, 2, 100, 2'047}) {
    head h;
    if (count > 0) {
      const reading_run rows = test::signals()[1].make(count, random);
      for (std::size_t i = 0; i < rows.size(); ++i) h.put(rows.event_time_us[i], rows.value[i], rows.flags[i]);
    }
    std::string bytes = "before";
    h.encode(bytes);
    bytes += "after";
    std::string_view in = std::string_view(bytes).substr(6);
    head back;
    back.put(1, 1, flag_none);
    ASSERT_TRUE(back.decode(in));
    EXPECT_EQ(in, "after");
    EXPECT_TRUE(same_bits(back.rows(), h.rows()));
  }
}

TEST(head, refuses_bytes_that_end_early) {
  std::mt19937_64 random(10);
  head h;
  for (int i = 0; i < 100; ++i) h.put(i, static_cast<double>(random()), flag_none);
  std::string bytes;
  h.encode(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    head back;
    EXPECT_FALSE(back.decode(in));
    EXPECT_EQ(back.size(), 0U);
  }
}

}  // namespace
}  // namespace factory
