// Damage in RocksDB's log, and tails that a power cut tore.
#include "storage/base/rocks_log.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "storage/base/database.hpp"
#include "storage/base/rocks.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

namespace fs = std::filesystem;

/// A directory as a kill leaves it: fsynced writes of all sizes and others between them, in one log or in two.
class damaged_log : public testing::Test {
 protected:
  void fill(bool two_logs) {
    auto db = database::open(here_.path() / "whole", {});
    ASSERT_TRUE(db) << db.error().message;
    for (std::size_t i = 0; i < 40; ++i) {
      write((*db)->raw(), i, i % 10 == 9 ? 40'000 : 30 * i, i % 3 != 2);
      if (two_logs && i == 20) {
        ASSERT_TRUE((*db)->raw().db->Flush(rocksdb::FlushOptions(), (*db)->raw().at(column::state)).ok());
      }
    }
    fs::copy(here_.path() / "whole", killed_, fs::copy_options::recursive);
  }
  /// After the last write with fsync, so that no caller was told of them.
  std::uintmax_t fill_and_add_unsynced() {
    auto db = database::open(here_.path() / "whole", {});
    for (std::size_t i = 0; i < 10; ++i) write((*db)->raw(), i, 100, true);
    const auto synced = fs::file_size(logs(here_.path() / "whole").back());
    for (std::size_t i = 10; i < 20; ++i) write((*db)->raw(), i, 100, false);
    fs::copy(here_.path() / "whole", killed_, fs::copy_options::recursive);
    return synced;
  }
  void write(database::impl& db, std::size_t i, std::size_t size, bool fsync) {
    rocksdb::WriteBatch batch;
    batch.Put(db.at(column::journal), fmt::format("{:03}", i), std::string(size, static_cast<char>('a' + i % 26)));
    batch.Put(db.at(column::state), fmt::format("{:03}", i), "state");
    ASSERT_TRUE(db.write(batch, fsync, "testing"));
    if (fsync) acknowledged_ = i + 1;
  }

  fs::path fresh() const {
    fs::path copy = here_.path() / "copy";
    fs::remove_all(copy);
    fs::copy(killed_, copy, fs::copy_options::recursive);
    return copy;
  }
  static std::vector<fs::path> logs(const fs::path& data) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(data / "db"))
      if (entry.path().extension() == ".log" && entry.file_size() > 0) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    return found;
  }
  static void turn_a_bit(const fs::path& file, std::uintmax_t place, unsigned bit) {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    const int byte = bytes.seekg(static_cast<std::streamoff>(place)).get();
    bytes.seekp(static_cast<std::streamoff>(place)).put(static_cast<char>(byte ^ (1 << bit)));
  }
  static void zero(const fs::path& file, std::uintmax_t from, std::size_t bytes) {
    std::fstream(file, std::ios::binary | std::ios::in | std::ios::out).seekp(static_cast<std::streamoff>(from))
        << std::string(bytes, 0);
  }

  /// The number of keys before the first missing one. Checks that none exists after it.
  static std::size_t prefix_of(const database& db) {
    std::size_t found = 0, prefix = 0;
    for (std::size_t i = 0; i < 60; ++i) {
      std::string journal, state;
      const std::string key = fmt::format("{:03}", i);
      const bool there = db.raw().db->Get({}, db.raw().at(column::journal), key, &journal).ok();
      EXPECT_EQ(there, db.raw().db->Get({}, db.raw().at(column::state), key, &state).ok()) << i;
      found += there ? 1 : 0;
      if (there && i == prefix) ++prefix;
    }
    EXPECT_EQ(found, prefix);
    return prefix;
  }
  /// True when the start was refused; otherwise everything acknowledged must exist.
  bool refused_or_whole(const fs::path& data) const {
    const auto db = database::open(data, {});
    if (db) {
      EXPECT_GE(prefix_of(**db), acknowledged_);
      return false;
    }
    EXPECT_EQ(db.error().code, errc::corrupt);
    EXPECT_NE(db.error().message.find("restore the newest snapshot"), std::string::npos) << db.error().message;
    return true;
  }

  test::temporary_directory here_;
  const fs::path killed_ = here_.path() / "killed";
  std::size_t acknowledged_ = 0;
  std::mt19937_64 random_{11};
};

