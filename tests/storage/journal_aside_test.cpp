#include <gtest/gtest.h>

#include "storage/journal/journal_aside.hpp"
#include "storage/support/journal_fixture.hpp"

namespace factory {
namespace {

using namespace test;

/// One reading of each of these sensors, its value the sensor's number.
journal_entry entry_of(std::int64_t received_at_us, const std::vector<sensor_id>& sensors) {
  auto batch = std::make_shared<reading_batch>();
  for (const auto sensor : sensors) {
    const auto row = static_cast<std::uint32_t>(batch->size());
    batch->event_time_us.push_back(received_at_us);
    batch->value.push_back(sensor);
    batch->slices.push_back({sensor, row, row + 1});
  }
  return {0, received_at_us, batch, nullptr, nullptr};
}
journal_entry tick_at(std::int64_t at_us) {
  journal_entry entry;
  entry.received_at_us = at_us;
  entry.tick = true;
  return entry;
}
journal_entry configs_of(std::vector<sensor_id> sensors) {
  journal_entry entry;
  config_change change;
  for (const auto sensor : sensors) change.configs.push_back({sensor, {{}, 90.0}, {}});
  entry.config = std::make_shared<const config_change>(std::move(change));
  return entry;
}

struct journal_aside_test : journal_test {
  std::vector<journal_entry> aside() {
    std::vector<journal_entry> found;
    const auto read = journal_->read_aside([&](const journal_entry& e) { found.push_back(e); });
    EXPECT_TRUE(read) << read.error().message;
    return found;
  }
  std::vector<std::uint64_t> aside_sequences() {
    std::vector<std::uint64_t> found;
    for (const auto& each : aside()) found.push_back(each.sequence);
    return found;
  }
};

TEST_F(journal_aside_test, what_concerns_the_sensors_it_is_kept_for_outlives_a_trim_and_a_restart) {
  start();
  append(entry_of(1, {6, 7, 8}));
  append(entry_of(2, {6}));
  append(tick_at(3));
  append(configs_of({6, 7}));
  append(configs_of({6}));
  append(entry_of(4, {7}));
  append(entry_of(5, {7}));
  ASSERT_TRUE(journal_->trim(6, {7}));
  for (int i = 0; i < 2; ++i, reopen()) {
    const auto kept = aside();
    ASSERT_EQ(kept.size(), 4U);
    EXPECT_EQ(aside_sequences(), (std::vector<std::uint64_t>{1, 3, 4, 6}));
    EXPECT_EQ(kept[0].readings->value, std::vector<double>{7});
    EXPECT_TRUE(kept[1].tick);
    ASSERT_EQ(kept[2].config->configs.size(), 1U);
    EXPECT_EQ(kept[2].config->configs[0].sensor, 7U);
    EXPECT_EQ(replayed_sequences(7), std::vector<std::uint64_t>{7});
    EXPECT_EQ(journal_->aside_readings(7), 2U);
    EXPECT_EQ(journal_->aside_readings(6), 0U);
    EXPECT_GT(journal_->aside_bytes(), 0U);
  }
}

TEST_F(journal_aside_test, a_trim_without_such_sensors_keeps_nothing_and_dropping_drops_all) {
  start();
  for (int i = 1; i <= 4; ++i) append(entry_of(i, {7}));
  ASSERT_TRUE(journal_->trim(1));
  EXPECT_TRUE(aside().empty());
  ASSERT_TRUE(journal_->trim(3, {7}));
  EXPECT_EQ(aside_sequences(), (std::vector<std::uint64_t>{2, 3}));
  ASSERT_TRUE(journal_->drop_aside());
  EXPECT_TRUE(aside().empty());
  EXPECT_EQ(journal_->aside_bytes(), 0U);
  EXPECT_EQ(journal_->aside_readings(7), 0U);
}

TEST_F(journal_aside_test, of_a_trim_that_was_cut_short_nothing_counts_and_the_next_one_begins_anew) {
  start();
  for (int i = 1; i <= 4; ++i) append(entry_of(i, {7, 8}));
  ASSERT_TRUE(journal_->trim(1, {7}));
  aside_writer cut_short(db_->raw());
  cut_short.begin(1);
  for (const auto& entry : replayed(2)) ASSERT_TRUE(cut_short.add(entry));
  ASSERT_TRUE(cut_short.finish());
  EXPECT_EQ(aside_sequences(), std::vector<std::uint64_t>{1});
  ASSERT_TRUE(journal_->trim(4, {8}));
  EXPECT_EQ(aside_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(journal_->aside_readings(7), 1U);
  EXPECT_EQ(journal_->aside_readings(8), 3U);
}

TEST_F(journal_aside_test, a_floor_that_is_on_disk_although_its_write_failed_is_known) {
  start();
  for (int i = 1; i <= 4; ++i) append(entry_of(i, {7}));
  db_->raw().marks_fail = true;
  EXPECT_FALSE(journal_->trim(3, {7}));
  db_->raw().marks_fail = false;
  EXPECT_EQ(journal_->floor(), 3U);
  EXPECT_EQ(aside_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
  ASSERT_TRUE(journal_->trim(4, {7}));
  EXPECT_EQ(aside_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(journal_->aside_readings(7), 4U);
}

TEST_F(journal_aside_test, many_entries_come_back_in_their_order) {
  start();
  std::mt19937_64 random(1);
  constexpr int entries = 60;
  std::vector<journal_entry> sent;
  for (int i = 1; i <= entries; ++i) {
    auto batch = batch_of(random, 1, 5'000);
    const_cast<reading_batch&>(*batch).slices.front().sensor = 7;
    sent.push_back({static_cast<std::uint64_t>(i), i, batch, nullptr, nullptr});
    append({0, i, batch, nullptr, nullptr});
  }
  ASSERT_TRUE(journal_->trim(entries, {7}));
  const auto kept = aside();
  ASSERT_EQ(kept.size(), sent.size());
  for (std::size_t i = 0; i < kept.size(); ++i) expect_same(kept[i], sent[i]);
}

}  // namespace
}  // namespace factory
