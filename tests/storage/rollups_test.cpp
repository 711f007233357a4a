#include "storage/rollups/rollups.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <stdexcept>

#include "pipelines/model/coding.hpp"
#include "storage/block/head.hpp"
#include "storage/rollups/rollup_notes.hpp"
#include "storage/rollups/rollup_records.hpp"
#include "storage/rollups/rollup_run.hpp"
#include "storage/support/summaries.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

constexpr std::int64_t rolled_origin = 20'000 * day_us;

/// A sensor whose readings are in memory: what is stored, what is in the head, and notes as the writer of blocks leaves them.
class rolled_sensor {
 public:
  rolled_sensor(database& db, sensor_id id) : db_(db), rollups_(db), id_(id) {}

  void put(std::int64_t time_us, double value, std::uint8_t flags = flag_none) {
    is_left_out(flags) ? static_cast<void>(all_.erase(time_us)) : static_cast<void>(all_[time_us] = value);
    head_.put(time_us, value, flags);
  }
  /// Blocks reach the disk with their note, as one batch.
  void seal(bool on_disk = true) {
    if (head_.size() == 0) return;
    const reading_run rows = head_.take();
    block sealed{id_, next_block_++, summarize(rows.event_time_us, rows.value), ""};
    if (!on_disk) return;
    rocksdb::WriteBatch batch;
    note_for_rollup(batch, db_.raw(), sealed);
    ASSERT_TRUE(db_.raw().write(batch, false, "testing"));
  }
  sensor_cut cut() const { return {id_, next_block_, {}, head_.rows()}; }
  std::uint64_t refresh() { return refresh(cut()); }
  std::uint64_t refresh(const sensor_cut& at) {
    return refresh_rollups(db_.raw(), rollups_, at,
                           [this](const time_range& range) -> expected<std::vector<bucket>> { return naive(minute_us, range); })
        .value();
  }
  std::vector<bucket> naive(std::int64_t step, const time_range& range = {}) const {
    std::map<std::int64_t, summary> buckets;
    for (const auto& [time_us, value] : all_) {
      if (time_us >= range.begin_us && time_us < range.end_us) buckets[bucket_start(time_us, step)].add(time_us, value);
    }
    std::vector<bucket> out;
    for (const auto& [start, values] : buckets) out.push_back({start, values});
    return out;
  }
  std::vector<bucket> read(rollup_level level, const time_range& range = {}) const {
    return rollups_.read(id_, level, range).value();
  }
  rollup_store& store() { return rollups_; }
  void expect_right() const {
    for (const rollup_level level : {rollup_level::minute, rollup_level::hour, rollup_level::day}) {
      const auto expected = naive(step_us(level));
      const auto stored = read(level);
      ASSERT_EQ(stored.size(), expected.size());
      for (std::size_t i = 0; i < stored.size(); ++i) {
        const summary &a = stored[i].values, &b = expected[i].values;
        ASSERT_EQ(stored[i].start_us, expected[i].start_us);
        test::expect_same_but_sums(a, b);
        EXPECT_NEAR(a.total(), b.total(), 1e-9 * (1 + std::abs(b.total())));
        EXPECT_NEAR(a.std_dev(), b.std_dev(), 1e-9 * (1 + b.std_dev()));
      }
    }
  }

 private:
  database& db_;
  rollup_store rollups_;
  sensor_id id_;
  std::map<std::int64_t, double> all_;
  head head_;
  std::uint32_t next_block_ = 1;
};

class rollups_test : public ::testing::Test {
 protected:
  rollups_test() {
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
  }
  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
};

TEST_F(rollups_test, minutes_hours_and_days_hold_what_the_readings_say) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 5'000; ++i) it.put(rolled_origin + i * 37 * second_us, 20 + i % 17);
  it.seal();
  EXPECT_GT(it.refresh(), 3'000U);
  it.expect_right();
  EXPECT_EQ(it.read(rollup_level::day).size(), 3U);
  EXPECT_EQ(it.read(rollup_level::hour, {rolled_origin + hour_us, rolled_origin + 3 * hour_us}).size(), 2U);
  EXPECT_EQ(it.refresh(), 0U);  // nothing new, nothing done
}

TEST_F(rollups_test, a_late_reading_revises_its_minute_its_hour_and_its_day) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 600; ++i) it.put(rolled_origin + i * minute_us, 20);
  it.seal();
  it.refresh();
  it.put(rolled_origin + 5 * minute_us + second_us, -40);
  it.seal();
  EXPECT_EQ(it.refresh(), 1U);
  it.expect_right();
  EXPECT_EQ(it.read(rollup_level::day)[0].values.min, -40);
}

TEST_F(rollups_test, a_correction_replaces_what_was_rolled_up) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 10; ++i) it.put(rolled_origin + i * second_us, i);
  it.seal();
  it.refresh();
  it.put(rolled_origin + 9 * second_us, 1'000);
  it.seal();
  it.refresh();
  it.expect_right();
  EXPECT_EQ(it.read(rollup_level::minute)[0].values.count, 10U);
}

