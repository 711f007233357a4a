#include "storage/base/database.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "storage/base/rocks.hpp"
#include "storage/support/small_disk.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

namespace fs = std::filesystem;
using test::temporary_directory;

void put(database& db, column where, const std::string& key, const std::string& value, bool fsync = false) {
  rocksdb::WriteBatch batch;
  batch.Put(db.raw().at(where), key, value);
  ASSERT_TRUE(db.raw().write(batch, fsync, "testing"));
}
std::string get(const database& db, column where, const std::string& key) {
  std::string value;
  return db.raw().db->Get(rocksdb::ReadOptions(), db.raw().at(where), key, &value).ok() ? value : "nothing";
}
void write_text(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

TEST(database, a_new_directory_is_made_and_opens_again) {
  temporary_directory here;
  {
    auto db = database::open(here.path() / "deep" / "data", {});
    ASSERT_TRUE(db) << db.error().message;
    for (std::size_t i = 0; i < column_count; ++i) put(**db, static_cast<column>(i), "key", std::to_string(i), i == 3);
    EXPECT_EQ((*db)->fsync_count(), 1U);
    EXPECT_GT((*db)->bytes_on_disk(), 0U);
  }
  std::ifstream format(here.path() / "deep" / "data" / "FORMAT");
  std::string line;
  std::getline(format, line);
  EXPECT_EQ(line, "factory-monitor data 1");
  auto db = database::open(here.path() / "deep" / "data", {});
  ASSERT_TRUE(db) << db.error().message;
  for (std::size_t i = 0; i < column_count; ++i) EXPECT_EQ(get(**db, static_cast<column>(i), "key"), std::to_string(i));
}

TEST(database, the_memory_that_rocksdb_holds_is_known) {
  temporary_directory here;
  auto db = database::open(here.path(), {});
  ASSERT_TRUE(db);
  constexpr std::size_t size = 256UL << 10U;  // the cache takes nothing that is larger than one of its 64 shards
  const std::string value(size, 'x');
  const auto before = (*db)->memory_held();
  put(**db, column::blocks, "a", value);
  put(**db, column::state, "a", value);
  EXPECT_GT((*db)->memory_held().memtable_bytes, before.memtable_bytes + 2 * size - 1) << "of all column families";
  ASSERT_TRUE((*db)->raw().db->Flush({}, (*db)->raw().at(column::blocks)).ok());
  EXPECT_EQ(get(**db, column::blocks, "a"), value);
  const auto after = (*db)->memory_held();
  EXPECT_GT(after.table_reader_bytes, 0U);
  EXPECT_GT(after.block_cache_bytes, size);
  EXPECT_LT(after.block_cache_used_bytes, size) << "nobody reads it now";
}

TEST(database, a_directory_in_use_is_refused_with_the_likely_owner) {
  temporary_directory here;
  auto first = database::open(here.path(), {});
  ASSERT_TRUE(first);
  for (const bool read_only : {false, true}) {
    auto second = database::open(here.path(), {.read_only = read_only});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::conflict);
    EXPECT_NE(second.error().message.find("factoryd"), std::string::npos);
  }
  first->reset();
  EXPECT_TRUE(database::open(here.path(), {}));
}

TEST(database, read_only_sees_what_was_written_and_changes_nothing) {
  temporary_directory here;
  {
    auto db = database::open(here.path(), {});
    put(**db, column::state, "key", "value");
  }
  auto db = database::open(here.path(), {.read_only = true});
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_EQ(get(**db, column::state, "key"), "value");
  rocksdb::WriteBatch batch;
  batch.Put((*db)->raw().at(column::state), "key", "other");
  EXPECT_FALSE((*db)->raw().write(batch, false, "testing"));
}

TEST(database, what_is_no_data_directory_is_refused) {
  temporary_directory here;
  struct row {
    const char* what;
    std::function<void(const fs::path&)> make;
    database::options how;
    errc code;
  };
  const std::vector<row> table{
      {"nothing there, create off", [](const fs::path&) {}, {.create = false}, errc::not_found},
      {"nothing there, read only", [](const fs::path&) {}, {.read_only = true}, errc::not_found},
      {"empty, read only", [](const fs::path& d) { fs::create_directories(d); }, {.read_only = true}, errc::not_found},
      {"a file", [](const fs::path& d) { write_text(d, "x"); }, {}, errc::invalid},
      {"someone else's files",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "thesis.txt", "x");
       },
       {},
       errc::invalid},
      {"newer format",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "FORMAT", "factory-monitor data 2\n");
       },
       {},
       errc::invalid},
      {"damaged format",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "FORMAT", "factory");
       },
       {},
       errc::corrupt},
      {"format of zero",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "FORMAT", "factory-monitor data 0\n");
       },
       {},
       errc::corrupt},
      {"format with a tail",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "FORMAT", "factory-monitor data 1x\n");
       },
       {},
       errc::corrupt},
      {"database gone",
       [](const fs::path& d) {
         fs::create_directories(d);
         write_text(d / "FORMAT", "factory-monitor data 1\n");
       },
       {},
       errc::corrupt},
  };
  int number = 0;
  for (const row& r : table) {
    fs::create_directories(here.path());
    const fs::path directory = here.path() / std::to_string(number++);
    r.make(directory);
    auto db = database::open(directory, r.how);
    ASSERT_FALSE(db) << r.what;
    EXPECT_EQ(db.error().code, r.code) << r.what << ": " << db.error().message;
    EXPECT_NE(db.error().message.find(directory.string()), std::string::npos) << r.what;
  }
}

