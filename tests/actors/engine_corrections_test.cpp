// Corrections through the engine: what a query sees, who may correct what, and that a restart changes nothing.
#include <gtest/gtest.h>

#include "actors/support/engine_fixture.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

struct engine_corrections : test::engine_test {
  void SetUp() override {
    begin(2);
    test::timed_values rows;
    for (int i = 0; i < 100; ++i) rows.emplace_back(ten_us + i * second_us, i);
    ingest(1, rows).value();
    ingest(2, rows).value();
    ASSERT_TRUE(running->settle(10'000));
  }
  static correction wanted(int from, int to, reading_change change) {
    correction asked;
    asked.sensors = {1};
    asked.begin_us = ten_us + from * second_us;
    asked.end_us = ten_us + to * second_us;
    asked.change = change;
    asked.reason = "testing";
    asked.by = "Ada";
    return asked;
  }
  summary stats(reading_form as = reading_form::effective) { return running->stats(1, {}, {}, as).value().values; }
};

using enum correction_action;

TEST_F(engine_corrections, are_seen_by_every_query_and_leave_what_is_stored) {
  running->correct(wanted(90, 100, {exclude, 0, 0})).value();
  running->correct(wanted(80, 90, {offset, 1'000, 0})).value();
  for (int start = 0; start < 2; ++start, open()) {
    EXPECT_EQ(running->latest(1)->event_time_us, ten_us + 89 * second_us);
    EXPECT_EQ(running->latest(1)->value, 1'089);
    EXPECT_EQ(running->latest(1, reading_form::stored)->value, 99);
    EXPECT_EQ(stats().count, 90U);
    EXPECT_EQ(stats().max, 1'089);
    EXPECT_EQ(stats(reading_form::stored).max, 99);
    EXPECT_EQ(running->stats({1, 2}, {})->front().values.count, 90U);
    EXPECT_EQ(running->stats({1, 2}, {})->back().values.count, 100U);
    EXPECT_EQ(running->aggregate(1, {}, 3'600 * second_us)->front().values.count, 90U);
    EXPECT_EQ(running->readings(1, {}, 1, true)->flags.front(), flag_excluded);
    EXPECT_EQ(running->readings(1, {}, 1, true, reading_form::stored)->flags.front(), flag_none);
    EXPECT_EQ(running->stats(1, {}, {1.0})->percentiles.front().second, 1'089);
  }
}

TEST_F(engine_corrections, a_revert_gives_the_readings_back_and_stays_beside_the_correction) {
  const auto made = running->correct(wanted(0, 50, {scale, 10, 0})).value();
  EXPECT_EQ(stats().max, 490);
  running->revert_correction(made.id, "Bob", "wrong sensor").value();
  EXPECT_EQ(stats().max, 99);
  EXPECT_EQ(running->revert_correction(made.id, "Eve", "again")->reverted->by, "Bob");
  open();
  EXPECT_EQ(stats().max, 99);
  EXPECT_EQ(running->corrections().find(made.id)->reverted->reason, "wrong sensor");
}

TEST_F(engine_corrections, the_same_one_again_is_the_one_that_is_in_force) {
  const auto first = running->correct(wanted(0, 50, {scale, 10, 0})).value();
  EXPECT_EQ(running->correct(wanted(0, 50, {scale, 10, 0}))->id, first.id);
  open();
  EXPECT_EQ(running->correct(wanted(0, 50, {scale, 10, 0}))->id, first.id);
  EXPECT_EQ(stats().max, 490);
  running->revert_correction(first.id, "Ada", "not needed").value();
  EXPECT_NE(running->correct(wanted(0, 50, {scale, 10, 0}))->id, first.id);
}

TEST_F(engine_corrections, are_refused_where_readings_are_still_judged_or_nothing_is_meant) {
  auto far = wanted(0, 1, {exclude, 0, 0});
  far.end_us = INT64_MAX;
  EXPECT_EQ(running->correct(far).error().field, "to");
  EXPECT_EQ(running->correct(wanted(5, 5, {exclude, 0, 0})).error().field, "to");
  auto nobody = wanted(0, 1, {exclude, 0, 0});
  nobody.sensors = {};
  EXPECT_EQ(running->correct(nobody).error().code, errc::invalid);
  nobody.sensors = {77};
  EXPECT_EQ(running->correct(nobody).error().code, errc::not_found);
  EXPECT_EQ(running->revert_correction(9, "Ada", "x").error().code, errc::not_found);
}

TEST_F(engine_corrections, a_reading_that_comes_late_into_a_corrected_range_counts_as_corrected) {
  running->correct(wanted(0, 50, {replace, 7, 0})).value();
  ingest(1, {{ten_us + 10 * second_us + 1, 500.0}}).value();
  EXPECT_EQ(running->readings(1, {ten_us + 10 * second_us + 1, ten_us + 10 * second_us + 2}, 1, false)->value.front(), 7);
}

}  // namespace
}  // namespace factory
