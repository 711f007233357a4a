#include "storage/admin/snapshot.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "storage/base/rocks.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

namespace fs = std::filesystem;

void keep(database& db, column where, const std::string& key, const std::string& value) {
  rocksdb::WriteBatch batch;
  batch.Put(db.raw().at(where), key, value);
  ASSERT_TRUE(db.raw().write(batch, false, "testing"));
}
std::string stored(const database& db, column where, const std::string& key) {
  std::string value;
  return db.raw().db->Get(rocksdb::ReadOptions(), db.raw().at(where), key, &value).ok() ? value : "nothing";
}
void overwrite(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

struct snapshot : testing::Test {
  test::temporary_directory here;
  fs::path target = here.path() / "snapshots" / "first", fresh = here.path() / "restored";
  std::unique_ptr<database> db = std::move(*database::open(here.path() / "data", {}));

  snapshot() {
    for (std::size_t i = 0; i < column_count; ++i) keep(*db, static_cast<column>(i), "key", std::to_string(i));
  }
  void expect_conflict() {
    const auto again = take_snapshot(*db, target);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, errc::conflict) << again.error().message;
  }
};

TEST_F(snapshot, holds_what_was_written_before_it_and_nothing_of_what_came_after) {
  const auto taken = take_snapshot(*db, target);
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->path, target);
  EXPECT_GT(taken->bytes, 0U);
  keep(*db, column::journal, "later", "1");
  const auto copy = database::open(target, {.read_only = true});
  ASSERT_TRUE(copy) << copy.error().message;
  for (std::size_t i = 0; i < column_count; ++i) EXPECT_EQ(stored(**copy, static_cast<column>(i), "key"), std::to_string(i));
  EXPECT_EQ(stored(**copy, column::journal, "later"), "nothing");
}

TEST_F(snapshot, never_replaces_what_has_its_name) {
  fs::create_directories(target);
  expect_conflict();
  fs::remove(target);
  overwrite(target, "a file");
  expect_conflict();
  fs::remove(target);
  fs::create_symlink(here.path() / "nowhere", target);
  expect_conflict();
  EXPECT_FALSE(fs::exists(target.string() + ".partial"));
}

TEST_F(snapshot, that_was_cut_short_is_begun_anew) {
  fs::create_directories(target.string() + ".partial/db.tmp");
  overwrite(target.string() + ".partial/db.tmp/CURRENT", "half");
  ASSERT_TRUE(take_snapshot(*db, target));
  EXPECT_FALSE(fs::exists(target.string() + ".partial"));
  EXPECT_TRUE(database::open(target, {.read_only = true}));
}

TEST_F(snapshot, leaves_alone_the_files_of_others_and_what_is_being_made) {
  fs::create_directories(target.string() + ".partial");
  overwrite(target.string() + ".partial/thesis.txt", "x");
  expect_conflict();
  EXPECT_TRUE(fs::exists(target.string() + ".partial/thesis.txt"));
}

TEST_F(snapshot, that_cannot_be_finished_leaves_nothing_behind) {
  for (const auto& entry : fs::directory_iterator(here.path() / "data" / "db"))
    if (entry.path().filename().string().starts_with("MANIFEST")) fs::remove(entry.path());
  ASSERT_FALSE(take_snapshot(*db, target));
  EXPECT_TRUE(fs::is_empty(target.parent_path()));
}

TEST_F(snapshot, in_the_data_directory_does_not_count_as_its_bytes) {
  const auto before = db->bytes_on_disk();
  const auto inside = here.path() / "data" / snapshots_folder / "first";
  ASSERT_TRUE(take_snapshot(*db, inside));
  overwrite(inside / "large", std::string(1 << 20, 'x'));
  EXPECT_LT(db->bytes_on_disk(), before + (1 << 20));
}

struct restore : snapshot {
  restore() {
    if (!take_snapshot(*db, target)) throw std::runtime_error("no snapshot");
  }
};

TEST_F(restore, makes_another_database_with_the_same_content) {
  const auto staged = stage_restore(target, fresh);
  ASSERT_TRUE(staged) << staged.error().message;
  ASSERT_TRUE(finish_restore(fresh));
  EXPECT_FALSE(fs::exists(*staged));
  const auto restored = database::open(fresh, {.create = false});
  ASSERT_TRUE(restored) << restored.error().message;
  for (std::size_t i = 0; i < column_count; ++i) EXPECT_EQ(stored(**restored, static_cast<column>(i), "key"), std::to_string(i));
  EXPECT_NE((*restored)->id(), db->id());
  keep(**restored, column::catalog, "key", "changed");
  EXPECT_EQ(stored(**database::open(target, {.read_only = true}), column::catalog, "key"), std::to_string(3));
}

TEST_F(restore, overwrites_nothing) {
  fs::create_directories(fresh);
  overwrite(fresh / "thesis.txt", "x");
  const auto refused = stage_restore(target, fresh);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::conflict);
  EXPECT_FALSE(stage_restore(target, here.path() / "data"));  // in use, and not empty
  db.reset();
  EXPECT_EQ(stage_restore(target, here.path() / "data").error().code, errc::conflict);
  EXPECT_TRUE(database::open(here.path() / "data", {.read_only = true}));
}

TEST_F(restore, that_was_cut_short_is_no_data_directory_and_can_be_begun_anew) {
  ASSERT_TRUE(stage_restore(target, fresh));
  EXPECT_FALSE(database::open(fresh, {})) << "copied, not checked";
  fs::rename(fresh / "restoring" / "db", fresh / "db");
  EXPECT_FALSE(database::open(fresh, {})) << "cut between the two names";
  ASSERT_TRUE(stage_restore(target, fresh));
  ASSERT_TRUE(finish_restore(fresh));
  EXPECT_TRUE(database::open(fresh, {.create = false}));
}

TEST_F(restore, takes_only_snapshots_that_it_knows) {
  EXPECT_EQ(stage_restore(here.path() / "nowhere", fresh).error().code, errc::not_found);
  overwrite(target / "FORMAT", "factory-monitor data 2\n");
  const auto newer = stage_restore(target, fresh);
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message.find("newer Factory Monitor"), std::string::npos) << newer.error().message;
  EXPECT_FALSE(fs::exists(fresh));
}

}  // namespace
}  // namespace factory
