#include "http/notify/delivery_line.hpp"

#include <gtest/gtest.h>

#include "http/edge/limits.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

TEST(delivery_line, notices_of_one_alert_go_one_after_the_other) {
  delivery_line line;
  line.add(1, "a", 0);
  line.add(2, "a", 0);
  line.add(3, "b", 0);
  EXPECT_EQ(line.begin(0), 1U);
  EXPECT_EQ(line.begin(0), 3U);
  EXPECT_EQ(line.begin(0), std::nullopt);
  EXPECT_EQ(line.due_us(), INT64_MAX);
  line.sent(1);
  EXPECT_EQ(line.begin(0), 2U);
  line.sent(2);
  line.sent(3);
  EXPECT_EQ(line.size(), 0U);
  EXPECT_TRUE(line.is_idle());
}

TEST(delivery_line, so_many_are_under_way_at_most) {
  delivery_line line;
  for (std::uint64_t id = 1; id <= 2 * limits::channel_transfers; ++id) line.add(id, std::to_string(id), 0);
  std::size_t begun = 0;
  while (line.begin(0)) ++begun;
  EXPECT_EQ(begun, limits::channel_transfers);
}

TEST(delivery_line, a_failure_pauses_the_channel_and_one_at_a_time_finds_out_when_it_is_back) {
  delivery_line line;
  for (std::uint64_t id = 1; id <= 9; ++id) line.add(id, std::to_string(id), 0);
  EXPECT_EQ(line.begin(0), 1U);
  line.failed(1, 8 * second_us, 3 * second_us);
  EXPECT_EQ(line.begin(2 * second_us), std::nullopt);
  EXPECT_EQ(line.due_us(), 3 * second_us);
  EXPECT_EQ(line.begin(3 * second_us), 2U) << "another one: it may be the first that is at fault";
  EXPECT_EQ(line.begin(3 * second_us), std::nullopt);
  line.sent(2);
  EXPECT_EQ(line.begin(3 * second_us), 3U);
  EXPECT_EQ(line.begin(3 * second_us), 4U);
  EXPECT_EQ(line.failures_in_a_row(), 0U);
}

TEST(delivery_line, one_that_failed_keeps_the_next_of_its_alert_back_until_it_is_sent_or_given_up) {
  delivery_line line;
  line.add(1, "a", 0);
  line.add(2, "a", 0);
  EXPECT_EQ(line.begin(0), 1U);
  line.failed(1, 5 * second_us, 0);
  EXPECT_EQ(line.begin(4 * second_us), std::nullopt);
  EXPECT_EQ(line.begin(5 * second_us), 1U);
  line.given_up(1, std::nullopt);
  EXPECT_EQ(line.begin(5 * second_us), 2U);
}

TEST(delivery_line, a_dead_letter_that_is_sent_again_goes_before_what_is_younger) {
  delivery_line line;
  line.add(5, "a", 0);
  line.add(2, "a", 0);
  EXPECT_EQ(line.begin(0), 2U);
  EXPECT_EQ(line.begin(0), std::nullopt);
  line.sent(2);
  EXPECT_EQ(line.begin(0), 5U);
}

TEST(retry_delay, doubles_to_a_bound_and_differs_by_up_to_a_half) {
  EXPECT_EQ(retry_delay_us(1, 0), limits::first_retry_ms * 500);
  EXPECT_EQ(retry_delay_us(1, 1), limits::first_retry_ms * 1'000);
  EXPECT_EQ(retry_delay_us(4, 1), 8 * limits::first_retry_ms * 1'000);
  EXPECT_EQ(retry_delay_us(4'000'000'000, 1), limits::longest_retry_ms * 1'000);
}

}  // namespace
}  // namespace factory
