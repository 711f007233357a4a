#include "storage/journal/journal.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pipelines/model/coding.hpp"
#include "storage/support/journal_fixture.hpp"
#include "support/await.hpp"

namespace factory {
namespace {

using namespace test;

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

TEST_F(journal_test, an_entry_that_is_not_committed_lets_go_of_what_it_holds_at_once) {
  journal_->start(each([](const journal_entry&) {}));
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> credit = held;
  auto entry = reading_entry(1);
  entry.hold = std::move(held);
  db_->raw().writes_fail = true;
  auto in_line = journal_->begin(std::move(entry), durability::fsync).value();
  EXPECT_FALSE(in_line.wait());
  test::await([&] { return credit.expired(); }, "the credit, although no other entry has come since");
  db_->raw().writes_fail = false;
  EXPECT_EQ(append(reading_entry(2)), 1U);
}

TEST_F(journal_test, an_entry_that_was_refused_but_is_found_stored_is_passed_on_before_its_sequence_is_given_again) {
  start();
  db_->raw().marks_fail = true;
  EXPECT_FALSE(journal_->append(reading_entry(1), durability::fsync));
  db_->raw().marks_fail = false;
  EXPECT_EQ(append(reading_entry(2), durability::fsync), 2U);
  journal_->stop();
  ASSERT_EQ(observed_.size(), 2U);
  EXPECT_EQ(observed_[0].received_at_us, 1);
  EXPECT_EQ(replayed_sequences(), (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(journal_test, tells_that_an_entry_is_committed_also_when_its_caller_has_given_up) {
  reopen(std::chrono::milliseconds(1));
  std::latch go_on(1);
  bool committed = false;
  journal_->start(each([&](const journal_entry&) { go_on.wait(); }));
  auto entry = reading_entry(1);
  entry.when_committed = [&] { committed = true; };
  EXPECT_EQ(journal_->append(std::move(entry), durability::buffered).error().code, errc::timed_out);
  go_on.count_down();
  journal_->stop();
  EXPECT_TRUE(committed);
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
  start_holding_the_first();
  std::thread first([&] { EXPECT_TRUE(journal_->append(reading_entry(0), durability::fsync)); });
  wait_for_first();
  const auto fsyncs = db_->fsync_count();
  std::vector<std::thread> others;
  for (int i = 1; i <= 8; ++i)
    others.emplace_back([&, i] { EXPECT_TRUE(journal_->append(reading_entry(i), durability::fsync)); });
  test::await([&] { return journal_->count().waiting >= 8; }, "all to wait");
  let_go();
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
  start_holding_the_first();
  std::vector<journal::ticket> tickets;
  std::atomic<int> calls = 0, others = 0;
  std::latch told(1);
  const auto wake = std::make_shared<const std::function<void()>>([&] {
    for (const auto& each : tickets) EXPECT_TRUE(each.ready());
    if (++calls == 1) told.count_down();
  });
  const auto other = std::make_shared<const std::function<void()>>([&] { ++others; });
  auto first = journal_->begin(reading_entry(0), durability::buffered, {}, other);
  wait_for_first();
  for (int i = 1; i <= 4; ++i) tickets.push_back(*journal_->begin(reading_entry(i), durability::fsync, {}, wake));
  for (const auto& each : tickets) EXPECT_FALSE(each.ready());
  let_go();
  told.wait();
  journal_->stop();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(others, 1);
  for (std::size_t i = 0; i < tickets.size(); ++i) EXPECT_EQ(tickets[i].wait().value_or(0), i + 2);
}

TEST_F(journal_test, who_waits_for_an_entry_with_a_waker_is_woken_too) {
  std::latch observing(1), go_on(1);
  journal_->start(each([&](const journal_entry&) {
    observing.count_down();
    go_on.wait();
  }));
  auto in_line =
      journal_->begin(reading_entry(1), durability::buffered, {}, std::make_shared<const std::function<void()>>([] {}));
  observing.wait();
  std::promise<bool> answered;
  auto answer = answered.get_future();
  std::thread([it = std::move(*in_line), answered = std::move(answered)]() mutable {
    answered.set_value(it.wait().has_value());
  }).detach();  // without the waking it sleeps for a minute
  go_on.count_down();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(answer.get());
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

TEST_F(journal_test, config_changes_come_back) {
  start();
  sensor_config config{
      9, {{}, 80.5}, {alert_rule{3, 9, "too hot", rule_condition::out_of_range, -1.5, 99, severity::rule_critical, false}}};
  config.thresholds.min = -0.0;
  auto change = std::make_shared<config_change>();
  change->configs = {config, {10, {}, {}, {}, true}, {11, {}, {}}, {12, {}, {}, {}, true}};
  change->removed = {4, 5};
  append({0, 77, nullptr, change, nullptr});
  reopen();
  const auto again = replayed();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_FALSE(again[0].readings);
  ASSERT_TRUE(again[0].config);
  ASSERT_EQ(again[0].config->configs.size(), 4U);
  EXPECT_FALSE(again[0].config->configs[2].suppressed);
  EXPECT_TRUE(again[0].config->configs[1].suppressed && again[0].config->configs[3].suppressed);
  const auto& back = again[0].config->configs[0];
  EXPECT_EQ(back.sensor, 9U);
  EXPECT_EQ(back.thresholds, config.thresholds);
  ASSERT_EQ(back.rules.size(), 1U);
  EXPECT_EQ(back.rules[0]->name, "too hot");
  EXPECT_EQ(back.rules[0]->condition, rule_condition::out_of_range);
  EXPECT_FALSE(back.rules[0]->enabled);
  EXPECT_EQ(again[0].config->removed, (std::vector<sensor_id>{4, 5}));
}

TEST_F(journal_test, a_rule_of_many_sensors_is_written_once_and_shared_again) {
  start();
  const shared_rule hot{alert_rule{3, 0, "", rule_condition::greater_than, 0, 80}};
  const shared_rule hotter{alert_rule{3, 0, "", rule_condition::greater_than, 0, 90}};
  auto change = std::make_shared<config_change>();
  for (sensor_id sensor = 1; sensor <= 1'000; ++sensor) change->configs.push_back({sensor, {}, {sensor == 17 ? hotter : hot}});
  append({0, 77, nullptr, change, nullptr});
  EXPECT_LT(stored(1).size(), 8'000U) << "a rule takes 24 bytes";
  reopen();
  const auto again = replayed();
  ASSERT_EQ(again.size(), 1U);
  const auto& configs = again[0].config->configs;
  EXPECT_EQ(configs, change->configs);
  EXPECT_EQ(&*configs[0].rules[0], &*configs[999].rules[0]);
  EXPECT_EQ(configs[16].rules[0]->high, 90);
}

TEST_F(journal_test, commands_ticks_and_sources_come_back) {
  start();
  auto command = std::make_shared<operator_command>();
  command->sensor = 9;
  command->who = "Ann";
  command->what = acknowledge_alert{{9, 5, event_source::min_threshold, 0, event_kind::alert_raised}, 1, 2, severity::high, "ok"};
  journal_entry asked, tick, read = reading_entry(3);
  asked.received_at_us = 77;
  asked.command = command;
  tick.received_at_us = 78;
  tick.tick = true;
  read.source = std::make_shared<const source_position>(source_position{"kafka plant", 3, 1'234'567});
  for (const auto& each : {asked, tick, read}) append(each);
  reopen();
  const auto again = replayed();
  ASSERT_EQ(again.size(), 3U);
  ASSERT_TRUE(again[0].command);
  EXPECT_EQ(again[0].received_at_us, 77);
  EXPECT_EQ(again[0].command->who, "Ann");
  EXPECT_EQ(std::get<acknowledge_alert>(again[0].command->what).comment, "ok");
  EXPECT_FALSE(again[0].tick || again[0].readings || again[0].config || again[0].source);
  EXPECT_TRUE(again[1].tick);
  EXPECT_EQ(again[1].received_at_us, 78);
  EXPECT_FALSE(again[1].command || again[1].readings || again[1].config);
  expect_same(again[2], observed_[2]);
  ASSERT_TRUE(again[2].source);
  EXPECT_EQ(*again[2].source, *read.source);
}

TEST_F(journal_test, knows_of_each_source_the_position_committed_last_also_when_its_entries_are_trimmed) {
  const auto from = [](std::string source, std::uint32_t partition, std::int64_t offset) {
    auto entry = reading_entry(offset);
    entry.source = std::make_shared<const source_position>(source_position{std::move(source), partition, offset});
    return entry;
  };
  start();
  EXPECT_TRUE(journal_->positions()->empty());
  append(from("a", 0, 10));
  append(from("b", 0, 5));
  append(from("a", 1, 7));
  append(reading_entry(1));
  append(from("a", 0, 11));
  const std::vector<source_position> wanted{{"a", 0, 11}, {"b", 0, 5}, {"a", 1, 7}};
  EXPECT_EQ(*journal_->positions(), wanted);
  ASSERT_TRUE(journal_->trim(5));
  reopen();
  EXPECT_EQ(*journal_->positions(), wanted);
  start();
  EXPECT_EQ(journal_->append(from(std::string(1'000, 'x'), 0, 1), durability::buffered).error().code, errc::invalid);
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

TEST_F(journal_test, a_trim_is_fsynced_as_the_files_below_it_go_at_once) {
  start();
  for (int i = 1; i <= 3; ++i) append(reading_entry(i), durability::buffered);
  const auto before = db_->fsync_count();
  ASSERT_TRUE(journal_->trim(2));
  EXPECT_EQ(db_->fsync_count(), before + 1);
  ASSERT_TRUE(journal_->trim(2));
  EXPECT_EQ(db_->fsync_count(), before + 1) << "nothing was to be done";
}

TEST_F(journal_test, a_floor_within_a_record_keeps_the_rest_of_it) {
  start_holding_the_first();
  std::vector<std::thread> callers;
  callers.emplace_back([&] { EXPECT_TRUE(journal_->append(reading_entry(0), durability::buffered)); });
  wait_for_first();
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] { EXPECT_TRUE(journal_->append(reading_entry(1), durability::buffered)); });
  test::await([&] { return journal_->count().waiting >= 4; }, "all to wait");
  let_go();
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

/// As versions 2 and 3 wrote them: a config with its rules in it, and a packed reading.
TEST_F(journal_test, records_of_versions_2_and_3_are_read) {
  const alert_rule hot{3, 7, "hot", rule_condition::greater_than, 0, 80};
  for (const char version : {'\2', '\3'}) {
    start();
    append(reading_entry(2));
    append(reading_entry(2));
    journal_->stop();
    const std::uint64_t newest = observed_.back().sequence;
    std::string entry;
    put_byte(entry, 2);
    put_zigzag(entry, 1);
    for (const std::uint64_t number : {1, 7, 0, 1}) put_varint(entry, number);  // a config: sensor 7, no min, a max
    put_double(entry, 80.5);
    put_byte(entry, 1);
    put_rule(entry, hot);
    put_byte(entry, 0);  // nothing removed
    std::string record(1, version);
    put_fixed32(record, 1);
    put_fixed32(record, static_cast<std::uint32_t>(entry.size()));
    put_fixed64(record, XXH3_64bits(entry.data(), entry.size()));
    put_fixed64(record, XXH3_64bits_withSeed(record.data(), record.size(), newest - 1));
    store(newest - 1, record + entry);
    record = stored(newest);
    constexpr std::size_t head_bytes = 1 + 4 + 12;
    ASSERT_EQ(record.front(), 5);
    record.front() = version;
    std::string checksum;
    put_fixed64(checksum, XXH3_64bits_withSeed(record.data(), head_bytes, newest));
    store(newest, record.replace(head_bytes, 8, checksum));
    reopen();
    const auto again = replayed();
    const auto& config = again.at(again.size() - 2).config;
    ASSERT_TRUE(config);
    EXPECT_EQ(config->configs, (std::vector<sensor_config>{{7, {{}, 80.5}, {hot}}}));
    expect_same(again.back(), observed_.back());
  }
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
  start_holding_the_first();
  auto first =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(1), durability::buffered).has_value(); });
  wait_for_first();
  auto second =
      std::async(std::launch::async, [&] { return journal_->append(reading_entry(2), durability::buffered).has_value(); });
  test::await([&] { return journal_->count().waiting >= 1; }, "all to wait");
  let_go();
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
