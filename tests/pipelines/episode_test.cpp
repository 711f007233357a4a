#include "pipelines/detect/episode.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

verdict by(detector what, double score) { return {what, score, 50, 40, 60, INT64_MIN, 0}; }

struct told_episodes {
  episode_book book;
  std::vector<episode_change> said;

  void take(std::int64_t time_us, std::initializer_list<verdict> verdicts) {
    verdict_list list;
    for (const auto& each : verdicts) list.add(each);
    book.take(time_us, 70, list, said);
  }
};
using kind = episode_change::kind;

TEST(episode_book, what_several_detectors_say_of_one_reading_is_one_update) {
  told_episodes it;
  it.take(1, {by(detector::spike, 1)});
  it.take(2, {by(detector::spike, 2), by(detector::level_shift, 3)});  // each alone would be told
  ASSERT_EQ(it.said.size(), 2U);
  EXPECT_EQ(it.said[1].what, kind::updated);
  EXPECT_EQ(it.said[1].now.by, detector::level_shift);
  EXPECT_EQ(it.said[1].now.score, 3);
  EXPECT_EQ(it.said[1].now.updates, 1U);
  it.take(3, {by(detector::level_shift, 4)});
  ASSERT_EQ(it.said.size(), 3U);
  EXPECT_EQ(it.said[2].now.updates, 2U);
}

TEST(episode_book, knows_the_score_that_it_told_last) {
  told_episodes it;
  it.take(1, {by(detector::spike, 1.42)});
  it.take(2, {by(detector::spike, 1.42)});  // twice as many readings
  it.take(3, {by(detector::spike, 1.49)});  // not a tenth more
  ASSERT_EQ(it.said.size(), 2U);
  ASSERT_EQ(it.book.told().size(), 1U);
  EXPECT_EQ(it.book.told()[0].score, 1.42);
  EXPECT_EQ(it.book.open()[0].score, 1.49);
  it.take(4, {by(detector::spike, 1.51)});  // high, where 1.42 was medium
  ASSERT_EQ(it.said.size(), 3U);
  EXPECT_EQ(it.book.told()[0].level, severity::high);
}

}  // namespace
}  // namespace factory
