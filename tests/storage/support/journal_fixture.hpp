#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <latch>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/base/database.hpp"
#include "storage/base/rocks.hpp"
#include "storage/journal/journal.hpp"
#include "storage/support/observing.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory::test {

inline std::shared_ptr<const reading_batch> batch_of(std::mt19937_64& random, std::size_t sensors, std::size_t each) {
  auto batch = std::make_shared<reading_batch>();
  sensor_id sensor = 0;
  for (std::size_t s = 0; s < sensors; ++s) {
    sensor += 1 + static_cast<sensor_id>(random() % 1'000);
    const auto begin = static_cast<std::uint32_t>(batch->size());
    for (std::size_t i = 0; i < each; ++i) {
      batch->event_time_us.push_back(random() % 10 == 0 ? static_cast<std::int64_t>(random())
                                                        : 1'700'000'000'000'000 + static_cast<std::int64_t>(i));
      batch->value.push_back(random() % 10 == 0 ? std::bit_cast<double>(random()) : static_cast<double>(random() % 100));
    }
    batch->slices.push_back({sensor, begin, begin + static_cast<std::uint32_t>(each)});
  }
  return batch;
}
inline journal_entry reading_entry(std::int64_t received_at_us, double value = 1.5) {
  auto batch = std::make_shared<reading_batch>();
  batch->event_time_us = {received_at_us};
  batch->value = {value};
  batch->slices = {{7, 0, 1}};
  return {0, received_at_us, batch, nullptr, nullptr};
}
inline void expect_same(const journal_entry& a, const journal_entry& b) {
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.received_at_us, b.received_at_us);
  ASSERT_TRUE(a.readings && b.readings);
  EXPECT_EQ(a.readings->event_time_us, b.readings->event_time_us);
  ASSERT_EQ(a.readings->size(), b.readings->size());
  for (std::size_t i = 0; i < a.readings->size(); ++i)
    EXPECT_EQ(std::bit_cast<std::uint64_t>(a.readings->value[i]), std::bit_cast<std::uint64_t>(b.readings->value[i]));
  ASSERT_EQ(a.readings->slices.size(), b.readings->slices.size());
  for (std::size_t i = 0; i < a.readings->slices.size(); ++i) {
    EXPECT_EQ(a.readings->slices[i].sensor, b.readings->slices[i].sensor);
    EXPECT_EQ(a.readings->slices[i].begin, b.readings->slices[i].begin);
    EXPECT_EQ(a.readings->slices[i].end, b.readings->slices[i].end);
  }
}

class journal_test : public ::testing::Test {
 protected:
  journal_test() { reopen(); }
  void reopen(std::chrono::milliseconds deadline = std::chrono::minutes(1)) {
    journal_.reset();
    db_.reset();
    auto opened = database::open(directory_.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db_ = std::move(*opened);
    journal_ = std::make_unique<journal>(*db_, deadline);
  }
  void start() {
    journal_->start(each([this](const journal_entry& e) { observed_.push_back(e); }));
  }
  /// Like start(), but the committer stands still at the first entry, which wait_for_first() waits for, until let_go(): what comes
  /// meanwhile waits and goes as one group.
  void start_holding_the_first() {
    journal_->start(each([this](const journal_entry&) {
      if (seen_++ > 0) return;
      first_seen_.count_down();
      go_on_.wait();
    }));
  }
  void wait_for_first() { first_seen_.wait(); }
  void let_go() { go_on_.count_down(); }
  std::uint64_t append(journal_entry e, durability how = durability::buffered, std::vector<catalog_write> writes = {}) {
    const auto sequence = journal_->append(std::move(e), how, std::move(writes));
    if (!sequence) throw std::runtime_error(sequence.error().message);
    return *sequence;
  }
  std::vector<journal_entry> replayed(std::uint64_t from = 1) {
    std::vector<journal_entry> found;
    const auto done = journal_->replay(from, [&](const journal_entry& e) { found.push_back(e); });
    EXPECT_TRUE(done) << done.error().message;
    return found;
  }
  std::vector<std::uint64_t> replayed_sequences(std::uint64_t from = 1) {
    std::vector<std::uint64_t> found;
    for (const auto& e : replayed(from)) found.push_back(e.sequence);
    return found;
  }
  errc replay_error() {
    const auto done = journal_->replay(1, [](const journal_entry&) {});
    return done ? throw std::runtime_error("the replay went well") : done.error().code;
  }
  std::string stored(std::uint64_t first_sequence) {
    std::string value;
    EXPECT_TRUE(db_->raw().db->Get({}, db_->raw().at(column::journal), key(first_sequence), &value).ok());
    return value;
  }
  std::size_t stored_bytes(const reading_batch& batch) {
    const std::uint64_t sequence = append({0, 1, std::make_shared<const reading_batch>(batch), nullptr, nullptr});
    expect_same(replayed(sequence).front(), {sequence, 1, std::make_shared<const reading_batch>(batch), nullptr, nullptr});
    return stored(sequence).size();
  }
  void store(std::uint64_t first_sequence, const std::string& value) {
    EXPECT_TRUE(db_->raw().db->Put({}, db_->raw().at(column::journal), key(first_sequence), value).ok());
  }
  static std::string key(std::uint64_t first_sequence) {
    std::string k;
    put_key64(k, first_sequence);
    return k;
  }

  test::temporary_directory directory_;
  std::unique_ptr<database> db_;
  std::unique_ptr<journal> journal_;
  std::vector<journal_entry> observed_;
  std::latch first_seen_{1}, go_on_{1};
  std::atomic<int> seen_ = 0;
};

}  // namespace factory::test
