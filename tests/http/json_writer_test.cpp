#include "http/text/json_writer.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <limits>
#include <random>

namespace factory {
namespace {

std::string written(double value) {
  json_writer out;
  out.value(value);
  return out.text();
}

TEST(json_writer, writes_members_of_every_kind) {
  json_writer out;
  out.begin_object()
      .member("text", "a\"b\n")
      .member("negative", std::int64_t{-9007199254740993})
      .member("large", std::uint64_t{18446744073709551615U})
      .member("flag", true)
      .member("nothing", std::optional<double>{})
      .member("something", std::optional<double>{1.5})
      .key("list")
      .begin_array()
      .value(1)
      .value(nullptr)
      .end_array()
      .key("raw")
      .raw("{\"a\":1}")
      .end_object();
  EXPECT_EQ(out.text(),
            R"({"text":"a\"b\n","negative":-9007199254740993,"large":18446744073709551615,"flag":true,"nothing":null,)"
            R"("something":1.5,"list":[1,null],"raw":{"a":1}})");
}

TEST(json_writer, writes_the_shortest_digits) {
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(70), "70.0");
  EXPECT_EQ(written(-0.0), "-0.0");
  EXPECT_EQ(written(5e-324), "5e-324");
  EXPECT_EQ(written(1.7976931348623157e308), "1.7976931348623157e308");
}

TEST(json_writer, writes_null_for_what_json_cannot_say) {
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(written(-std::numeric_limits<double>::infinity()), "null");
}

TEST(json_writer, doubles_read_back_bit_for_bit) {
  std::mt19937_64 random(20260119);
  for (int i = 0; i < 500'000; ++i) {
    // Every other one looks like a reading: a few decimals.
    const double value =
        i % 2 == 0 ? std::bit_cast<double>(random()) : static_cast<double>(random() % 2'000'000) / 1000.0 - 1000.0;
    if (!std::isfinite(value)) continue;
    const std::string text = written(value);
    double back = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_TRUE(failed == std::errc{} && end == text.data() + text.size()) << text;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(value)) << text;
  }
}

}  // namespace
}  // namespace factory
