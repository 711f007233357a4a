#include "actors/streams/stream_outbox.hpp"

#include <gtest/gtest.h>

namespace factory {
namespace {

using derived_rows = std::vector<derived_reading>;

TEST(stream_outbox, what_is_taken_is_the_newest_of_each_time_by_sensor) {
  stream_outbox outbox;
  outbox.put(9, 5, 1.0);
  outbox.put(7, 5, 2.0);
  outbox.put(9, 4, 3.0);
  outbox.put(9, 5, 4.0);
  EXPECT_EQ(outbox.take(1), (derived_rows{{7, 5, 2.0}, {9, 4, 3.0}, {9, 5, 4.0}}));
}

TEST(stream_outbox, what_was_handed_over_stays_until_it_is_committed) {
  stream_outbox outbox;
  outbox.put(1, 1, 1.0);
  outbox.put(1, 2, 1.0);
  EXPECT_EQ(outbox.take(1).size(), 2U);
  outbox.put(1, 2, 5.0);
  EXPECT_EQ(outbox.waiting(), 1U);
  EXPECT_EQ(outbox.take(2), (derived_rows{{1, 2, 5.0}}));
  outbox.put(1, 3, 6.0);
  EXPECT_EQ(outbox.take(3), (derived_rows{{1, 3, 6.0}}));
  EXPECT_EQ(outbox.size(), 4U);
  outbox.committed(0);
  EXPECT_EQ(outbox.size(), 4U);
  outbox.committed(2);
  EXPECT_EQ(outbox.size(), 1U);
  outbox.committed(3);
  EXPECT_TRUE(outbox.empty());
}

TEST(stream_outbox, a_stored_one_has_what_waits_and_the_newest_of_what_was_handed_over) {
  stream_outbox outbox, again;
  outbox.put(1, 1, 1.0);
  outbox.put(1, 2, 1.0);
  static_cast<void>(outbox.take(1));
  outbox.put(1, 2, 5.0);
  static_cast<void>(outbox.take(2));
  outbox.put(1, 3, 7.0);
  std::string bytes;
  outbox.encode(bytes);
  std::string_view in = bytes;
  ASSERT_TRUE(again.decode(in));
  EXPECT_EQ(again.take(1), (derived_rows{{1, 1, 1.0}, {1, 2, 5.0}, {1, 3, 7.0}}));
}

TEST(stream_outbox, what_is_taken_back_is_written_as_left_out_also_after_a_restart) {
  stream_outbox outbox, again;
  outbox.put(1, 1, 1.0);
  outbox.put(1, 2, 2.0);
  outbox.take_back(1, 2, 2.0);
  outbox.take_back(1, 3, 3.0);
  outbox.put(1, 3, 4.0);
  std::string bytes;
  outbox.encode(bytes);
  std::string_view in = bytes;
  ASSERT_TRUE(again.decode(in));
  EXPECT_TRUE(in.empty());
  for (auto* const each : {&outbox, &again}) {
    EXPECT_EQ(each->take(1), (derived_rows{{1, 1, 1.0}, {1, 2, 2.0, flag_excluded}, {1, 3, 4.0}}));
  }
}

TEST(stream_outbox, one_that_was_stored_before_anything_could_be_taken_back_is_read) {
  stream_outbox outbox;
  std::string_view in("\x01\x07\x0a\0\0\0\0\0\0\xf0\x3f", 11);  // a reading of sensor 7 at 5, its value 1
  ASSERT_TRUE(outbox.decode(in));
  EXPECT_EQ(outbox.take(1), (derived_rows{{7, 5, 1.0}}));
}

}  // namespace
}  // namespace factory
