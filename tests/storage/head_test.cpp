#include "storage/block/head.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

namespace factory {
namespace {

using effect = head::effect;

std::optional<double> value_in(const head& h, std::int64_t time_us) {
  const auto found = h.find(time_us);
  return found ? std::optional(found->value) : std::nullopt;
}

TEST(head, the_same_value_of_another_quality_replaces_what_is_stored) {
  head h;
  h.put(1, 5, flag_late);
  EXPECT_EQ(h.put(1, 5, flag_none), head::effect::identical) << "what the engine noticed is no quality";
  EXPECT_EQ(h.put(1, 5, flag_bad), head::effect::replaced);
  EXPECT_EQ(h.put(1, 5, flag_bad), head::effect::identical);
  EXPECT_EQ(h.find(1)->flags, flag_bad);
  EXPECT_EQ(h.put(1, 5, flag_none), head::effect::replaced);
}

TEST(head, takes_readings_in_event_time_order_whatever_order_they_come_in) {
  head h;
  EXPECT_EQ(h.put(20, 2.0, flag_none), effect::appended);
  EXPECT_EQ(h.put(30, 3.0, flag_none), effect::appended);
  EXPECT_EQ(h.put(10, 1.0, flag_late), effect::inserted);
  EXPECT_EQ(h.rows().event_time_us, (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_EQ(h.rows().value, (std::vector<double>{1.0, 2.0, 3.0}));
  EXPECT_EQ(h.rows().flags, (std::vector<std::uint8_t>{flag_late, flag_none, flag_none}));
}

TEST(head, the_last_write_at_a_time_wins_and_the_same_again_changes_nothing) {
  head h;
  h.put(10, 1.0, flag_none);
  h.put(20, 2.0, flag_none);
  EXPECT_EQ(h.put(10, 1.5, flag_late), effect::replaced);
  EXPECT_EQ(h.put(10, 1.5, flag_future), effect::identical);
  EXPECT_EQ(h.rows().flags[0], flag_late);
  EXPECT_EQ(h.put(20, 2.0, flag_none), effect::identical);
  EXPECT_EQ(h.put(20, 2.5, flag_none), effect::replaced);
  EXPECT_EQ(h.size(), 2U);
  EXPECT_EQ(value_in(h, 10), 1.5);
  EXPECT_EQ(value_in(h, 20), 2.5);
}

TEST(head, tells_minus_zero_from_zero) {
  head h;
  h.put(1, 0.0, flag_none);
  EXPECT_EQ(h.put(1, -0.0, flag_none), effect::replaced);
  EXPECT_TRUE(std::signbit(*value_in(h, 1)));
}

TEST(head, has_nothing_at_a_time_it_never_saw) {
  head h;
  EXPECT_EQ(value_in(h, 1), std::nullopt);
  h.put(5, 1.0, flag_none);
  EXPECT_EQ(value_in(h, 4), std::nullopt);
  EXPECT_EQ(value_in(h, 6), std::nullopt);
}

TEST(head, is_empty_after_its_rows_were_taken) {
  head h;
  for (int i = 0; i < 100; ++i) h.put(i, i, flag_none);
  EXPECT_EQ(h.take().size(), 100U);
  EXPECT_EQ(h.size(), 0U);
  EXPECT_EQ(h.rows().value.capacity(), 0U);
  EXPECT_EQ(h.put(0, 1.0, flag_none), effect::appended);
}

TEST(head, agrees_with_a_map_for_random_writes) {
  std::mt19937_64 random(7);
  head h;
  std::map<std::int64_t, double> model;
  for (int i = 0; i < 5'000; ++i) {
    const auto time = static_cast<std::int64_t>(random() % 700) - 350;
    const auto value = static_cast<double>(random() % 3);
    const auto found = model.find(time);
    const effect expected = found == model.end()
                                ? (model.empty() || time > model.rbegin()->first ? effect::appended : effect::inserted)
                            : found->second == value ? effect::identical
                                                     : effect::replaced;
    EXPECT_EQ(h.put(time, value, flag_none), expected);
    model[time] = value;
  }
  ASSERT_EQ(h.size(), model.size());
  for (const auto& [time, value] : model) EXPECT_EQ(value_in(h, time), value);
}

}  // namespace
}  // namespace factory
