#include "pipelines/alarm/weekly_schedule.hpp"

#include <gtest/gtest.h>

#include <random>

#include "pipelines/model/time.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::string_view berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

std::int64_t at(std::string_view text) { return *parse_time_us(text); }

TEST(local_zone, is_read_as_a_distance_or_as_posix_writes_it) {
  EXPECT_EQ(local_zone::parse("UTC")->offset_us(0), 0);
  EXPECT_EQ(local_zone::parse("+05:30")->offset_us(0), 5 * hour_us + 30 * minute_us);
  EXPECT_EQ(local_zone::parse("-03")->offset_us(0), -3 * hour_us);
  EXPECT_EQ(local_zone::parse("<+0330>-3:30")->offset_us(0), 3 * hour_us + 30 * minute_us);
  EXPECT_EQ(local_zone::parse("JST-9")->next_change_us(0), INT64_MAX);
  for (const std::string_view bad : {"", "+", "Berlin", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
                                     "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1x", "+99", "UTC "})
    EXPECT_FALSE(local_zone::parse(bad)) << bad;
}

TEST(local_zone, summer_time_begins_and_ends_at_its_instants_north_and_south) {
  const auto zone = *local_zone::parse(berlin);
  EXPECT_EQ(zone.offset_us(at("2026-03-29T00:59:59Z")), hour_us);
  EXPECT_EQ(zone.offset_us(at("2026-03-29T01:00:00Z")), 2 * hour_us);
  EXPECT_EQ(zone.offset_us(at("2026-10-25T00:59:59Z")), 2 * hour_us);
  EXPECT_EQ(zone.offset_us(at("2026-10-25T01:00:00Z")), hour_us);
  EXPECT_EQ(zone.next_change_us(at("2026-03-29T01:00:00Z")), at("2026-10-25T01:00:00Z"));
  EXPECT_EQ(zone.next_change_us(at("2026-12-31T23:30:00Z")), at("2027-03-28T01:00:00Z"));
  const auto sydney = *local_zone::parse("AEST-10AEDT,M10.1.0,M4.1.0/3");
  EXPECT_EQ(sydney.offset_us(at("2026-01-15")), 11 * hour_us);
  EXPECT_EQ(sydney.offset_us(at("2026-07-15")), 10 * hour_us);
  EXPECT_EQ(sydney.next_change_us(at("2026-01-15")), at("2026-04-04T16:00:00Z"));
  const auto by_days = *local_zone::parse("AAA0BBB,J60/0,300/0");  // 1 March of every year
  EXPECT_EQ(by_days.next_change_us(at("2024-01-01")), at("2024-03-01"));
  EXPECT_EQ(by_days.next_change_us(at("2026-01-01")), at("2026-03-01"));
}

weekly_schedule early_shift() { return {{{0b0011111, 6 * hour_us, 14 * hour_us}}, "Europe/Berlin", *local_zone::parse(berlin)}; }

TEST(weekly_schedule, follows_the_clock_on_the_wall) {
  const auto it = early_shift();
  EXPECT_FALSE(it.covers(at("2026-01-19T04:59:59Z")));  // a Monday
  EXPECT_TRUE(it.covers(at("2026-01-19T05:00:00Z")));
  EXPECT_FALSE(it.covers(at("2026-01-19T13:00:00Z")));
  EXPECT_FALSE(it.covers(at("2026-01-18T09:00:00Z"))) << "a Sunday";
  EXPECT_TRUE(it.covers(at("2026-07-20T04:00:00Z"))) << "in summer an hour earlier";
  EXPECT_EQ(it.ends_us(at("2026-01-19T05:00:00Z")), at("2026-01-19T13:00:00Z"));
  EXPECT_EQ(it.ends_us(at("2026-01-18T05:00:00Z")), at("2026-01-18T05:00:00Z"));
  EXPECT_EQ(it.begins_us(at("2026-01-16T13:00:00Z")), at("2026-01-19T05:00:00Z")) << "over the weekend";
  EXPECT_EQ(it.begins_us(at("2026-03-27T13:00:00Z")), at("2026-03-30T04:00:00Z")) << "over the one on which summer time begins";
}

TEST(weekly_schedule, shifts_that_meet_are_one_and_may_pass_midnight_and_the_end_of_the_week) {
  const weekly_schedule it{{{1U << 6U, 22 * hour_us, 6 * hour_us}, {1, 6 * hour_us, 14 * hour_us}}};  // Sunday night, Monday
  const auto sunday = at("2026-01-18T22:00:00Z");
  EXPECT_EQ(it.begins_us(at("2026-01-16")), sunday);
  EXPECT_EQ(it.ends_us(sunday), sunday + 16 * hour_us);
  const weekly_schedule whole{{{127, 0, 0}}};
  EXPECT_EQ(whole.ends_us(sunday), INT64_MAX);
  EXPECT_EQ(weekly_schedule().ends_us(sunday), INT64_MAX);
}

TEST(weekly_schedule, its_borders_are_those_that_one_finds_minute_by_minute) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    weekly_schedule it;
    it.zone = *local_zone::parse(round % 2 == 0 ? berlin : "EST5EDT,M3.2.0,M11.1.0");
    for (auto shifts = 1 + random() % 3; shifts > 0; --shifts)
      it.shifts.push_back({static_cast<std::uint8_t>(1 + random() % 127),
                           static_cast<std::int64_t>(random() % 48) * 30 * minute_us,
                           static_cast<std::int64_t>(random() % 49) * 30 * minute_us});
    // About the changes of the zones too.
    const auto from = at(round % 3 == 0   ? "2026-03-27"
                         : round % 3 == 1 ? "2026-10-24"
                                          : "2026-06-01") +
                      static_cast<std::int64_t>(random() % (5 * 24 * 60)) * minute_us;
    for (const bool covered : {false, true}) {
      auto expected = from;
      while (expected < from + 9 * 24 * hour_us && it.covers(expected) != covered) expected += minute_us;
      const auto found = covered ? it.begins_us(from) : it.ends_us(from);
      if (expected < from + 9 * 24 * hour_us) {
        EXPECT_EQ(found, expected) << round;
      }
    }
  }
}

TEST(weekly_schedule, is_one_line_for_people) {
  EXPECT_EQ(to_text(early_shift()), "mon,tue,wed,thu,fri 06:00-14:00 Europe/Berlin");
  EXPECT_EQ(to_text(weekly_schedule()), "");
}

TEST(weekly_schedule, is_stored_and_read_back_and_damage_is_refused) {
  const auto it = early_shift();
  std::string bytes;
  put_schedule(bytes, it);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    std::string_view in = std::string_view(bytes).substr(0, cut);
    weekly_schedule back;
    EXPECT_FALSE(get_schedule(in, back)) << cut;
  }
  std::string_view in = bytes;
  weekly_schedule back;
  ASSERT_TRUE(get_schedule(in, back));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(back, it);
}

}  // namespace
}  // namespace factory