TEST_F(rollups_test, a_minute_whose_readings_all_turn_bad_is_gone_and_so_are_its_hour_and_day) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 3; ++i) it.put(rolled_origin + i * second_us, i);
  it.put(rolled_origin + day_us, 5);
  it.put(rolled_origin + day_us + hour_us, 6);
  it.seal();
  it.refresh();
  EXPECT_EQ(it.read(rollup_level::day).size(), 2U);
  for (int i = 0; i < 3; ++i) it.put(rolled_origin + i * second_us, i, flag_bad);
  it.put(rolled_origin + day_us + hour_us, 6, flag_excluded);
  it.seal();
  it.refresh();
  it.expect_right();
  EXPECT_EQ(it.read(rollup_level::minute).size(), 1U);
  EXPECT_EQ(it.read(rollup_level::day).size(), 1U);
  it.put(rolled_origin, 7);
  it.seal();
  it.refresh();
  it.expect_right();
}

TEST_F(rollups_test, readings_in_the_head_are_in_as_they_come_in_order) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 100; ++i) {
    it.put(rolled_origin + i * 20 * second_us, i);
    if (i % 7 == 0) {
      EXPECT_GT(it.refresh(), 0U);
      it.expect_right();
    }
  }
  it.seal();
  it.refresh();
  it.expect_right();
}

TEST_F(rollups_test, a_reading_from_the_future_hides_nothing_that_follows) {
  rolled_sensor it(*db_, 1);
  it.put(rolled_origin, 1);
  it.put(rolled_origin + 400 * day_us, 2, flag_future);
  it.refresh();
  it.put(rolled_origin + 10 * minute_us, 3);
  EXPECT_EQ(it.refresh(), 1U);
  EXPECT_EQ(it.read(rollup_level::minute).size(), 2U);
  it.seal();
  it.refresh();
  it.expect_right();
}

TEST_F(rollups_test, a_block_sealed_after_the_cut_keeps_its_note) {
  rolled_sensor it(*db_, 1);
  it.put(rolled_origin, 1);
  it.seal();
  const sensor_cut before = it.cut();
  it.put(rolled_origin + hour_us, 2);
  it.seal();
  EXPECT_EQ(it.refresh(before), 1U);
  EXPECT_EQ(it.read(rollup_level::minute).size(), 1U);
  EXPECT_EQ(it.refresh(), 1U);
  it.expect_right();
}

TEST_F(rollups_test, a_record_from_before_notes_were_counted_is_gone_on_from) {
  rolled_sensor it(*db_, 1);
  it.put(rolled_origin, 1);
  it.seal();
  std::string of_old;
  put_zigzag(of_old, rolled_origin - hour_us);
  auto& raw = db_->raw();
  ASSERT_TRUE(raw.db->Put({}, raw.at(column::rollups), head_key(1), of_old).ok());
  EXPECT_EQ(it.refresh(), 1U);
  std::string now;
  rolled_up_to state;
  ASSERT_TRUE(raw.db->Get({}, raw.at(column::rollups), head_key(1), &now).ok());
  ASSERT_TRUE(decode_rolled_up(now, state));
  EXPECT_EQ(state.head_us, rolled_origin - hour_us);
  EXPECT_EQ(state.first_note, 2U);
  it.put(rolled_origin - day_us, 2);
  it.seal();
  EXPECT_EQ(it.refresh(), 1U);
  it.expect_right();
}

TEST_F(rollups_test, sensors_do_not_meet) {
  rolled_sensor a(*db_, 1), b(*db_, 2);
  a.put(rolled_origin, 1);
  b.put(rolled_origin, 2);
  a.seal();
  b.seal();
  a.refresh();
  EXPECT_TRUE(b.read(rollup_level::minute).empty());
  b.refresh();
  ASSERT_TRUE(a.store().remove_sensor(1));
  EXPECT_TRUE(a.read(rollup_level::day).empty());
  b.expect_right();
}

TEST_F(rollups_test, dropping_takes_whole_days_that_have_ended) {
  rolled_sensor it(*db_, 1);
  for (int i = 0; i < 72; ++i) it.put(rolled_origin + i * hour_us, i);
  it.seal();
  it.refresh();
  ASSERT_TRUE(it.store().drop_before(1, rolled_origin + 2 * day_us - 1));
  EXPECT_EQ(it.read(rollup_level::day).size(), 2U);
  EXPECT_EQ(it.read(rollup_level::hour).size(), 48U);
  EXPECT_EQ(it.read(rollup_level::minute).front().start_us, rolled_origin + day_us);
  ASSERT_TRUE(it.store().drop_before(1, INT64_MIN / 2));
  EXPECT_EQ(it.read(rollup_level::day).size(), 2U);
}

TEST_F(rollups_test, whatever_comes_late_corrected_or_sealed_when_the_roll_ups_end_right) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    rolled_sensor it(*db_, seed);
    std::int64_t now = rolled_origin + static_cast<std::int64_t>(random() % 100) * day_us;
    for (int step = 0; step < 400; ++step) {
      const auto what = random() % 100;
      const double value = static_cast<double>(random() % 1'000) / 8;
      if (what < 80) {
        it.put(now += static_cast<std::int64_t>(random() % (5 * minute_us)), value);
      } else if (what < 90) {
        it.put(now - static_cast<std::int64_t>(random() % (2 * day_us)), value);  // late
      } else if (what < 92) {
        it.put(now - static_cast<std::int64_t>(random() % (100 * day_us)), value);  // very late: several parts
      } else if (what < 95) {
        it.seal();
      } else {
        it.refresh();
      }
    }
    it.seal();
    it.refresh();
    it.expect_right();
  }
}

}  // namespace
}  // namespace factory
