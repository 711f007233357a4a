// Whatever was corrected, reverted, sealed, rolled up or joined: every read gives the readings with the corrections applied in order.
#include <gtest/gtest.h>

#include <random>

#include "storage/rollups/range_aggregates.hpp"
#include "storage/rollups/rollup_notes.hpp"
#include "storage/support/summaries.hpp"
#include "storage/support/time_series_fixture.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t corrected_origin = 20'000 * day_us;

struct corrected_reads_test : time_series_test {
  corrected_reads_test() : rollups_(*db_) {}

  sensor_cut corrected() const {
    auto at = cut();
    if (!made_.empty()) at.corrections = std::make_shared<const correction_overlay>(made_);
    return at;
  }
  /// The slow way.
  reading_run reference() const {
    reading_run rows;
    for (const auto& [time_us, value] : stored_) rows.push_back(time_us, value, flag_none);
    for (const auto& each : made_)
      for (std::size_t row = 0; row < rows.size(); ++row) {
        if (rows.event_time_us[row] < each.begin_us || rows.event_time_us[row] >= each.end_us) continue;
        auto& value = rows.value[row];
        if (each.change.action == correction_action::exclude) rows.flags[row] |= flag_excluded;
        if (each.change.action == correction_action::flag) rows.flags[row] |= each.change.flags;
        if (each.change.action == correction_action::scale) value *= each.change.number;
        if (each.change.action == correction_action::offset) value += each.change.number;
        if (each.change.action == correction_action::replace) value = each.change.number;
      }
    return rows;
  }
  static model counted(const reading_run& rows, const time_range& range) {
    model kept;
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (!is_left_out(rows.flags[row]) && rows.event_time_us[row] >= range.begin_us && rows.event_time_us[row] < range.end_us)
        kept[rows.event_time_us[row]] = rows.value[row];
    return kept;
  }
  void seal_and_store() {
    seal_head();
    rocksdb::WriteBatch notes;
    for (const auto& each : sealing_) note_for_rollup(notes, db_->raw(), *each);
    ASSERT_TRUE(db_->raw().write(notes, false, "testing"));
    write(sealing_.size());
  }
  void expect_right(const time_range& range, std::int64_t step) {
    const auto whole = reference();
    const auto kept = counted(whole, range);
    const auto at = corrected();
    const range_aggregates aggregates(*db_, *series_, {0, 0});
    const auto total = aggregates.summarize(at, range);
    ASSERT_TRUE(total);
    const auto wanted = fold(kept.begin(), kept.end());
    ASSERT_EQ(total->count, wanted.count);
    ASSERT_NO_FATAL_FAILURE(expect_same_but_sums(*total, wanted));
    if (wanted.count > 0) {
      EXPECT_NEAR(total->total(), wanted.total(), 1e-9 * (1 + std::abs(wanted.total())));
    }
    const auto steps = aggregates.aggregate(at, range, step);
    ASSERT_TRUE(steps);
    auto row = kept.begin();
    for (const auto& b : *steps) {
      const auto next = kept.lower_bound(b.start_us + step);
      ASSERT_NO_FATAL_FAILURE(expect_same_but_sums(b.values, fold(row, next)));
      row = next;
    }
    ASSERT_EQ(row, kept.end());
    const auto read = series_->read(at, {}, SIZE_MAX, false);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->event_time_us, whole.event_time_us);
    ASSERT_EQ(read->value, whole.value);
    ASSERT_EQ(read->flags, whole.flags);
    const auto newest = series_->newest(at, range, 7);
    ASSERT_TRUE(newest);
    ASSERT_EQ(newest->size(), std::min<std::size_t>(7, kept.size()));
    if (!kept.empty()) {
      ASSERT_EQ(newest->value.back(), kept.rbegin()->second);
    }
  }

  rollup_store rollups_;
  std::vector<changed_range> made_;
};

TEST_F(corrected_reads_test, agree_with_the_slow_way_whatever_was_corrected_reverted_sealed_rolled_up_or_joined) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto up_to = [&](std::int64_t most) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most)); };
    ASSERT_TRUE(series_->remove_sensor(sensor));
    ASSERT_TRUE(rollups_.remove_sensor(sensor));
    head_.take();
    stored_.clear();
    made_.clear();
    on_disk_until_us_ = INT64_MIN;
    std::int64_t now = corrected_origin;
    for (int turn = 0; turn < 25; ++turn) {
      for (int i = 0; i < 60; ++i) put(now += up_to(20 * minute_us), static_cast<double>(random() % 1'000) / 8);
      if (random() % 4 == 0) put(now - up_to(20 * day_us), -1'000);
      if (random() % 2 == 0) seal_and_store();
      if (random() % 3 == 0) {
        ASSERT_TRUE(rollups_.refresh(*series_, corrected()));
      }
      if (random() % 6 == 0) {
        ASSERT_TRUE(series_->rewrite(sensor, next_block_));
      }
      if (random() % 3 == 0) {
        const auto begin = now - up_to(30 * day_us), length = random() % 3 == 0 ? up_to(10 * day_us) : up_to(3 * hour_us);
        const auto action = static_cast<correction_action>(1 + random() % 5);
        made_.push_back({begin, begin + 1 + length, {action, static_cast<double>(1 + random() % 9) / 4, flag_bad}});
      }
      if (!made_.empty() && random() % 8 == 0) made_.erase(made_.begin() + up_to(static_cast<std::int64_t>(made_.size())));
      time_range range{now - 5 * day_us - up_to(30 * day_us), now - up_to(5 * day_us)};
      if (random() % 4 == 0) range = {};
      constexpr std::int64_t steps[] = {minute_us, hour_us, day_us, 3 * day_us};
      ASSERT_NO_FATAL_FAILURE(expect_right(range, steps[random() % 4]));
    }
  }
}

TEST_F(corrected_reads_test, without_corrections_a_cut_reads_what_is_stored_and_joining_blocks_keeps_it) {
  for (int i = 0; i < 100; ++i) put(corrected_origin + i * second_us, i);
  store_head();
  for (int i = 100; i < 200; ++i) put(corrected_origin + i * second_us, i);
  store_head();
  made_.push_back({corrected_origin, corrected_origin + day_us, {correction_action::replace, -1, 0}});
  ASSERT_TRUE(series_->rewrite(sensor, next_block_));
  EXPECT_EQ(rows_of(everything()), rows_of(stored_, {}));
  EXPECT_EQ(series_->read(corrected(), {}, 1, true)->value.front(), -1);
}

}  // namespace
}  // namespace factory::test
