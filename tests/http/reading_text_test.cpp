#include "http/text/reading_text.hpp"

#include <gtest/gtest.h>

#include "pipelines/model/reading_flags.hpp"

namespace factory {
namespace {

std::string row_as(reading_text::form how, std::uint8_t flags) {
  reading_run rows;
  rows.push_back(1'768'816'800'000'000, 70.5, flags);
  std::string out;
  reading_text(3, how).append_row(out, rows, 0);
  return out;
}

TEST(reading_text, says_of_a_reading_what_its_flags_say) {
  EXPECT_EQ(row_as(reading_text::form::csv, flag_none), "3,2026-01-19T10:00:00Z,70.5,\r\n");
  EXPECT_EQ(row_as(reading_text::form::csv, flag_bad), "3,2026-01-19T10:00:00Z,70.5,bad\r\n");
  EXPECT_EQ(row_as(reading_text::form::csv, flag_excluded | flag_late | flag_uncertain),
            "3,2026-01-19T10:00:00Z,70.5,late|uncertain|excluded\r\n");
}

TEST(reading_text, has_a_quality_that_can_be_posted_again_where_it_is_not_good) {
  const std::string good = row_as(reading_text::form::lines, flag_future), bad = row_as(reading_text::form::lines, flag_bad);
  EXPECT_TRUE(good.ends_with(R"("flags":["future"]})"
                             "\n"))
      << good;
  EXPECT_TRUE(bad.ends_with(R"("flags":["bad"],"quality":"bad"})"
                            "\n"))
      << bad;
}

TEST(reading_flags, are_left_out_of_what_is_computed_when_bad_or_excluded_alone) {
  for (const auto& [bit, name] : flag_names) EXPECT_EQ(is_left_out(bit), bit == flag_bad || bit == flag_excluded) << name;
  for (const auto* const text : {"good", "uncertain", "bad"}) EXPECT_EQ(quality_text(quality_of(text).value()), text);
  EXPECT_FALSE(quality_of("Good"));
}

}  // namespace
}  // namespace factory