TEST_F(damaged_log, with_a_bit_turned_anywhere_is_refused_or_nothing_acknowledged_is_missing) {
  for (const bool two_logs : {false, true}) {
    fs::remove_all(here_.path() / "whole");
    fs::remove_all(killed_);
    fill(two_logs);
    ASSERT_EQ(logs(killed_).size(), two_logs ? 2U : 1U);
    std::size_t refused = 0, tries = 0;
    for (std::size_t which = 0; which < logs(killed_).size(); ++which) {
      const std::uintmax_t size = fs::file_size(logs(killed_)[which]);
      std::vector<std::uintmax_t> places{4, 5, 6, 6, 6, size - 1, size - 12, size - 60, 32'768, 32'774};
      for (int i = 0; i < 25; ++i) places.push_back(random_() % size);
      for (int i = 0; i < 20; ++i) places.push_back(size - 1 - random_() % 2'000);
      for (const std::uintmax_t place : places) {
        const fs::path data = fresh(), log = logs(data)[which];
        const unsigned bit = place == 6 ? static_cast<unsigned>(tries % 8) : static_cast<unsigned>(random_() % 8);
        SCOPED_TRACE(fmt::format("bit {} of byte {} of {}, {}", bit, place, size, log.filename().string()));
        turn_a_bit(log, place, bit);
        refused += refused_or_whole(data) ? 1 : 0;
        ++tries;
      }
    }
    EXPECT_GT(refused, tries * 3 / 4);
  }
}

/// Where the heads of records stand: checksum (4 bytes), length (2), type (1); records do not cross blocks of 32 KiB.
std::vector<std::uintmax_t> record_heads(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::uintmax_t> heads;
  for (std::size_t at = 0; at + 7 <= bytes.size();) {
    const std::size_t left = 32'768 - at % 32'768;
    if (left < 7) at += left;
    if (left < 7) continue;
    heads.push_back(at);
    at += 7U + static_cast<unsigned char>(bytes[at + 4]) + 256U * static_cast<unsigned char>(bytes[at + 5]);
  }
  return heads;
}

// RocksDB 9.10 read such a record again and again.
TEST_F(damaged_log, with_a_record_of_a_recycled_log_is_refused_or_nothing_acknowledged_is_missing) {
  fill(false);
  const auto heads = record_heads(logs(killed_).front());
  ASSERT_GT(heads.size(), 50U);
  std::size_t refused = 0;
  for (std::size_t i = 0; i < heads.size(); i += i < 4 || i + 5 > heads.size() ? 1 : 3) {
    SCOPED_TRACE(i);
    const fs::path data = fresh();
    turn_a_bit(logs(data).front(), heads[i] + 6, 2);
    refused += refused_or_whole(data) ? 1 : 0;
  }
  EXPECT_GT(refused, 15U);
}

TEST_F(damaged_log, a_manifest_with_a_record_of_a_recycled_log_is_refused) {
  fill(false);
  for (const auto& entry : fs::directory_iterator(killed_ / "db"))
    if (entry.path().filename().string().starts_with("MANIFEST-"))
      turn_a_bit(entry.path(), record_heads(entry.path()).at(1) + 6, 2);
  const auto db = database::open(killed_, {});
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, errc::corrupt) << db.error().message;
}

