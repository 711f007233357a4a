#include "http/text/cursor.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace factory {
namespace {

TEST(cursor, reads_back_what_it_wrote_and_only_for_its_order) {
  for (const std::int64_t place : {std::int64_t{0}, std::int64_t{-5}, std::int64_t{1'768'816'800'000'000}}) {
    EXPECT_EQ(parse_cursor<std::int64_t>(format_cursor(place, true), true), place);
    EXPECT_EQ(parse_cursor<std::int64_t>(format_cursor(place, false), false), place);
    EXPECT_EQ(parse_cursor<std::int64_t>(format_cursor(place, false), true), std::nullopt);
  }
}

TEST(cursor, that_no_page_gave_is_refused) {
  for (const char* text : {"", "a", "a ", "a+5", "a05", "a-0", "a5x", "a9223372036854775808", "a9223372036854775807",
                           "a-9223372036854775808", "5", "A5", "a0x5"})
    EXPECT_EQ(parse_cursor<std::int64_t>(text, false), std::nullopt) << text;
  for (const char* text : {"d18446744073709551615", "d18446744073709551616", "d-1", "d0"})
    EXPECT_EQ(parse_cursor<std::uint64_t>(text, true), std::nullopt) << text;
}

}  // namespace
}  // namespace factory
