#include "storage/spc/spc_limit_store.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "storage/base/database.hpp"
#include "storage/base/rocks.hpp"
#include "storage/spc/limits.hpp"
#include "storage/support/catalog_fixture.hpp"
#include "storage/support/temporary_directory.hpp"

namespace factory {
namespace {

struct spc_limits_on_disk : testing::Test {
  spc_limits_on_disk() { reopen(); }
  void reopen() {
    store.reset();
    db.reset();
    auto opened = database::open(directory.path(), {});
    if (!opened) throw std::runtime_error(opened.error().message);
    db = std::move(*opened);
    store = std::make_unique<spc_limit_store>(*db);
    ASSERT_TRUE(store->load());
  }
  static frozen_limits around(double center) {
    frozen_limits wanted;
    wanted.limits = control_limits_from(center, 2, 5);
    wanted.points = 25;
    wanted.begin_us = -5;
    wanted.end_us = 7;
    wanted.by = "ann";
    return wanted;
  }
  /// As the engine does: the write goes with an entry of the journal.
  std::uint32_t freeze(sensor_id sensor, double center) {
    const auto frozen = store->next(sensor, around(center)).value();
    EXPECT_TRUE(test::commit(*db, {spc_limit_store::write_of(sensor, frozen)}));
    store->put(sensor, frozen);
    return frozen.version;
  }
  test::temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<spc_limit_store> store;
};

TEST_F(spc_limits_on_disk, have_versions_and_a_history_that_outlives_a_restart) {
  EXPECT_FALSE(store->in_force(7));
  EXPECT_EQ(freeze(7, 10), 1U);
  EXPECT_EQ(freeze(7, 11), 2U);
  EXPECT_EQ(freeze(8, 12), 1U);
  const auto before = store->history(7);
  reopen();
  EXPECT_EQ(store->history(7), before) << "bit for bit";
  EXPECT_EQ(store->in_force(7)->limits.center, 11);
  EXPECT_EQ(store->all_in_force().at(8).limits.center, 12);
  EXPECT_EQ(freeze(7, 13), 3U);
}

/// Older programs have them in another column family.
TEST_F(spc_limits_on_disk, of_an_older_directory_stay_in_force_until_newer_ones_are) {
  auto [key, value] = spc_limit_store::write_of(7, store->next(7, around(10)).value());
  rocksdb::WriteBatch batch;
  batch.Put(db->raw().at(column::state), key, *value);
  ASSERT_TRUE(db->raw().write(batch, true, "limits of an older program"));
  reopen();
  EXPECT_EQ(store->in_force(7)->version, 1U);
  EXPECT_EQ(freeze(7, 11), 2U);
  reopen();
  EXPECT_EQ(store->history(7).size(), 2U);
  EXPECT_EQ(store->in_force(7)->limits.center, 11);
  ASSERT_TRUE(store->remove_sensor(7));
  reopen();
  EXPECT_TRUE(store->history(7).empty());
}

TEST_F(spc_limits_on_disk, go_with_their_sensor_and_no_other) {
  freeze(7, 10);
  freeze(8, 11);
  ASSERT_TRUE(store->remove_sensor(7));
  EXPECT_TRUE(store->history(7).empty());
  reopen();
  EXPECT_TRUE(store->history(7).empty());
  EXPECT_EQ(store->history(8).size(), 1U);
}

}  // namespace
}  // namespace factory
