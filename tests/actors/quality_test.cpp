// Readings of bad or uncertain quality: stored as sent, and bad ones take part in nothing.
#include <gtest/gtest.h>

#include "actors/sensors/sensor_state.hpp"
#include "actors/support/engine_fixture.hpp"
#include "pipelines/alarm/judged_alarms.hpp"
#include "pipelines/model/coding.hpp"
#include "pipelines/stats/statistics.hpp"
#include "storage/support/runs.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

struct quality_row {
  std::int64_t second;
  double value;
  std::uint8_t flags = flag_none;
};

reading_batch marked(sensor_id sensor, const std::vector<quality_row>& rows) {
  reading_batch batch;
  for (const auto& row : rows) {
    batch.event_time_us.push_back(ten_us + row.second * second_us);
    batch.value.push_back(row.value);
    batch.flags.push_back(row.flags);
  }
  batch.slices.push_back({sensor, 0, static_cast<std::uint32_t>(rows.size())});
  return batch;
}

/// Under an upper limit of 90.
struct quality_state : testing::Test {
  quality_state() { state.watch(needs_of({1, {{}, 90.0}, {}}), ten_us); }
  sensor_state::findings take(const std::vector<quality_row>& rows, std::int64_t now_s = 100) {
    const auto batch = marked(1, rows);
    return state.apply(ten_us + now_s * second_us, batch, batch.slices.front());
  }
  std::uint8_t stored_flags(std::int64_t second) const {
    const auto at_us = ten_us + second * second_us;
    const auto head = state.cut({at_us, at_us + 1}).head;
    return head.flags.at(0);
  }
  sensor_state state{1, stream_rules{}};
};

TEST_F(quality_state, bad_is_stored_and_counted_and_judged_by_nothing) {
  take({{0, 10}, {1, 20}});
  const auto found = take({{2, 500, flag_bad}, {3, 30, flag_uncertain}});
  EXPECT_TRUE(found.events.empty());
  EXPECT_TRUE(found.alarm_rows.empty());
  EXPECT_EQ(stored_flags(2), flag_bad);
  EXPECT_EQ(stored_flags(3), flag_uncertain);
  const auto status = state.status();
  EXPECT_EQ(status.left_out, 1U);
  EXPECT_EQ(status.count_window.count, 3U);
  EXPECT_EQ(status.count_window.max, 30);
  EXPECT_EQ(state.latest()->value, 30);
  EXPECT_EQ(state.latest()->flags, flag_uncertain);
}

TEST_F(quality_state, bad_moves_no_watermark_and_makes_no_reading_late) {
  take({{0, 10}}, 10);
  take({{95, 1, flag_bad}}, 100);
  EXPECT_EQ(state.status().watermark_us, ten_us);
  take({{2, 20}}, 100);
  EXPECT_EQ(state.status().late, 0U);
  EXPECT_EQ(state.latest()->value, 20);
}

TEST_F(quality_state, a_reading_that_turns_bad_is_judged_no_more_and_one_that_turns_good_is) {
  EXPECT_EQ(take({{0, 10}, {1, 95}, {2, 20}}).alarm_rows.size(), 3U) << "the first one behind new limits, too";
  auto turned = take({{1, 95, flag_bad}});
  ASSERT_EQ(turned.alarm_rows.size(), 2U);
  EXPECT_TRUE(turned.alarm_rows[0].gone);
  EXPECT_EQ(turned.alarm_rows[0].time_us, ten_us + second_us);
  EXPECT_EQ(state.status().count_window.count, 2U);
  turned = take({{1, 95}});
  ASSERT_EQ(turned.alarm_rows.size(), 2U);
  EXPECT_FALSE(turned.alarm_rows[0].gone);
  EXPECT_EQ(state.status().count_window.count, 3U);
  EXPECT_EQ(state.status().corrected, 2U);
}

TEST_F(quality_state, alarms_forget_a_reading_that_turns_bad_though_it_does_not_matter_any_more) {
  take({{0, 10}, {1, 95}, {2, 20}, {3, 21}});
  take({{1, 50}});  // the one behind it, which alarms have seen, follows on a calm one now
  const auto turned = take({{2, 20, flag_bad}});
  ASSERT_EQ(turned.alarm_rows.size(), 1U);
  EXPECT_TRUE(turned.alarm_rows[0].gone);
}

