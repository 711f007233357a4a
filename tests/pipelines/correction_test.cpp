#include "pipelines/correct/correction_overlay.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace factory {
namespace {

using enum correction_action;

reading_run ten_rows() {
  reading_run rows;
  for (int i = 0; i < 10; ++i) rows.push_back(i, i, flag_none);
  return rows;
}

TEST(correction_overlay, changes_the_rows_of_its_half_open_range_and_no_others) {
  auto rows = ten_rows();
  correction_overlay({{2, 4, {offset, 100, 0}}}).apply(rows);
  EXPECT_EQ(rows.value, (std::vector<double>{0, 1, 102, 103, 4, 5, 6, 7, 8, 9}));
}

TEST(correction_overlay, applies_corrections_in_the_order_in_which_they_were_made) {
  auto rows = ten_rows(), reversed = ten_rows();
  correction_overlay({{0, 6, {scale, 2, 0}}, {4, 8, {offset, 1, 0}}}).apply(rows);
  correction_overlay({{4, 8, {offset, 1, 0}}, {0, 6, {scale, 2, 0}}}).apply(reversed);
  EXPECT_EQ(rows.value[5], 11);
  EXPECT_EQ(reversed.value[5], 12);
}

TEST(correction_overlay, revised_readings_count_as_they_were_made_anew_and_corrections_are_of_these) {
  auto rows = ten_rows();
  auto points = std::make_shared<revised_points>();
  points->push_back(2, 20, false);
  points->push_back(4, 0, true);
  points->push_back(40, 1, false);  // no such row
  const correction_overlay both({{2, 4, {offset, 100, 0}}}, points);
  both.apply(rows);
  EXPECT_EQ(rows.value, (std::vector<double>{0, 1, 120, 103, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(rows.flags[4], flag_excluded);
  EXPECT_TRUE(both.changes(2));
  EXPECT_FALSE(both.changes(41));
}

TEST(revised_points, are_joined_and_go_through_bytes) {
  revised_points first, over;
  first.push_back(-5, 1, false);
  first.push_back(7, 2, false);
  over.push_back(7, 0, true);
  over.push_back(9, 3, false);
  const auto all = joined(first, over);
  EXPECT_EQ(all.times_us, (std::vector<std::int64_t>{-5, 7, 9}));
  EXPECT_EQ(all.gone, (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(without(all, {7}).times_us, (std::vector<std::int64_t>{-5, 9}));
  std::string bytes;
  put_points(bytes, all);
  std::string_view in = bytes;
  revised_points read;
  ASSERT_TRUE(get_points(in, read));
  EXPECT_EQ(read, all);
  EXPECT_TRUE(in.empty());
  in = std::string_view(bytes).substr(0, bytes.size() - 1);
  EXPECT_FALSE(get_points(in, read));
}

TEST(correction_overlay, flags_what_is_excluded_or_of_another_quality_and_keeps_the_row) {
  auto rows = ten_rows();
  rows.flags[3] = flag_late;
  correction_overlay({{3, 4, {exclude, 0, 0}}, {5, 6, {flag, 0, flag_bad}}, {7, 8, {replace, -1, 0}}}).apply(rows);
  ASSERT_EQ(rows.size(), 10U);
  EXPECT_EQ(rows.flags[3], flag_late | flag_excluded);
  EXPECT_EQ(rows.flags[5], flag_bad);
  EXPECT_EQ(rows.value[7], -1);
}

TEST(correction_overlay, gives_no_value_beyond_the_range_of_double) {
  reading_run rows;
  rows.push_back(1, 1e300, flag_none);
  rows.push_back(2, -1e300, flag_none);
  correction_overlay({{0, 10, {scale, 1e300, 0}}}).apply(rows);
  EXPECT_EQ(rows.value.front(), std::numeric_limits<double>::max());
  EXPECT_EQ(rows.value.back(), -std::numeric_limits<double>::max());
}

TEST(correction_overlay, knows_the_time_that_it_changes) {
  const correction_overlay overlay({{2, 4, {offset, 1, 0}}, {4, 6, {offset, 1, 0}}, {9, 10, {exclude, 0, 0}}});
  EXPECT_FALSE(overlay.changes(1));
  EXPECT_TRUE(overlay.changes(2));
  EXPECT_TRUE(overlay.changes(5));
  EXPECT_FALSE(overlay.changes(6));
  EXPECT_TRUE(overlay.changes(9));
}

TEST(correction, is_in_force_from_its_step_until_the_step_of_its_revert) {
  correction it;
  it.step = 3;
  EXPECT_FALSE(it.in_force_at(2));
  EXPECT_TRUE(it.in_force_at(3));
  it.reverted = correction::reversion{0, "Ada", "", 5};
  EXPECT_TRUE(it.in_force_at(4));
  EXPECT_FALSE(it.in_force_at(5));
}

}  // namespace
}  // namespace factory
