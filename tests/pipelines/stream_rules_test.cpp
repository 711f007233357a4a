#include "pipelines/judge/stream_rules.hpp"

#include <gtest/gtest.h>

#include <random>

namespace factory {
namespace {

stream_rules any_rules(std::mt19937& random) {
  const auto number = [&] { return static_cast<double>(1 + random() % 1'000) / 100; };
  stream_rules rules;
  rules.allowed_lateness_us = static_cast<std::int64_t>(random());
  rules.z_min_readings = 2 + static_cast<std::uint32_t>(random() % 90);
  rules.z_threshold = number();
  if (random() % 2 == 0) rules.detect.physical_min = -number();
  if (random() % 2 == 0) rules.detect.physical_max = number();
  for (auto& how : rules.detect.each)
    if (random() % 3 == 0)
      how = {random() % 2 == 0, static_cast<deviation_direction>(random() % 3), number(), number(), number()};
  return rules;
}

TEST(stream_rules, are_read_back_as_they_were_and_never_from_less) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const auto rules = any_rules(random);
    std::string bytes;
    put_stream_rules(bytes, rules);
    stream_rules again;
    std::string_view in = bytes;
    ASSERT_TRUE(get_stream_rules(in, again));
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(again, rules);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      in = std::string_view(bytes).substr(0, cut);
      EXPECT_FALSE(get_stream_rules(in, again)) << cut;
    }
  }
}

TEST(stream_rules, take_little_room_where_they_are_as_usual) {
  std::string bytes;
  put_stream_rules(bytes, {});
  EXPECT_LE(bytes.size(), 32U);
}

TEST(stream_rules, that_are_equal_are_one_object) {
  stream_rules later;
  later.allowed_lateness_us = 1;
  const shared_stream_rules usual(stream_rules{}), same(stream_rules{}), other(later);
  EXPECT_EQ(&*usual, &*same);
  EXPECT_EQ(usual, same);
  EXPECT_NE(usual, other);
  EXPECT_EQ(*other, later);
}

TEST(stream_rules, that_differ_only_in_what_is_not_stored_are_not_shared) {
  stream_rules completed;
  completed.detect.least_pause_us = 7;
  EXPECT_EQ(*shared_stream_rules(completed), completed);
  EXPECT_EQ(*shared_stream_rules(stream_rules{}), stream_rules{});
}

}  // namespace
}  // namespace factory