TEST_F(quality_state, the_same_value_of_another_quality_is_a_correction_and_of_the_same_a_repetition) {
  take({{0, 10}, {1, 11}});
  take({{1, 11, flag_uncertain}});
  EXPECT_EQ(state.status().corrected, 1U);
  EXPECT_EQ(stored_flags(1), flag_uncertain);
  take({{1, 11, flag_uncertain}});
  EXPECT_EQ(state.status().duplicate, 1U);
  state.seal_head();
  take({{1, 11}});
  EXPECT_EQ(state.status().corrected, 2U) << "good again, though its block is sealed";
  EXPECT_EQ(state.latest()->flags, flag_none);
}

TEST_F(quality_state, the_only_reading_that_turns_bad_leaves_a_sensor_without_readings) {
  take({{0, 95}});
  take({{0, 95, flag_bad}});
  EXPECT_FALSE(state.latest());
  EXPECT_EQ(state.status().count_window.count, 0U);
  const auto found = take({{1, 96}});
  EXPECT_EQ(found.alarm_rows.size(), 1U);
  EXPECT_EQ(state.latest()->value, 96);
}

TEST_F(quality_state, bad_beyond_the_lateness_is_late_too_and_leaves_windows_alone) {
  take({{0, 10}, {90, 20}});
  take({{0, 10, flag_bad}});
  EXPECT_EQ(stored_flags(0), flag_bad | flag_late);
  EXPECT_EQ(state.status().count_window.count, 2U);
  EXPECT_EQ(state.status().late, 0U) << "counted once";
}

TEST_F(quality_state, alarms_hear_of_all_qualities_where_a_rule_is_about_them) {
  alert_rule stale{1, 1, "stale", rule_condition::stale_quality, 0, 0, severity::rule_warning, true};
  stale.options.silence_us = 10 * second_us;
  state.watch(needs_of({1, {}, {stale}}), ten_us);
  const auto qualities = [](const sensor_state::findings& found) {
    std::vector<row_quality> all;
    for (const auto& each : found.alarm_rows) all.push_back(each.quality);
    return all;
  };
  using enum row_quality;
  EXPECT_EQ(qualities(take({{0, 10}, {1, 11, flag_uncertain}, {2, 12, flag_bad}})), (std::vector{good, uncertain, bad}));
  EXPECT_EQ(qualities(take({{1, 11}})), (std::vector{good})) << "the same value, good now";
  const auto turned = take({{1, 11, flag_bad}});
  ASSERT_EQ(turned.alarm_rows.size(), 1U);
  EXPECT_TRUE(turned.alarm_rows[0].gone);
  EXPECT_EQ(turned.alarm_rows[0].quality, bad);
  EXPECT_TRUE(take({{3, 13, flag_bad | flag_excluded}}).alarm_rows.empty()) << "an operator's will is no quality";
}

TEST_F(quality_state, bad_ones_beyond_the_lateness_are_judged_afterwards_where_a_rule_is_about_quality) {
  take({{0, 10}, {90, 20}});
  EXPECT_EQ(take({{1, 11, flag_bad}}).late_first_us, INT64_MAX) << "nothing would come of it";
  alert_rule stale{1, 1, "stale", rule_condition::stale_quality, 0, 0, severity::rule_warning, true};
  stale.options.silence_us = 10 * second_us;
  state.watch(needs_of({1, {}, {stale}}), ten_us);
  const auto found = take({{2, 11, flag_bad}, {3, 11, flag_bad}});
  EXPECT_EQ(found.late_first_us, ten_us + 2 * second_us);
  EXPECT_EQ(found.late_last_us, ten_us + 3 * second_us);
}

TEST_F(quality_state, is_stored_with_the_state_and_states_of_before_are_read) {
  take({{0, 10}, {1, 11, flag_uncertain}, {2, 12, flag_bad}});
  std::string bytes;
  state.encode(bytes);
  std::string_view in = bytes;
  sensor_state again(1, stream_rules{});
  ASSERT_TRUE(again.decode(in));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(again.status().left_out, 1U);
  EXPECT_GE(again.cut({}).on_disk_until_us, ten_us + 2 * second_us) << "a block with the bad reading is found";

  sensor_state plain(1, stream_rules{}), read(1, stream_rules{});
  const auto batch = batch_of(1, calm(0, 50));
  plain.apply(ten_us + 100 * second_us, *batch, batch->slices.front());
  std::string older;
  plain.encode(older);
  std::string behind;  // what version 2 ends before
  put_varint(behind, 0);
  put_zigzag(behind, INT64_MIN);
  put_zigzag(behind, INT64_MIN);
  ASSERT_TRUE(older.ends_with(behind));
  older.resize(older.size() - behind.size());
  older.front() = 2;
  in = older;
  ASSERT_TRUE(read.decode(in));
  EXPECT_EQ(read.status().count_window.count, 50U);
}

