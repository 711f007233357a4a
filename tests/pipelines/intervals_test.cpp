#include "pipelines/model/intervals.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace factory {
namespace {

TEST(interval_set, never_differs_from_a_set_of_instants) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    interval_set joined;
    std::set<std::int64_t> instants;
    for (int i = 0; i < 15; ++i) {
      const auto first = static_cast<std::int64_t>(random() % 100), last = first + static_cast<std::int64_t>(random() % 8);
      joined.add(first, last);
      for (std::int64_t at = first; at <= last; ++at) instants.insert(at);
    }
    std::set<std::int64_t> covered;
    std::int64_t before = -10;
    for (const auto& [last, first] : joined) {
      EXPECT_GT(first, before + 1) << "what touches is joined";
      before = last;
      for (std::int64_t at = first; at <= last; ++at) covered.insert(at);
    }
    EXPECT_EQ(covered, instants);
  }
}

TEST(interval_set, takes_the_ends_of_time) {
  constexpr std::int64_t least = INT64_MIN, most = INT64_MAX;
  interval_set all;
  all.add(most - 1, most);
  all.add(least, least + 1);
  all.add(least, 0);
  EXPECT_EQ(all.reaching(most)->second, most - 1);
  all.add(1, most);
  EXPECT_EQ(all.reaching(0)->second, least);
  EXPECT_EQ(std::next(all.begin()), all.end());
}

}  // namespace
}  // namespace factory
