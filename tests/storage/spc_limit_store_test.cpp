#include "storage/spc/spc_limit_store.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "storage/base/database.hpp"
#include "storage/spc/limits.hpp"
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
  test::temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<spc_limit_store> store;
};

TEST_F(spc_limits_on_disk, have_versions_and_a_history_that_outlives_a_restart) {
  EXPECT_FALSE(store->in_force(7));
  EXPECT_EQ(store->freeze(7, around(10))->version, 1U);
  EXPECT_EQ(store->freeze(7, around(11))->version, 2U);
  EXPECT_EQ(store->freeze(8, around(12))->version, 1U);
  const auto before = store->history(7);
  reopen();
  EXPECT_EQ(store->history(7), before) << "bit for bit";
  EXPECT_EQ(store->in_force(7)->limits.center, 11);
  EXPECT_EQ(store->freeze(7, around(13))->version, 3U);
}

TEST_F(spc_limits_on_disk, go_with_their_sensor_and_no_other) {
  ASSERT_TRUE(store->freeze(7, around(10)) && store->freeze(8, around(11)));
  ASSERT_TRUE(store->remove_sensor(7));
  EXPECT_TRUE(store->history(7).empty());
  reopen();
  EXPECT_TRUE(store->history(7).empty());
  EXPECT_EQ(store->history(8).size(), 1U);
}

}  // namespace
}  // namespace factory
