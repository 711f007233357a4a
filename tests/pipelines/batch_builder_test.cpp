#include "pipelines/decode/batch_builder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace factory {
namespace {

struct row {
  sensor_id sensor;
  std::int64_t time_us;
  double value;
};

/// What the invariants of reading_batch say, computed the slow way.
void expect_grouped(batch_builder& builder, const std::vector<row>& rows) {
  std::map<sensor_id, std::vector<row>> expected;
  for (const row& r : rows) {
    builder.append(r.sensor, r.time_us, r.value);
    expected[r.sensor].push_back(r);
  }
  const reading_batch batch = builder.finish();
  EXPECT_EQ(builder.size(), 0U);
  ASSERT_EQ(batch.size(), rows.size());
  ASSERT_EQ(batch.event_time_us.size(), rows.size());
  ASSERT_EQ(batch.slices.size(), expected.size());
  std::uint32_t covered = 0;
  auto wanted = expected.begin();
  for (const slice& s : batch.slices) {
    ASSERT_EQ(s.sensor, wanted->first);
    ASSERT_EQ(s.begin, covered);
    ASSERT_EQ(s.size(), wanted->second.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
      ASSERT_EQ(batch.times(s)[i], wanted->second[i].time_us);
      ASSERT_EQ(batch.values(s)[i], wanted->second[i].value);
    }
    covered = s.end;
    ++wanted;
  }
}

TEST(batch_builder, nothing_gives_an_empty_batch) {
  batch_builder builder;
  EXPECT_EQ(builder.finish().size(), 0U);
  EXPECT_TRUE(builder.finish().slices.empty());
}

TEST(batch_builder, interleaved_rows_are_grouped_in_arrival_order) {
  batch_builder builder;
  std::vector<row> rows;
  for (int turn = 0; turn < 10; ++turn) {
    for (sensor_id sensor = 1; sensor <= 1000; ++sensor) rows.push_back({sensor, turn, sensor + turn * 0.5});
  }
  expect_grouped(builder, rows);
}

TEST(batch_builder, rows_that_are_grouped_already_stay_where_they_are) {
  batch_builder builder;
  expect_grouped(builder, {{3, 9, 1}, {3, 8, 2}, {3, 8, 3}, {7, 1, 4}, {9, 1, 5}, {9, 0, 6}});
}

TEST(batch_builder, groups_in_falling_order_are_sorted) {
  batch_builder builder;
  expect_grouped(builder, {{9, 1, 5}, {9, 0, 6}, {7, 1, 4}, {3, 9, 1}, {3, 8, 2}});
}

TEST(batch_builder, ids_far_apart_are_sorted_as_well) {
  batch_builder builder;
  expect_grouped(builder, {{3'000'000, 1, 1}, {5, 1, 2}, {3'000'000, 2, 3}, {70'000, 1, 4}, {5, 2, 5}});
}

TEST(batch_builder, a_builder_is_as_new_after_each_body) {
  batch_builder builder;
  std::mt19937 random(7);
  for (int body = 0; body < 300; ++body) {
    const sensor_id bound = body % 3 == 0 ? 4 : body % 3 == 1 ? 200 : 100'000;
    std::vector<row> rows;
    for (std::size_t i = random() % 500; i > 0; --i) {
      rows.push_back({static_cast<sensor_id>(1 + random() % bound), static_cast<std::int64_t>(random() % 9), double(i)});
    }
    expect_grouped(builder, rows);
    if (HasFatalFailure()) return;
  }
}

TEST(batch_builder, cleared_rows_leave_nothing_behind) {
  batch_builder builder;
  builder.append(5, 1, 1.0);
  builder.append(4, 1, 1.0);
  builder.clear();
  EXPECT_EQ(builder.size(), 0U);
  expect_grouped(builder, {{4, 2, 2.0}, {2, 2, 2.0}});
}

}  // namespace
}  // namespace factory