TEST_F(damaged_log, read_only_is_refused_too_and_stays_as_it_is) {
  fill(false);
  turn_a_bit(logs(killed_).back(), 5'000, 3);
  EXPECT_FALSE(database::open(killed_, {.read_only = true}));
  EXPECT_TRUE(refused_or_whole(killed_));
  turn_a_bit(logs(killed_).back(), 5'000, 3);
  EXPECT_FALSE(refused_or_whole(killed_)) << "two refusals before have changed nothing";
}

TEST_F(damaged_log, that_ends_before_a_newer_one_begins_is_refused_wherever_it_ends_behind_its_first_record) {
  fill(true);
  const std::uintmax_t size = fs::file_size(logs(killed_).front());
  for (int i = 0; i < 30; ++i) {
    const fs::path data = fresh();
    const std::uintmax_t kept = 100 + random_() % (size - 100);
    SCOPED_TRACE(kept);
    fs::resize_file(logs(data).front(), kept);
    (void)refused_or_whole(data);
  }
}

TEST_F(damaged_log, whose_first_record_has_turned_into_an_old_one_is_refused) {
  fill(true);
  turn_a_bit(logs(killed_).front(), 6, 2);  // type 1 becomes 5: of a recycled log, so RocksDB passes over the whole file
  EXPECT_TRUE(refused_or_whole(killed_));
}

TEST_F(damaged_log, whose_unsynced_tail_was_torn_opens_by_itself_wherever_it_was) {
  const std::uintmax_t synced = fill_and_add_unsynced(), size = fs::file_size(logs(killed_).back());
  ASSERT_GT(size, synced);
  for (std::uintmax_t end = synced; end < size; end += 1 + random_() % 60) {
    const fs::path data = fresh();
    SCOPED_TRACE(end);
    fs::resize_file(logs(data).back(), end);
    EXPECT_FALSE(refused_or_whole(data));
  }
  for (int i = 0; i < 30; ++i) {
    const fs::path data = fresh();
    const std::uintmax_t hole = synced + random_() % (size - synced);
    SCOPED_TRACE(hole);
    zero(logs(data).back(), hole, std::min<std::size_t>(size - hole, 1 + random_() % 400));
    EXPECT_FALSE(refused_or_whole(data));
  }
}

TEST_F(damaged_log, that_was_cut_anywhere_at_its_end_opens_by_itself) {
  fill(false);
  acknowledged_ = 0;  // unknowable: the marks are gone together with the writes that they cover
  for (int i = 0; i < 40; ++i) {
    const fs::path data = fresh();
    const std::uintmax_t kept = random_() % fs::file_size(logs(data).back());
    SCOPED_TRACE(kept);
    fs::resize_file(logs(data).back(), kept);
    EXPECT_FALSE(refused_or_whole(data));
  }
}

TEST_F(damaged_log, is_given_up_behind_the_damage_on_demand_and_then_opens_as_ever) {
  for (const bool whole_block : {false, true}) {
    fs::remove_all(here_.path() / "whole");
    fs::remove_all(killed_);
    fill(false);
    // RocksDB takes zeros for neither record nor error, so it would continue after them.
    whole_block ? zero(logs(killed_).front(), 2 * 32'768, 32'768) : turn_a_bit(logs(killed_).front(), 5'000, 3);
    ASSERT_TRUE(refused_or_whole(killed_));
    std::size_t kept = 0;
    {
      const auto db = database::open(killed_, {.give_up_damaged_log = true});
      ASSERT_TRUE(db) << db.error().message;
      kept = prefix_of(**db);
      EXPECT_GT(kept, 0U);
      EXPECT_LT(kept, acknowledged_);
      EXPECT_EQ((*db)->given_up(), 2 * (acknowledged_ - kept)) << "two keys a write";
      write((*db)->raw(), kept, 10, true);
    }
    const auto db = database::open(killed_, {});
    ASSERT_TRUE(db) << db.error().message;
    EXPECT_EQ(prefix_of(**db), kept + 1);
    EXPECT_EQ((*db)->given_up(), 0U);
  }
}

TEST_F(damaged_log, is_not_given_up_where_table_files_have_a_part_of_what_stood_behind_it) {
  fill(true);
  turn_a_bit(logs(killed_).front(), 6, 2);
  const auto db = database::open(killed_, {.give_up_damaged_log = true});
  ASSERT_FALSE(db);
  EXPECT_NE(db.error().message.find("it cannot be cut there"), std::string::npos) << db.error().message;
}

TEST_F(damaged_log, is_not_seen_in_marks_of_another_database_or_bytes_that_a_client_sent) {
  fill(false);
  {
    const auto db = database::open(killed_, {});
    for (const std::string& mark : {synced_mark(1'000'000, "another"), std::string("fsynced\x01"), synced_mark(1'000'000, "")}) {
      rocksdb::WriteBatch batch;
      batch.Put((*db)->raw().at(column::jobs), "sent", mark);
      ASSERT_TRUE((*db)->raw().write(batch, true, "testing"));
    }
  }
  EXPECT_FALSE(refused_or_whole(killed_));
}

TEST_F(damaged_log, has_its_marks_found_where_they_lie_in_two_blocks) {
  for (std::size_t before = 32'600; before < 32'760; before += 7) {
    fs::remove_all(killed_);
    const auto db = database::open(killed_, {});
    ASSERT_TRUE(db) << db.error().message;
    write((*db)->raw(), 0, before, true);
    const fs::path data = fresh();
    SCOPED_TRACE(before);
    turn_a_bit(logs(data).back(), 1'000, 1);
    EXPECT_TRUE(refused_or_whole(data));
  }
}

}  // namespace
}  // namespace factory
