#include "storage/state/store_writer.hpp"

#include "storage/base/rocks.hpp"
#include "storage/block/block_key.hpp"
#include "storage/rollups/rollup_records.hpp"
#include "storage/series/time_series.hpp"
#include "storage/state/state_record.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace factory {
namespace {

std::shared_ptr<const block> block_of(sensor_id sensor, std::uint32_t number, std::int64_t from_us) {
  reading_run rows;
  for (int i = 0; i < 10; ++i) rows.push_back(from_us + i, i, flag_none);
  return std::make_shared<const block>(seal(sensor, number, rows));
}
event anomaly_at(std::int64_t time_us) {
  event e;
  e.key = {7, time_us, event_source::z_score, 0, event_kind::anomaly};
  e.at_us = time_us;
  return e;
}

class store_writer_test : public ::testing::Test {
 protected:
  store_writer_test() {
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    events_ = std::make_unique<event_log>(*db_);
    writer_ = std::make_unique<store_writer>(*db_, *events_);
  }
  void wait() {
    std::promise<void> reached;
    writer_->barrier([&] { reached.set_value(); });
    reached.get_future().wait();
  }
  state_store states() { return state_store(*db_); }
  std::uint64_t readings_on_disk(sensor_id sensor) { return time_series(*db_).count(sensor).readings; }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<event_log> events_;
  std::unique_ptr<store_writer> writer_;
};

TEST_F(store_writer_test, a_snapshot_brings_blocks_and_state_together) {
  writer_->start();
  std::promise<void> written;
  writer_->write(saved_sensor{7, 42, "state", {block_of(7, 1, 0), block_of(7, 2, 100)}}, [&] { written.set_value(); });
  written.get_future().wait();
  EXPECT_EQ(readings_on_disk(7), 20U);
  const auto found = states().get(7);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->applied_sequence, 42U);
  EXPECT_EQ((*found)->state, "state");
  EXPECT_FALSE(*states().get(8));
}

TEST_F(store_writer_test, each_block_goes_with_its_note_for_the_roll_ups) {
  writer_->start();
  writer_->write(saved_sensor{7, 1, "", {block_of(7, 3, 100)}}, {});
  wait();
  std::string note;
  auto& raw = db_->raw();
  ASSERT_TRUE(raw.db->Get({}, raw.at(column::rollups), note_key(7, 3), &note).ok());
  covered_time time;
  ASSERT_TRUE(decode_note(note, time));
  EXPECT_EQ(time.first_us, 100);
  EXPECT_EQ(time.last_us, 109);
}

TEST_F(store_writer_test, writes_in_the_order_of_hand_over_and_tells_in_that_order) {
  std::vector<int> told;
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 0)
      writer_->write(saved_sensor{7, static_cast<std::uint64_t>(i), std::to_string(i), {}}, [&told, i] { told.push_back(i); });
    else
      writer_->write(std::vector<event>{anomaly_at(i)}, [&told, i] { told.push_back(i); });
  }
  EXPECT_GT(writer_->waiting_bytes(), 0U);
  EXPECT_TRUE(told.empty());
  writer_->start();
  wait();
  ASSERT_EQ(told.size(), 20U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ((*states().get(7))->state, "18") << "the newest state stays";
  EXPECT_EQ(events_->last_sequence(), 10U);
  const auto found = events_->query({.descending = false});
  ASSERT_EQ(found->size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ((*found)[i].at_us, static_cast<std::int64_t>(2 * i + 1));
}

TEST_F(store_writer_test, the_same_event_twice_is_stored_once) {
  writer_->start();
  writer_->write(std::vector<event>{anomaly_at(1), anomaly_at(2)}, {});
  writer_->write(std::vector<event>{anomaly_at(2)}, {});
  wait();
  EXPECT_EQ(events_->last_sequence(), 2U);
}

TEST_F(store_writer_test, stop_writes_what_waits) {
  for (std::uint32_t i = 1; i <= 50; ++i) writer_->write(saved_sensor{i, i, "s", {block_of(i, 1, 0)}}, {});
  writer_->start();
  writer_->stop();
  EXPECT_EQ(writer_->waiting_bytes(), 0U);
  EXPECT_EQ(time_series(*db_).count().sensors, 50U);
  std::size_t visited = 0;
  EXPECT_TRUE(states().visit([&](sensor_id sensor, const state_store::stored& found) {
    EXPECT_EQ(found.applied_sequence, sensor);
    ++visited;
  }));
  EXPECT_EQ(visited, 50U);
  EXPECT_FALSE(writer_->health());
}

TEST_F(store_writer_test, removing_a_sensor_takes_its_state_and_its_blocks_alone) {
  writer_->start();
  for (std::uint32_t i = 6; i <= 8; ++i) writer_->write(saved_sensor{i, i, "s", {block_of(i, 1, 0)}}, {});
  wait();
  time_series series(*db_);
  ASSERT_TRUE(series.remove_sensor(7));
  EXPECT_FALSE(*states().get(7));
  EXPECT_EQ(readings_on_disk(7), 0U);
  EXPECT_TRUE(*states().get(6) && *states().get(8));
  EXPECT_EQ(readings_on_disk(6) + readings_on_disk(8), 20U);
}

TEST_F(store_writer_test, a_damaged_state_is_corrupt) {
  const std::string good = encode_state(42, "some state");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x04);
    EXPECT_FALSE(decode_state(7, bad)) << "byte " << at;
    EXPECT_FALSE(decode_state(7, good.substr(0, at)));
  }
  EXPECT_TRUE(decode_state(7, good));
}

}  // namespace
}  // namespace factory
