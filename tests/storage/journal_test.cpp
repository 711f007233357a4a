#define XXH_INLINE_ALL
#include <xxhash.h>

#include "storage/journal.hpp"

#include "storage/rocks.hpp"
#include "storage/support/observing.hpp"
#include "storage/support/temporary_directory.hpp"

#include "pipelines/coding.hpp"
#include "pipelines/limits.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <functional>
#include <future>
#include <latch>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>

namespace factory {
namespace {

std::shared_ptr<const reading_batch> batch_of(std::mt19937_64& random, std::size_t sensors, std::size_t each) {
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
journal_entry reading_entry(std::int64_t received_at_us, double value = 1.5) {
  auto batch = std::make_shared<reading_batch>();
  batch->event_time_us = {received_at_us};
  batch->value = {value};
  batch->slices = {{7, 0, 1}};
  return {0, received_at_us, batch, nullptr, nullptr};
}
void expect_same(const journal_entry& a, const journal_entry& b) {
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
};

TEST_F(journal_test, gives_sequences_from_1_without_gaps) {
  start();
  for (std::uint64_t i = 1; i <= 10; ++i) EXPECT_EQ(append(reading_entry(static_cast<std::int64_t>(i))), i);
  EXPECT_EQ(journal_->last_sequence(), 10U);
}

TEST_F(journal_test, an_entry_is_observed_before_its_caller_is_let_go) {
  start();
  append(reading_entry(42));
  ASSERT_EQ(observed_.size(), 1U);
  EXPECT_EQ(observed_[0].sequence, 1U);
  EXPECT_EQ(observed_[0].received_at_us, 42);
}

TEST_F(journal_test, lets_go_of_what_an_entry_holds_when_the_last_copy_goes) {
  start();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> credit = held;
  auto entry = reading_entry(1);
  entry.hold = std::move(held);
  append(std::move(entry));
  EXPECT_FALSE(credit.expired()) << "the observer kept a copy";
  observed_.clear();
  journal_->stop();
  EXPECT_TRUE(credit.expired());
}

TEST_F(journal_test, many_threads_commit_in_one_order_that_observer_and_replay_agree_on) {
  start();
  constexpr int threads = 16, each = 50;
  std::vector<std::thread> callers;
  for (int t = 0; t < threads; ++t)
    callers.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) EXPECT_TRUE(journal_->append(reading_entry(t * 1'000 + i), durability::fsync));
    });
  for (auto& caller : callers) caller.join();
  ASSERT_EQ(observed_.size(), std::size_t{threads * each});
  const auto again = replayed();
  ASSERT_EQ(again.size(), observed_.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(observed_[i].sequence, i + 1);
    expect_same(again[i], observed_[i]);
  }
}

TEST_F(journal_test, what_waits_is_committed_as_one_group_with_one_fsync) {
  std::latch first_observed(1), all_queued(1);
  std::atomic<int> observed = 0;
  journal_->start(each([&](const journal_entry&) {
    if (observed++ == 0) {
      first_observed.count_down();
      all_queued.wait();
    }
  }));
  std::thread first([&] { EXPECT_TRUE(journal_->append(reading_entry(0), durability::fsync)); });
  first_observed.wait();
  const auto fsyncs = db_->fsync_count();
  std::vector<std::thread> others;
  for (int i = 1; i <= 8; ++i)
    others.emplace_back([&, i] { EXPECT_TRUE(journal_->append(reading_entry(i), durability::fsync)); });
  while (journal_->count().waiting < 8) std::this_thread::yield();
  all_queued.count_down();
  first.join();
  for (auto& other : others) other.join();
  EXPECT_EQ(db_->fsync_count() - fsyncs, 1U);
  const auto counted = journal_->count();
  EXPECT_EQ(counted.groups, 2U);
  EXPECT_EQ(counted.entries, 9U);
  EXPECT_EQ(counted.readings, 9U);
  EXPECT_EQ(counted.failures, 0U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(journal_test, a_waker_is_called_once_for_a_group_when_all_of_it_is_ready) {
  std::latch first_observed(1), all_queued(1);
  std::atomic<int> observed = 0;
  journal_->start(each([&](const journal_entry&) {
    if (observed++ == 0) {
      first_observed.count_down();
      all_queued.wait();
    }
  }));
  std::vector<journal::ticket> tickets;
  std::atomic<int> calls = 0, others = 0;
  std::latch told(1);
  const auto wake = std::make_shared<const std::function<void()>>([&] {
    for (const auto& each : tickets) EXPECT_TRUE(each.ready());
    if (++calls == 1) told.count_down();
  });
  const auto other = std::make_shared<const std::function<void()>>([&] { ++others; });
  auto first = journal_->begin(reading_entry(0), durability::buffered, {}, other);
  first_observed.wait();
  for (int i = 1; i <= 4; ++i) tickets.push_back(*journal_->begin(reading_entry(i), durability::fsync, {}, wake));
  for (const auto& each : tickets) EXPECT_FALSE(each.ready());
  all_queued.count_down();
  told.wait();
  journal_->stop();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(others, 1);
  for (std::size_t i = 0; i < tickets.size(); ++i) EXPECT_EQ(tickets[i].wait().value_or(0), i + 2);
}

TEST_F(journal_test, a_buffered_entry_costs_no_fsync) {
  start();
  const auto before = db_->fsync_count();
  append(reading_entry(1), durability::buffered);
  EXPECT_EQ(db_->fsync_count(), before);
  append(reading_entry(2), durability::fsync);
  EXPECT_EQ(db_->fsync_count(), before + 1);
}

TEST_F(journal_test, replay_gives_back_what_was_appended_bit_for_bit) {
  start();
  std::mt19937_64 random(11);
  for (int i = 0; i < 60; ++i)
    append({0, static_cast<std::int64_t>(random()), batch_of(random, 1 + random() % 20, 1 + random() % 30), nullptr, nullptr});
  const auto check = [&] {
    const auto again = replayed();
    ASSERT_EQ(again.size(), observed_.size());
    for (std::size_t i = 0; i < again.size(); ++i) expect_same(again[i], observed_[i]);
    const auto tail = replayed(31);
    ASSERT_EQ(tail.size(), 30U);
    expect_same(tail[0], observed_[30]);
  };
  check();
  reopen();
  check();
}

reading_batch slice_of(std::vector<double> values, std::int64_t step_us = 1'000'000) {
  reading_batch batch;
  batch.value = std::move(values);
  for (std::size_t i = 0; i < batch.size(); ++i)
    batch.event_time_us.push_back(1'700'000'000'000'000 + static_cast<std::int64_t>(i) * step_us);
  batch.slices = {{7, 0, static_cast<std::uint32_t>(batch.size())}};
  return batch;
}

TEST_F(journal_test, decimals_of_any_size_come_back_bit_for_bit) {
  start();
  std::mt19937_64 random(12);
  for (int digits = 0; digits <= 12; ++digits) {
    for (int bits = 1; bits <= 55; bits += 3) {
      std::vector<double> values;
      for (int i = 0; i < 9; ++i) {
        const auto whole = static_cast<std::int64_t>(random() >> (64 - bits));
        values.push_back(std::strtod((std::to_string(i % 2 ? whole : -whole) + "e-" + std::to_string(digits)).c_str(), nullptr));
      }
      (void)stored_bytes(slice_of(values, static_cast<std::int64_t>(random())));
    }
  }
}

TEST_F(journal_test, values_that_are_no_decimals_come_back_bit_for_bit) {
  start();
  using limits_of = std::numeric_limits<double>;
  for (const double odd : {-0.0, limits_of::denorm_min(), limits_of::max(), -limits_of::infinity(), limits_of::quiet_NaN(),
                           0x1p51, -0x1p51, 0x1p53 + 2, 0.1 + 0.2, 1e300, std::bit_cast<double>(0x7ff8'0000'dead'beefULL)})
    for (std::size_t at = 0; at < 5; ++at) {
      std::vector<double> values{20.5, 21, 20.75, 19, 22};
      values[at] = odd;
      (void)stored_bytes(slice_of(values));
      (void)stored_bytes(slice_of({odd}));
    }
}

TEST_F(journal_test, decimals_at_a_regular_step_take_a_byte_or_two_each) {
  start();
  std::vector<double> values(1'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 20 + static_cast<double>(i % 200) / 100;
  constexpr std::size_t around = 60;  // head of record and entry, and what a slice begins with
  EXPECT_LE(stored_bytes(slice_of(values)), 1'000 + around);
  values[500] = 90;
  EXPECT_LE(stored_bytes(slice_of(values)), 2'000 + around);
  reading_batch batch = slice_of(values);
  batch.event_time_us.back() += 1;
  EXPECT_GT(stored_bytes(batch), 3'000U);  // a time each
}

TEST_F(journal_test, a_reading_counts_for_the_length_at_least_what_a_plain_one_takes) {
  start();
  append({0, 1, std::make_shared<const reading_batch>(slice_of(std::vector<double>(1'000, 20.5))), nullptr, nullptr});
  EXPECT_LT(stored(1).size(), 2'000U);
  EXPECT_EQ(journal_->bytes_above_floor(), 9'000U);
  reopen();
  EXPECT_EQ(journal_->bytes_above_floor(), 9'000U);
}

TEST_F(journal_test, a_record_of_version_1_is_read) {
  std::string entry;
  put_byte(entry, 1);
  put_zigzag(entry, 5);
  for (const std::uint64_t number : {2, 3, 7, 1, 4, 2}) put_varint(entry, number);  // sensor 7 with a row, 11 with two
  for (const std::int64_t step : {1'000, 50, -20}) put_zigzag(entry, step);
  for (const double value : {20.5, -0.0, 0.1 + 0.2}) put_double(entry, value);
  std::string record;
  put_byte(record, 1);
  put_fixed32(record, 1);
  put_fixed32(record, static_cast<std::uint32_t>(entry.size()));
  put_fixed64(record, XXH3_64bits(entry.data(), entry.size()));
  put_fixed64(record, XXH3_64bits_withSeed(record.data(), record.size(), 1));
  store(1, record + entry);
  reopen();
  const auto found = replayed();
  ASSERT_EQ(found.size(), 1U);
  reading_batch batch;
  batch.event_time_us = {1'000, 1'050, 1'030};
  batch.value = {20.5, -0.0, 0.1 + 0.2};
  batch.slices = {{7, 0, 1}, {11, 1, 3}};
  expect_same(found[0], {1, 5, std::make_shared<const reading_batch>(batch), nullptr, nullptr});
  start();
  EXPECT_EQ(append(reading_entry(6)), 2U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(journal_test, config_changes_come_back) {
  start();
  sensor_config config{
      9, {{}, 80.5}, {{3, 9, "too hot", rule_condition::out_of_range, -1.5, 99, severity::rule_critical, false}}};
  config.thresholds.min = -0.0;
  auto change = std::make_shared<config_change>();
  change->configs = {config, {10, {}, {}}};
  change->removed = {4, 5};
  append({0, 77, nullptr, change, nullptr});
  reopen();
  const auto again = replayed();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_FALSE(again[0].readings);
  ASSERT_TRUE(again[0].config);
  ASSERT_EQ(again[0].config->configs.size(), 2U);
  const auto& back = again[0].config->configs[0];
  EXPECT_EQ(back.sensor, 9U);
  EXPECT_EQ(back.thresholds, config.thresholds);
  ASSERT_EQ(back.rules.size(), 1U);
  EXPECT_EQ(back.rules[0].name, "too hot");
  EXPECT_EQ(back.rules[0].condition, rule_condition::out_of_range);
  EXPECT_FALSE(back.rules[0].enabled);
  EXPECT_EQ(again[0].config->removed, (std::vector<sensor_id>{4, 5}));
}

TEST_F(journal_test, catalog_writes_go_with_their_entry) {
  start();
  append(reading_entry(1), durability::buffered, {{"x1", "one"}, {"x2", "two"}});
  append(reading_entry(2), durability::buffered, {{"x1", std::nullopt}});
  std::string value;
  auto& raw = db_->raw();
  EXPECT_TRUE(raw.db->Get({}, raw.at(column::catalog), "x1", &value).IsNotFound());
  EXPECT_TRUE(raw.db->Get({}, raw.at(column::catalog), "x2", &value).ok());
  EXPECT_EQ(value, "two");
}

TEST_F(journal_test, goes_on_after_a_restart_where_it_was) {
  start();
  append(reading_entry(1));
  append(reading_entry(2));
  reopen();
  EXPECT_EQ(journal_->last_sequence(), 2U);
  EXPECT_GT(journal_->bytes_above_floor(), 0U);
  start();
  EXPECT_EQ(append(reading_entry(3)), 3U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(journal_test, trimmed_entries_go_and_the_sequence_outlives_a_wholly_trimmed_journal) {
  start();
  for (int i = 1; i <= 6; ++i) append(reading_entry(i));
  ASSERT_TRUE(journal_->trim(4));
  EXPECT_EQ(journal_->floor(), 4U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{5, 6}));
  ASSERT_TRUE(journal_->trim(2)) << "an older floor changes nothing";
  EXPECT_EQ(journal_->floor(), 4U);
  ASSERT_TRUE(journal_->trim(100)) << "what is not yet there is not trimmed";
  EXPECT_EQ(journal_->floor(), 6U);
  EXPECT_EQ(journal_->bytes_above_floor(), 0U);
  reopen();
  EXPECT_EQ(journal_->floor(), 6U);
  EXPECT_EQ(journal_->last_sequence(), 6U);
  EXPECT_TRUE(replayed().empty());
  start();
  EXPECT_EQ(append(reading_entry(7)), 7U);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{7}));
}

TEST_F(journal_test, a_floor_within_a_record_keeps_the_rest_of_it) {
  std::latch first_observed(1), all_queued(1);
  std::atomic<int> observed = 0;
  journal_->start(each([&](const journal_entry&) {
    if (observed++ == 0) {
      first_observed.count_down();
      all_queued.wait();
    }
  }));
  std::vector<std::thread> callers;
  callers.emplace_back([&] { EXPECT_TRUE(journal_->append(reading_entry(0), durability::buffered)); });
  first_observed.wait();
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] { EXPECT_TRUE(journal_->append(reading_entry(1), durability::buffered)); });
  while (journal_->count().waiting < 4) std::this_thread::yield();
  all_queued.count_down();
  for (auto& caller : callers) caller.join();
  ASSERT_TRUE(journal_->trim(3));
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{4, 5}));
  reopen();
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(journal_->last_sequence(), 5U);
}

TEST_F(journal_test, read_gives_a_part) {
  start();
  for (int i = 1; i <= 6; ++i) append(reading_entry(i));
  std::vector<std::uint64_t> found;
  ASSERT_TRUE(journal_->read(2, 4, [&](const journal_entry& e) { found.push_back(e.sequence); }));
  EXPECT_EQ(found, (std::vector<std::uint64_t>{2, 3, 4}));
}

TEST_F(journal_test, a_flipped_bit_anywhere_is_corrupt_and_nothing_is_appended_to_a_damaged_record) {
  start();
  for (int i = 1; i <= 3; ++i) append(reading_entry(i));
  journal_->stop();
  const std::string good = stored(2);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    store(2, bad);
    EXPECT_EQ(replay_error(), errc::corrupt) << "byte " << at;
  }
  store(2, good.substr(0, 5));
  reopen();
  EXPECT_EQ(replay_error(), errc::corrupt);
  start();
  EXPECT_EQ(journal_->append(reading_entry(4), durability::fsync).error().code, errc::corrupt);
}

TEST_F(journal_test, a_missing_or_misplaced_record_is_corrupt) {
  start();
  for (int i = 1; i <= 3; ++i) append(reading_entry(i));
  const std::string second = stored(2);
  store(3, second);
  EXPECT_EQ(replay_error(), errc::corrupt);
  ASSERT_TRUE(db_->raw().db->Delete({}, db_->raw().at(column::journal), key(2)).ok());
  EXPECT_EQ(replay_error(), errc::corrupt);
}

TEST_F(journal_test, refuses_before_start_and_after_stop) {
  EXPECT_EQ(journal_->append(reading_entry(1), durability::fsync).error().code, errc::stopping);
  start();
  append(reading_entry(1));
  journal_->stop();
  EXPECT_EQ(journal_->append(reading_entry(1), durability::fsync).error().code, errc::stopping);
  EXPECT_EQ(journal_->last_sequence(), 1U);
}

TEST_F(journal_test, stop_commits_what_waits) {
  std::latch first_observed(1), go_on(1);
  std::atomic<int> observed = 0;
  journal_->start(each([&](const journal_entry&) {
    if (observed++ == 0) {
      first_observed.count_down();
      go_on.wait();
    }
  }));
  auto first =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(1), durability::buffered).has_value(); });
  first_observed.wait();
  auto second =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(2), durability::buffered).has_value(); });
  while (journal_->count().waiting < 1) std::this_thread::yield();
  go_on.count_down();
  journal_->stop();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_EQ(journal_->last_sequence(), 2U);
}

TEST_F(journal_test, a_caller_that_gave_up_leaves_an_entry_that_is_still_committed) {
  reopen(std::chrono::milliseconds(1));
  std::latch go_on(1);
  journal_->start(each([&](const journal_entry&) { go_on.wait(); }));
  const auto given_up = journal_->append(reading_entry(1), durability::buffered);
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, errc::timed_out);
  go_on.count_down();
  journal_->stop();
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1}));
}

}  // namespace
}  // namespace factory
