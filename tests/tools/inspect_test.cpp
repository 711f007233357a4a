#include "inspect/commands.hpp"
#include "storage/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace factory {
namespace {

using ::testing::HasSubstr;

template <class T>
T must(expected<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(*value);
}

/// A plant of one sensor: a sealed block, a correction and a late reading in the journal.
class inspect_test : public ::testing::Test {
 protected:
  inspect_test() {
    const auto db = must(database::open(where_, {}));
    catalog entities(*db);
    if (!entities.load()) throw std::runtime_error("no catalog");
    journal entries(*db);
    entries.start([](std::span<const journal_entry* const>) {});
    const auto commit = [&](auto staged) {
      auto change = std::make_shared<config_change>(staged.change.config);
      must(entries.append({0, 1, nullptr, change, nullptr}, durability::buffered, staged.change.writes));
      entities.apply(std::move(staged.change));
    };
    commit(must(entities.stage_create(std::vector<factory_entry>{{0, "plant", "", 0}}, 1)));
    commit(must(entities.stage_create(std::vector<machine_entry>{{0, 1, "press", "PRESS", machine_status::operational, 0}}, 1)));
    commit(must(entities.stage_create(std::vector<sensor_entry>{{0, 1, "temperature", "C", {}, 0}}, 1)));
    auto batch = std::make_shared<reading_batch>();
    batch->event_time_us = {0, 1'000'000, 1'000'000};
    batch->value = {20.5, 21.5, 22.5};
    batch->slices = {{1, 0, 3}};
    must(entries.append({0, 1, batch, nullptr, nullptr}, durability::buffered));
  }
  std::unique_ptr<data_directory> open(data_directory::access how = data_directory::access::read) {
    return must(data_directory::open(where_, how));
  }

  static constexpr double no_decimal = 1.0 / 3;  // stands in the journal as its eight bytes
  static void turn_a_bit_of_the_last_value(const std::filesystem::path& db) {
    const std::string bytes(reinterpret_cast<const char*>(&no_decimal), sizeof no_decimal);
    for (const auto& entry : std::filesystem::directory_iterator(db)) {
      if (entry.path().extension() != ".log") continue;
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      const std::size_t at = text.rfind(bytes);
      if (at != std::string::npos) file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(text[at] ^ 1));
    }
  }

  test::temporary_directory here_;
  std::filesystem::path where_ = here_.path() / "data";
  std::ostringstream out_;
};

TEST_F(inspect_test, the_summary_counts_what_is_in_the_journal_too) {
  ASSERT_TRUE(print_summary(*open(), out_));
  EXPECT_THAT(out_.str(), HasSubstr("1 factories, 1 machines, 1 sensors, 0 rules"));
  EXPECT_THAT(out_.str(), HasSubstr("4 entries with 3 readings above the floor 0"));
  EXPECT_THAT(out_.str(), HasSubstr("plant/press/temperature"));
}

TEST_F(inspect_test, the_dump_has_each_reading_once_with_its_last_value) {
  ASSERT_TRUE(dump(*open(), {}, out_));
  EXPECT_EQ(out_.str(), "sensor_id,timestamp,value,flags\n1,1970-01-01T00:00:00Z,20.5,0\n1,1970-01-01T00:00:01Z,22.5,0\n");
}

TEST_F(inspect_test, the_dump_takes_a_range_and_refuses_an_unknown_sensor) {
  ASSERT_TRUE(dump(*open(), {{1}, {500'000, 2'000'000}}, out_));
  EXPECT_EQ(out_.str(), "sensor_id,timestamp,value,flags\n1,1970-01-01T00:00:01Z,22.5,0\n");
  EXPECT_EQ(dump(*open(), {{2}, {}}, out_).error().code, errc::not_found);
}

TEST_F(inspect_test, verify_reads_everything_and_finds_no_fault) {
  EXPECT_EQ(*verify(*open(), out_), 0U);
  EXPECT_THAT(out_.str(), HasSubstr("0 blocks, 4 journal entries, 0 states, 0 events read: all good"));
}

TEST_F(inspect_test, compacting_keeps_every_reading) {
  ASSERT_TRUE(compact(*open(data_directory::access::change), out_));
  std::ostringstream rows;
  ASSERT_TRUE(dump(*open(), {}, rows));
  EXPECT_THAT(rows.str(), HasSubstr("22.5"));
}

TEST_F(inspect_test, a_directory_in_use_or_of_something_else_is_refused_with_a_sentence) {
  const auto used = open();
  const auto again = data_directory::open(where_, data_directory::access::read);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("another process"));
  EXPECT_FALSE(data_directory::open(here_.path() / "nowhere", data_directory::access::read));
}

TEST_F(inspect_test, give_up_cuts_a_damaged_log_and_says_from_when_on_to_send_again) {
  ASSERT_TRUE(give_up(where_, out_));
  EXPECT_EQ(out_.str(), "The log is not damaged, nothing was given up.\n");
  const auto killed = here_.path() / "killed";
  {
    const auto db = must(database::open(where_, {}));
    journal entries(*db);
    entries.start([](std::span<const journal_entry* const>) {});
    for (std::int64_t second = 1; second <= 3; ++second) {
      auto batch = std::make_shared<reading_batch>();
      batch->event_time_us = {second};
      batch->value = {no_decimal};
      batch->slices = {{1, 0, 1}};
      must(entries.append({0, second * 1'000'000, batch, nullptr, nullptr}, durability::fsync));
    }
    std::filesystem::copy(where_, killed, std::filesystem::copy_options::recursive);
  }
  turn_a_bit_of_the_last_value(killed / "db");
  EXPECT_THAT(database::open(killed, {}).error().message, HasSubstr("factory-inspect give-up"));
  out_.str("");
  ASSERT_TRUE(give_up(killed, out_));
  EXPECT_EQ(out_.str(),
            "gave up 1 writes of the log\nthe newest readings that are left arrived at 1970-01-01T00:00:02Z; "
            "send again what came after\n");
  EXPECT_TRUE(database::open(killed, {}));
}

}  // namespace
}  // namespace factory
