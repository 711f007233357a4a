// A data directory of an older program, opened by this one.
#include <gtest/gtest.h>

#include <string>

#include "actors/support/engine_fixture.hpp"
#include "storage/base/rocks.hpp"
#include "storage/catalog/catalog_records.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

/// One machine with a sensor that has a limit of 90.
struct engine_upgrade : test::engine_test {
  /// As a program wrote the machine that told no sensor whether it is in operation.
  void leave_as_an_older_program(machine_status status) {
    auto machine = running->entities().find_machine(1).value();
    ASSERT_TRUE(running->settle(20'000));
    running.reset();
    machine.status = status;
    std::string record = encode(machine);
    record.pop_back();  // the number of its settings
    record.front() = 3;
    using namespace std::string_literals;
    const auto db = database::open(directory.path(), {}).value();
    rocksdb::WriteBatch batch;
    batch.Put(db->raw().at(column::catalog), "m\0\0\0\x01"s, record);
    ASSERT_TRUE(db->raw().write(batch, false, "testing"));
  }
  void store(std::int64_t second, double value) {
    ingest(1, {{ten_us + second * second_us, value}}).value();
    ASSERT_TRUE(running->settle(20'000));
  }
  alert_state state() { return state_of(running->events().alerts({}).value().front()); }
  void set(machine_status status) {
    auto machine = running->entities().find_machine(1).value();
    machine.status = status;
    ASSERT_TRUE(running->update(machine));
    ASSERT_TRUE(running->settle(20'000));
  }
};

TEST_F(engine_upgrade, a_machine_that_stood_still_before_it_keeps_its_alerts_quiet_until_it_runs) {
  begin(1);
  store(0, 50);
  leave_as_an_older_program(machine_status::offline);
  for (int start = 0; start < 2; ++start) open();
  store(1, 95);
  EXPECT_EQ(state(), alert_state::suppressed);
  set(machine_status::operational);
  EXPECT_EQ(state(), alert_state::active_unacknowledged);
}

TEST_F(engine_upgrade, an_alert_that_stands_on_a_machine_that_stood_still_before_it_goes_quiet) {
  begin(1);
  store(0, 95);
  leave_as_an_older_program(machine_status::maintenance);
  open();
  ASSERT_TRUE(running->settle(20'000));
  EXPECT_EQ(state(), alert_state::suppressed);
}

}  // namespace
}  // namespace factory