TEST(database, a_creation_cut_short_before_FORMAT_is_finished) {
  temporary_directory here;
  {
    auto db = database::open(here.path(), {});
    put(**db, column::catalog, "key", "value");
  }
  fs::remove(here.path() / "FORMAT");
  auto db = database::open(here.path(), {});
  ASSERT_TRUE(db) << db.error().message;
  EXPECT_EQ(get(**db, column::catalog, "key"), "value");
  EXPECT_TRUE(fs::exists(here.path() / "FORMAT"));
}

TEST(database, a_damaged_database_is_said_to_be_damaged) {
  temporary_directory here;
  { auto db = database::open(here.path(), {}); }
  for (const auto& entry : fs::directory_iterator(here.path() / "db")) {
    if (entry.path().filename().string().starts_with("MANIFEST"))
      write_text(entry.path(), "garbage, and more of it, so that it has a length");
  }
  auto db = database::open(here.path(), {});
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, errc::corrupt);
  EXPECT_NE(db.error().message.find("restore"), std::string::npos) << db.error().message;
}

/// Opens as a user other than root, because root may write anywhere.
expected<std::unique_ptr<database>> open_as_somebody(const fs::path& directory) {
  constexpr uid_t somebody = 65534;
  const bool root = ::geteuid() == 0;
  EXPECT_TRUE(!root || ::seteuid(somebody) == 0);
  auto opened = database::open(directory, {});
  EXPECT_TRUE(!root || ::seteuid(0) == 0);
  return opened;
}

TEST(database, a_directory_without_permission_says_so) {
  temporary_directory here;
  fs::create_directories(here.path());
  fs::permissions(here.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const auto db = open_as_somebody(here.path());
  fs::permissions(here.path(), fs::perms::owner_all);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, errc::storage_failed);
  EXPECT_NE(db.error().message.find("permission"), std::string::npos) << db.error().message;
}

TEST(database, a_directory_below_one_without_permission_says_so) {
  temporary_directory here;
  fs::create_directories(here.path() / "data");
  fs::permissions(here.path(), fs::perms::none);
  const auto db = open_as_somebody(here.path() / "data");
  fs::permissions(here.path(), fs::perms::owner_all);
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().code, errc::storage_failed);
  EXPECT_NE(db.error().message.find("permissions of the folders above"), std::string::npos) << db.error().message;
}

TEST(database, a_disk_that_is_nearly_full_refuses_and_goes_on_once_there_is_room) {
  temporary_directory here;
  test::small_disk disk(here.path());
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk needs root";
  auto db = database::open(here.path() / "data", {});
  ASSERT_TRUE(db) << db.error().message;
  put(**db, column::catalog, "before", "1", true);
  disk.fill();
  rocksdb::WriteBatch batch;
  batch.Put((*db)->raw().at(column::catalog), "meanwhile", "1");
  const auto refused = (*db)->raw().write(batch, true, "testing");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::storage_full);
  EXPECT_NE(refused.error().message.find("make room"), std::string::npos) << refused.error().message;
  disk.clear();
  put(**db, column::catalog, "after", "1", true);
  EXPECT_EQ(get(**db, column::catalog, "before"), "1");
  EXPECT_EQ(get(**db, column::catalog, "meanwhile"), "nothing");
}

TEST(database, errors_of_rocksdb_become_ours) {
  EXPECT_EQ(to_error(rocksdb::Status::NoSpace("x"), "writing").code, errc::storage_full);
  EXPECT_EQ(to_error(rocksdb::Status::IOError("While appending to file: Disk quota exceeded"), "writing").code,
            errc::storage_failed)
      << "room alone does not bring RocksDB back";
  EXPECT_EQ(to_error(rocksdb::Status::Corruption("x"), "writing").code, errc::corrupt);
  EXPECT_EQ(to_error(rocksdb::Status::IOError("x"), "writing").code, errc::storage_failed);
  EXPECT_NE(to_error(rocksdb::Status::IOError("x"), "writing").message.find("While writing"), std::string::npos);
}

}  // namespace
}  // namespace factory
