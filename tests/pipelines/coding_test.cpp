#include "pipelines/model/coding.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace factory {
namespace {

TEST(coding, every_width_of_varint_comes_back) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t v : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, ~std::uint64_t{0} >> bit}) {
      std::string out;
      put_varint(out, v);
      std::string_view in = out;
      std::uint64_t back = 0;
      ASSERT_TRUE(get_varint(in, back));
      EXPECT_EQ(back, v);
      EXPECT_TRUE(in.empty());
    }
  }
}

TEST(coding, a_varint_that_is_cut_or_too_long_is_refused) {
  std::uint64_t v = 0;
  for (const std::string& bytes : {std::string(), std::string("\x80"), std::string(10, '\xff'), std::string(9, '\x80') + '\x02',
                                   std::string(11, '\x80') + '\x00'}) {
    std::string_view in = bytes;
    EXPECT_FALSE(get_varint(in, v)) << bytes.size();
  }
  std::string out;
  put_varint(out, 300);
  std::string_view in = out;
  std::uint8_t narrow = 0;
  EXPECT_FALSE(get_varint_as(in, narrow));
}

TEST(coding, zigzag_keeps_small_magnitudes_small) {
  const std::vector<std::int64_t> values{
      0, -1, 1, -2, 2, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  std::string out;
  for (const auto v : values) put_zigzag(out, v);
  std::string_view in = out;
  for (const auto v : values) {
    std::int64_t back = 0;
    ASSERT_TRUE(get_zigzag(in, back));
    EXPECT_EQ(back, v);
  }
  EXPECT_EQ(to_zigzag(-1), 1U);
  EXPECT_EQ(to_zigzag(1), 2U);
}

TEST(coding, doubles_come_back_bit_for_bit) {
  for (const double v : {0.0, -0.0, 0.1, std::numeric_limits<double>::denorm_min(), std::nan("7")}) {
    std::string out;
    put_double(out, v);
    std::string_view in = out;
    double back = 1;
    ASSERT_TRUE(get_double(in, back));
    EXPECT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(v));
  }
}

TEST(coding, texts_and_fixed_numbers_refuse_short_input) {
  std::string out;
  put_fixed32(out, 7);
  put_text(out, "press line");
  put_fixed64(out, 9);
  put_byte(out, 3);
  for (std::size_t size = 0; size <= out.size(); ++size) {
    std::string_view in = std::string_view(out).substr(0, size);
    std::uint32_t a = 0;
    std::string text;
    std::uint64_t b = 0;
    std::uint8_t c = 0;
    EXPECT_EQ(get_fixed32(in, a) && get_text(in, text) && get_fixed64(in, b) && get_byte(in, c), size == out.size());
    if (size == out.size()) {
      EXPECT_EQ(text, "press line");
    }
  }
}

TEST(coding, keys_sort_as_their_numbers_do) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    const auto a = static_cast<std::int64_t>(random()) >> random() % 64;
    const auto b = static_cast<std::int64_t>(random()) >> random() % 64;
    std::string key_a, key_b;
    put_key_time(key_a, a);
    put_key_time(key_b, b);
    EXPECT_EQ(key_a < key_b, a < b);
    std::string_view in = key_a;
    std::int64_t back = 0;
    ASSERT_TRUE(get_key_time(in, back));
    EXPECT_EQ(back, a);
  }
  std::string low, high;
  put_key32(low, 255);
  put_key32(high, 256);
  EXPECT_LT(low, high);
}

}  // namespace
}  // namespace factory
