#include "storage/corrections/correction_store.hpp"

#include <gtest/gtest.h>

#include "storage/base/rocks.hpp"
#include "storage/catalog/catalog.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

using enum correction_action;

struct correction_store_test : testing::Test {
  correction_store_test() { reopen(); }
  void reopen() {
    store.reset();
    db.reset();
    db = database::open(directory.path(), {}).value();
    store = std::make_unique<correction_store>(*db);
    ASSERT_TRUE(store->load());
  }
  correction make(std::vector<sensor_id> sensors, std::int64_t begin_us, std::int64_t end_us, reading_change change) {
    correction made;
    made.id = store->next_id();
    made.step = store->next_step();
    made.sensors = std::move(sensors);
    made.begin_us = begin_us;
    made.end_us = end_us;
    made.change = change;
    made.reason = "the probe was out";
    made.by = "Ada";
    made.made_at_us = 1'000;
    keep(made);
    return made;
  }
  void revert(correction made) {
    made.reverted = correction::reversion{2'000, "Bob", "it was not", store->next_step()};
    keep(made);
  }
  void keep(const correction& entry) {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : correction_store::writes_of(entry)) batch.Put(db->raw().at(column::catalog), key, *value);
    ASSERT_TRUE(db->raw().write(batch, true, "testing"));
    store->put(entry);
  }
  double effective(sensor_id sensor, std::int64_t time_us) {
    reading_run row;
    row.push_back(time_us, 10, flag_none);
    if (const auto overlay = store->overlay_of(sensor)) overlay->apply(row);
    return row.value.front();
  }

  test::temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<correction_store> store;
};

TEST_F(correction_store_test, keeps_all_that_a_correction_says) {
  correction full = make({3, 9, 70'000}, -5, 5, {scale, 0.5, 0});
  full.which = selector{};
  full.which->unit = "K";
  full.reverted = correction::reversion{7, "Bob", "no", 9};
  correction read;
  ASSERT_TRUE(decode(encode(full), read));
  EXPECT_EQ(read, full);
  EXPECT_FALSE(decode(encode(full) + "x", read));
  EXPECT_FALSE(decode(encode(full).substr(1), read));
}

TEST_F(correction_store_test, gives_the_corrections_in_force_in_their_order_also_after_a_restart) {
  make({1, 2}, 0, 10, {scale, 2, 0});
  const auto second = make({2}, 5, 10, {offset, 1, 0});
  for (int start = 0; start < 2; ++start, reopen()) {
    EXPECT_EQ(store->overlay_of(3), nullptr);
    EXPECT_EQ(effective(1, 7), 20);
    EXPECT_EQ(effective(2, 7), 21);
    EXPECT_EQ(effective(2, 4), 20);
  }
  revert(second);
  for (int start = 0; start < 2; ++start, reopen()) {
    EXPECT_EQ(effective(2, 7), 20);
    EXPECT_EQ(store->count_in_force(2), 1U);
    EXPECT_EQ(store->next_id(), 3U);
    EXPECT_EQ(store->next_step(), 4U);
  }
}

TEST_F(correction_store_test, keeps_revisions_of_derived_sensors_and_what_is_under_way_also_after_a_restart) {
  const auto points = [](std::vector<std::int64_t> times_us) {
    auto made = std::make_shared<revised_points>();
    for (const auto time_us : times_us) made->push_back(time_us, static_cast<double>(time_us) / 2, false);
    return made;
  };
  const auto keep_revision = [&](derived_revision now) {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : store->revisions().writes_of(7, now)) {
      if (value)
        batch.Put(db->raw().at(column::catalog), key, *value);
      else
        batch.Delete(db->raw().at(column::catalog), key);
    }
    ASSERT_TRUE(db->raw().write(batch, false, "testing"));
    store->put_revision(7, std::move(now));
  };
  const std::int64_t far_us = std::int64_t{1} << 40U;
  keep_revision({points({-far_us, 5, far_us}), points({5}), 3});
  EXPECT_TRUE(store->overlay_of(7)->changes(5));
  reopen();
  EXPECT_EQ(*store->revisions().of(7).points, *points({-far_us, 5, far_us}));
  EXPECT_EQ(store->revisions().under_way(), std::vector<sensor_id>{7});
  EXPECT_EQ(store->revisions().of(7).step, 3U);
  EXPECT_TRUE(catalog(*db).load());
  keep_revision({points({5}), nullptr, 0});
  reopen();
  EXPECT_EQ(store->revisions().point_count(), 1U);
  EXPECT_TRUE(store->revisions().under_way().empty());
  EXPECT_TRUE(store->overlay_of(7)->changes(5));
  keep_revision({nullptr, nullptr, 0});
  reopen();
  EXPECT_EQ(store->overlay_of(7), nullptr);
}

TEST_F(correction_store_test, lists_them_newest_first_page_by_page) {
  for (int i = 0; i < 5; ++i) make({1}, i, i + 1, {exclude, 0, 0});
  const auto all = [](const correction&) { return true; };
  const auto first = store->newest(0, 2, all), second = store->newest(first.back().id, 9, all);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first.front().id, 5U);
  ASSERT_EQ(second.size(), 3U);
  EXPECT_EQ(second.back().id, 1U);
}

TEST_F(correction_store_test, leaves_the_catalog_to_open_beside_its_records) {
  make({1}, 0, 1, {exclude, 0, 0});
  EXPECT_TRUE(catalog(*db).load());
}

}  // namespace
}  // namespace factory
