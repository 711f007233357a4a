#include "pipelines/model/time.hpp"

#include <gtest/gtest.h>

#include <random>

#include "pipelines/model/time_text.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

struct good_time {
  std::string_view text;
  std::int64_t time_us;
};

TEST(time_text, rfc_3339_and_its_common_relaxations_are_read) {
  const good_time table[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-01-19T10:00:00Z", 1'768'816'800 * second_us},
      {"2026-01-19T10:00:00z", 1'768'816'800 * second_us},
      {"2026-01-19t10:00:00Z", 1'768'816'800 * second_us},
      {"2026-01-19 10:00:00", 1'768'816'800 * second_us},
      {"2026-01-19T10:00:00", 1'768'816'800 * second_us},
      {"2026-01-19", 1'768'780'800 * second_us},
      {"2026-01-19T10:00:00.5Z", 1'768'816'800 * second_us + 500'000},
      {"2026-01-19T10:00:00.000001Z", 1'768'816'800 * second_us + 1},
      {"2026-01-19T10:00:00.0000019Z", 1'768'816'800 * second_us + 1},
      {"2026-01-19T10:00:00.123456789012345678901234567890Z", 1'768'816'800 * second_us + 123'456},
      {"2026-01-19T12:00:00+02:00", 1'768'816'800 * second_us},
      {"2026-01-19T04:30:00-05:30", 1'768'816'800 * second_us},
      {"2026-01-19T10:00:00.25-00:00", 1'768'816'800 * second_us + 250'000},
      {"2026-01-19T12:00:00+0200", 1'768'816'800 * second_us},
      {"2026-01-19 12:00:00.5+02", 1'768'816'800 * second_us + 500'000},
      {"2026-01-19T04:30:00-0530", 1'768'816'800 * second_us},
      {"2026-01-19T10:00Z", 1'768'816'800 * second_us},
      {"2026-01-19 12:00+02", 1'768'816'800 * second_us},
      {"1969-12-31T23:59:59.999999Z", -1},
      {"2000-02-29T00:00:00Z", 951'782'400 * second_us},
      {"2024-02-29", 1'709'164'800 * second_us},
      {"2016-12-31T23:59:60Z", 1'483'228'800 * second_us},
      {"2017-01-01T01:59:60+02:00", 1'483'228'800 * second_us},
      {"1678-01-01T00:00:00Z", min_event_time_us},
      {"1677-12-31T23:00:00-01:00", min_event_time_us},
      {"2261-12-31T23:59:59.999999Z", max_event_time_us - 1},
  };
  for (const auto& [text, time_us] : table) {
    const auto read = parse_time_us(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(*read, time_us) << text;
  }
}

TEST(time_text, anything_else_is_refused) {
  const std::string_view table[] = {
      "",
      "now",
      "2026",
      "2026-01",
      "2026-1-19",
      "26-01-19",
      "+2026-01-19",
      "2026-13-01",
      "2026-00-10",
      "2026-01-00",
      "2026-01-32",
      "2026-04-31",
      "2026-02-30",
      "2026-02-29",
      "1900-02-29",
      "2100-02-29",
      "2026/01/19",
      "2026-01-19T",
      "2026-01-19T10",
      "2026-01-19Z",
      "2026-01-19T24:00:00Z",
      "2026-01-19T10:60:00Z",
      "2026-01-19T10:00:61Z",
      "2026-01-19T10:00:60Z",
      "2026-01-19T10:00:00.Z",
      "2026-01-19T10:00:00,5Z",
      "2026-01-19T10:00:00ZZ",
      "2026-01-19T10:00:00Z ",
      " 2026-01-19T10:00:00Z",
      "2026-01-19T10:00:00+02:",
      "2026-01-19T10:00:00+020",
      "2026-01-19T10:00:00+2",
      "2026-01-19T10:",
      "2026-01-19T10:00:",
      "2026-01-19T10:00.5Z:",
      "2026-01-19T10:00:00+24:00",
      "2026-01-19T10:00:00+02:60",
      "2026-01-19T10:00:00 Z",
      "2026-01-19T10:00:00UTC",
      "2026-01-19  10:00:00",
      "1677-12-31T23:59:59Z",
      "2262-01-01T00:00:00Z",
      "0000-01-01",
      "9999-12-31T23:59:59Z",
      "2026-01-1x",
      "2026-01-19T10:00:0/Z",
      std::string_view("2026-01-19\0", 11),
      std::string_view("2026-01-19T10:00:00+99:00\0", 26),
  };
  for (const std::string_view text : table) EXPECT_FALSE(parse_time_us(text)) << text;
}

TEST(time_text, a_time_that_is_none_is_told_from_one_out_of_range) {
  for (const std::string_view text : {"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0000-02-29", "1677-12-31T23:59:59Z",
                                      "2262-01-01", "+012345-06-07T08:09:10Z", "-000001-01-01T00:00:00Z", "+123456-12-31"})
    EXPECT_EQ(read_time(text).error(), time_fault::out_of_range) << text;
  for (const std::string_view text :
       {"9999-13-31", "0000-02-30", "1677", "noon", "+012345-13-07", "+12345-06-07", "+012345-06-07T25:00:00Z", "-2026-01-19"})
    EXPECT_EQ(read_time(text).error(), time_fault::not_a_time) << text;
}

TEST(time_text, every_proper_prefix_of_a_time_is_read_as_a_time_or_refused) {
  const std::string text = "2026-01-19T10:00:00.123456+02:00";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const bool whole = length == 10 || length == 16 || length == 19 || (length > 20 && length <= 26) || length == 29;
    // A copy on the heap, so that reading past its end is seen by the address sanitizer.
    const std::string prefix(text.data(), length);
    EXPECT_EQ(parse_time_us(prefix).has_value(), whole) << prefix;
  }
}

TEST(time_text, formatting_and_reading_give_the_same_time) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> any(min_event_time_us, max_event_time_us - 1);
  for (int i = 0; i < 200'000; ++i) {
    std::int64_t time_us = any(random);
    if (i % 3 == 1) time_us -= time_us % 1000;
    if (i % 3 == 2) time_us -= time_us % second_us;
    ASSERT_EQ(parse_time_us(format_time(time_us)), time_us) << format_time(time_us);
  }
}

TEST(time_text, every_day_of_the_range_follows_the_one_before) {
  std::int64_t expected = min_event_time_us;
  constexpr int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  for (int year = 1678; year < 2262; ++year) {
    for (int month = 1; month <= 12; ++month) {
      const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
      for (int day = 1; day <= length[month - 1] + (month == 2 && leap ? 1 : 0); ++day) {
        char text[40];
        std::snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
        ASSERT_EQ(parse_time_us(text), expected) << text;
        ASSERT_EQ(format_time(expected), std::string(text) + "T00:00:00Z");
        expected += 86'400 * second_us;
      }
    }
  }
  EXPECT_EQ(expected, max_event_time_us);
}

TEST(time_text, a_fraction_is_written_with_no_three_or_six_digits) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(120'000), "1970-01-01T00:00:00.120Z");
  EXPECT_EQ(format_time(120'001), "1970-01-01T00:00:00.120001Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999999Z");
}

TEST(integer_time, each_unit_becomes_microseconds) {
  EXPECT_EQ(to_time_us(2, precision::s), 2'000'000);
  EXPECT_EQ(to_time_us(2, precision::ms), 2'000);
  EXPECT_EQ(to_time_us(2, precision::us), 2);
  EXPECT_EQ(to_time_us(2'999, precision::ns), 2);
  EXPECT_EQ(to_time_us(-1, precision::ns), -1);
  EXPECT_EQ(to_time_us(-1000, precision::ns), -1);
  EXPECT_EQ(to_time_us(-1001, precision::ns), -2);
}

TEST(integer_time, what_is_out_of_range_or_overflows_is_refused) {
  constexpr auto biggest = std::numeric_limits<std::int64_t>::max(), smallest = std::numeric_limits<std::int64_t>::min();
  for (const precision unit : {precision::s, precision::ms, precision::us}) {
    EXPECT_FALSE(to_time_us(biggest, unit));
    EXPECT_FALSE(to_time_us(smallest, unit));
  }
  EXPECT_EQ(to_time_us(min_event_time_us, precision::us), min_event_time_us);
  EXPECT_FALSE(to_time_us(min_event_time_us - 1, precision::us));
  EXPECT_EQ(to_time_us(max_event_time_us - 1, precision::us), max_event_time_us - 1);
  EXPECT_FALSE(to_time_us(max_event_time_us, precision::us));
}

TEST(integer_time, units_have_names) {
  EXPECT_EQ(parse_precision("s"), precision::s);
  EXPECT_EQ(parse_precision("ms"), precision::ms);
  EXPECT_EQ(parse_precision("us"), precision::us);
  EXPECT_EQ(parse_precision("ns"), precision::ns);
  for (const std::string_view text : {"", "S", "m", "sec", "ms "}) EXPECT_FALSE(parse_precision(text)) << text;
}

TEST(duration_text, numbers_with_a_unit_are_read) {
  EXPECT_EQ(parse_duration_us("250ms"), 250'000);
  EXPECT_EQ(parse_duration_us("0.5ms"), 500);
  EXPECT_EQ(parse_duration_us("10s"), 10 * second_us);
  EXPECT_EQ(parse_duration_us("10"), 10 * second_us);
  EXPECT_EQ(parse_duration_us("0.1"), 100'000);
  EXPECT_EQ(parse_duration_us("5m"), 300 * second_us);
  EXPECT_EQ(parse_duration_us("1h"), 3600 * second_us);
  EXPECT_EQ(parse_duration_us("1d"), 86'400 * second_us);
}

TEST(duration_text, what_is_not_a_positive_duration_is_refused) {
  for (const std::string_view text : {"", "s", "0", "0s", "-1s", "+1s", "1x", "1 s", " 1s", "1sec", "nan", "inf", "1e3s", ".5s",
                                      "1e400", "999999999999d", "0.0000001s"}) {
    EXPECT_FALSE(parse_duration_us(text)) << text;
  }
}

}  // namespace
}  // namespace factory