TEST(judged_alarms_and_quality, an_alert_whose_reading_is_gone_is_withdrawn) {
  judged_alarms alarms;
  std::vector<event> said;
  alarms.configure({1, {{}, 90.0}, {}}, INT64_MIN, INT64_MIN, ten_us, said);
  const std::vector<alarm_row> rows{{ten_us, 10}, {ten_us + second_us, 95}, {ten_us + 2 * second_us, 20}};
  alarms.observe(rows, INT64_MIN, ten_us, said);
  ASSERT_EQ(said.size(), 2U);
  said.clear();
  alarms.observe(std::vector<alarm_row>{{ten_us + second_us, 0, true}}, INT64_MIN, ten_us, said);
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said.front().key.kind, event_kind::withdrawn);
  EXPECT_EQ(alarms.active_count(), 0U);
}

struct engine_quality : engine_test {
  void change(engine_config& config) const override { config.jobs.rollup_every_us = rollup_every_us; }
  std::int64_t rollup_every_us = 0;
  void expect_good_alone() const {
    const auto stats = running->stats(1, {}, {0.5}).value();
    EXPECT_EQ(stats.values.count, 500U);
    EXPECT_EQ(stats.values.max, 29);
    EXPECT_EQ(stats.percentiles.at(0).second, 24);
    constexpr reading_form every{true, flag_none};
    const auto all = running->stats(1, {}, {}, every);
    EXPECT_EQ(all->values.count, 600U);
    EXPECT_EQ(all->values.max, 1e6);
    EXPECT_EQ(running->readings(1, {}, 10'000, false).value().size(), 600U);
    const auto minutes = running->aggregate(1, {ten_us, ten_us + 600 * second_us}, 60 * second_us).value();
    std::uint64_t count = 0;
    for (const auto& each : minutes) count += each.values.count;
    EXPECT_EQ(count, 500U);
    EXPECT_EQ(running->newest(1, 10'000).value().size(), 500U);
    EXPECT_EQ(running->newest(1, 10'000, every).value().size(), 600U);
    EXPECT_EQ(running->status(1).value().left_out, 100U);
    EXPECT_EQ(running->metrics().not_judged.left_out, 100U);
  }
};

TEST_F(engine_quality, bad_readings_are_left_out_of_aggregates_from_head_journal_blocks_and_roll_ups) {
  begin(1);
  std::vector<quality_row> rows;
  for (std::int64_t i = 0; i < 600; ++i) {
    const bool bad = i % 6 == 5;
    rows.push_back({i, bad ? 1e6 : 20 + static_cast<double>(i % 10), bad ? flag_bad : flag_none});
  }
  std::vector<double> good;
  for (const auto& row : rows)
    if (row.flags == flag_none) good.push_back(row.value);
  const auto median = percentile(good, 0.5);
  ASSERT_EQ(median, 24);
  EXPECT_EQ(running->ingest(marked(1, rows), durability::fsync).value().not_judged, 100U);
  expect_good_alone();
  open();  // from the journal
  expect_good_alone();
  ASSERT_TRUE(running->settle(60'000));
  ASSERT_TRUE(running->checkpoint());
  running->ingest(marked(1, {{1'000, 25}}), durability::fsync).value();
  running->ingest(marked(1, {{1'000, 25, flag_bad}}), durability::fsync).value();
  running->stop();
  open();
  EXPECT_EQ(running->stats(1, {}, {}).value().values.count, 500U);
  EXPECT_EQ(running->status(1).value().left_out, 101U);
  EXPECT_EQ(running->latest(1).value().event_time_us, ten_us + 598 * second_us);
}

TEST_F(engine_quality, what_is_known_not_to_be_judged_is_told_at_once) {
  begin(1);
  EXPECT_EQ(ingest(1, calm(0, 200)).value().not_judged, 0U);
  ASSERT_TRUE(running->settle(60'000));
  EXPECT_EQ(ingest(1, {{ten_us + second_us / 2, 1}, {ten_us + 199 * second_us, 29}}).value().not_judged, 1U);
  EXPECT_EQ(ingest(1, {{INT64_MAX / 2, 1}}).value().not_judged, 1U);
  ASSERT_TRUE(running->settle(60'000));
  const auto told = running->metrics().not_judged;
  EXPECT_EQ(told.late, 1U);
  EXPECT_EQ(told.future, 1U);
}

}  // namespace
}  // namespace factory::test
