#include "storage/annotations/annotation_store.hpp"

#include <gtest/gtest.h>

#include "storage/base/rocks.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

annotation tool_change() {
  annotation it;
  it.machine = 3;
  it.kind = annotation_kind::tool_change;
  it.begin_us = -5;
  it.end_us = 70'000'000;
  it.text = "die 4";
  it.by = "Ada";
  it.exclude_from_baseline = true;
  it.correction = 300;
  it.created_at_us = 1;
  it.changed_at_us = 2;
  return it;
}

struct annotation_store_test : testing::Test {
  annotation_store_test() { reopen(); }
  void reopen() {
    store.reset();
    db.reset();
    db = database::open(directory.path(), {}).value();
    store = std::make_unique<annotation_store>(*db);
    EXPECT_TRUE(store->load());
  }
  void write(const std::vector<catalog_write>& writes) {
    rocksdb::WriteBatch batch;
    auto* const in = db->raw().at(column::catalog);
    for (const auto& [key, value] : writes) value ? batch.Put(in, key, *value) : batch.Delete(in, key);
    ASSERT_TRUE(db->raw().write(batch, true, "testing"));
  }
  annotation_id make() {
    auto it = tool_change();
    it.id = store->next_id();
    write(store->writes_of(it));
    store->put(it);
    return it.id;
  }

  test::temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<annotation_store> store;
};

TEST_F(annotation_store_test, keeps_all_that_an_annotation_says_also_after_a_restart) {
  auto wanted = tool_change();
  wanted.id = make();
  reopen();
  EXPECT_EQ(store->find(wanted.id).value(), wanted);
  EXPECT_TRUE(catalog(*db).load());
}

TEST_F(annotation_store_test, gives_no_id_twice_also_after_the_newest_was_deleted) {
  make();
  const auto newest = make();
  write(annotation_store::writes_of_removal(newest));
  store->erase(newest);
  reopen();
  EXPECT_EQ(store->next_id(), newest + 1);
  EXPECT_EQ(store->find(newest).error().code, errc::not_found);
}

TEST_F(annotation_store_test, lists_the_newest_first_page_by_page) {
  for (int i = 0; i < 5; ++i) make();
  const auto all = [](const annotation&) { return true; };
  const auto first = store->newest(0, 2, all);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first.front().id, 5U);
  EXPECT_EQ(store->newest(first.back().id, 9, all).size(), 3U);
}

TEST(annotation_record, that_is_damaged_is_refused) {
  annotation read;
  const auto bytes = encode(tool_change());
  ASSERT_TRUE(decode(bytes, read));
  EXPECT_EQ(read, tool_change());
  EXPECT_FALSE(decode(bytes + "x", read));
  EXPECT_FALSE(decode(bytes.substr(0, bytes.size() - 1), read));
}

TEST(annotation_record, from_before_there_were_exclusions_excludes_nothing) {
  auto old = encode(tool_change());
  old.front() = 1;
  old.resize(old.size() - 3);  // whether it excludes, and the correction
  annotation read;
  ASSERT_TRUE(decode(old, read));
  auto wanted = tool_change();
  wanted.exclude_from_baseline = false;
  wanted.correction = 0;
  EXPECT_EQ(read, wanted);
}

}  // namespace
}  // namespace factory
