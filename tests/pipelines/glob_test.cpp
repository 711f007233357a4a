#include "pipelines/select/glob.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace factory {
namespace {

TEST(pattern, matches_by_star_question_mark_and_backslash) {
  struct row {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const row table[] = {
      {"bearing_a", "bearing_a", true},
      {"bearing_a", "bearing_ab", false},
      {"bearing_?", "bearing_a", true},
      {"bearing_?", "bearing_", false},
      {"*", "", true},
      {"*", "anything", true},
      {"", "", true},
      {"", "a", false},
      {"*_temp*", "oil_temp", true},
      {"*_temp*", "oil_temperature", true},
      {"*_temp", "oil_temp_2", false},
      {"a*b*c", "a1b2b3c", true},
      {"a*b*c", "a1b2b3", false},
      {"a**c", "ac", true},
      {"50 \\*", "50 *", true},
      {"50 \\*", "50 x", false},
      {"\\?", "?", true},
      {"\\\\", "\\", true},
      {"?", "\xc3\xbc", true},
      {"??", "\xc3\xbc", false},
      {"*\xc3\xbc", "T\xc3\xbc", true},
      {"Temp", "temp", false},
      {"*?", "\xe2\x82\xac", true},
      {"a*?b", "ab", false},
  };
  for (const auto& [pattern, text, matches] : table) {
    ASSERT_TRUE(is_pattern(pattern));
    EXPECT_EQ(matches_pattern(pattern, text), matches) << pattern << " on " << text;
  }
  EXPECT_FALSE(is_pattern("a\\"));
  EXPECT_TRUE(is_pattern("a\\\\"));
}

TEST(pattern, without_wild_cards_matches_one_text) {
  EXPECT_EQ(only_match("bearing_a"), "bearing_a");
  EXPECT_EQ(only_match("50 \\*"), "50 *");
  EXPECT_EQ(only_match("bearing_*"), std::nullopt);
  EXPECT_EQ(only_match("bearing_?"), std::nullopt);
  for (const std::string text : {"a*b", "\\", "?", "", "plain"}) EXPECT_EQ(only_match(pattern_of(text)), text);
}

/// By trying all lengths of each star.
bool slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') return slowly(pattern.substr(1), text) || (!text.empty() && slowly(pattern, text.substr(1)));
  return !text.empty() && (pattern.front() == '?' || pattern.front() == text.front()) &&
         slowly(pattern.substr(1), text.substr(1));
}

TEST(pattern, matches_what_trying_all_ways_matches) {
  std::mt19937 random(7);
  int matched = 0;
  for (int run = 0; run < 20'000; ++run) {
    std::string pattern, text;
    for (auto left = random() % 7; left > 0; --left) pattern += "ab*?"[random() % 4];
    for (auto left = random() % 9; left > 0; --left) text += "ab"[random() % 2];
    ASSERT_EQ(matches_pattern(pattern, text), slowly(pattern, text)) << pattern << " on " << text;
    matched += slowly(pattern, text) ? 1 : 0;
  }
  EXPECT_GT(matched, 1'000);
}

TEST(pattern, of_many_stars_takes_no_time_that_grows_with_their_product) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(256, 'a')));
}

}  // namespace
}  // namespace factory
