// What entries of the journal are on disk, and what becomes of damaged ones.
#include "storage/journal/journal.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <gtest/gtest.h>

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
  EXPECT_LT(stored(1).size(), 9'000U) << "a rule takes 24 bytes";
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

TEST_F(journal_test, how_readings_are_judged_comes_back_and_is_written_once) {
  start();
  stream_rules strict;
  strict.z_threshold = 3;
  strict.detect.of(detector::spike).on = false;
  auto change = std::make_shared<config_change>();
  for (sensor_id sensor = 1; sensor <= 1'000; ++sensor) {
    auto& config = change->configs.emplace_back(sensor_config{sensor, {}, {}});
    if (sensor % 3 != 0) config.stream = sensor % 3 == 1 ? strict : stream_rules();
  }
  change->machines = {{2, 0.5}, {7, 1.25}};
  append({0, 77, nullptr, change, nullptr});
  EXPECT_LT(stored(1).size(), 10'000U);
  reopen();
  const auto again = replayed();
  ASSERT_TRUE(again[0].config);
  EXPECT_EQ(again[0].config->configs, change->configs);
  EXPECT_EQ(again[0].config->machines, change->machines);
  EXPECT_EQ(again[0].config->sensitivity_of(7), 1.25);
  EXPECT_FALSE(again[0].config->sensitivity_of(3));
}

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
    ASSERT_EQ(record.front(), 7);
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

}  // namespace
}  // namespace factory
