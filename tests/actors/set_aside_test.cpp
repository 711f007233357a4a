// A sensor that stays down holds nobody up: what it has not seen is set aside, and comes back to it.
#include "actors/engine/limits.hpp"
#include "actors/support/engine_fixture.hpp"
#include "storage/state/store_writer.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

std::vector<double> values_of(const timed_values& rows) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row.second);
  return values;
}

struct set_aside_test : engine_test {
  static constexpr sensor_id down = 1, other = 2;
  static constexpr std::size_t checkpoint_bytes = 20'000;

  set_aside_test() {
    begin(2);
    EXPECT_TRUE(ingest(down, calm(0, 10)));
  }
  void change(engine_config& config) const override { config.set_aside_bytes = bound_bytes; }

  /// Stores another state for the sensor; returns the one that was there.
  saved_sensor store_state(saved_sensor wanted) {
    running.reset();
    const auto db = database::open(directory.path(), {}).value();
    const auto before = state_store(*db).get(down).value().value();
    event_log events(*db);
    store_writer writer(*db, events);
    writer.start();
    writer.write(std::move(wanted), [] {});
    writer.stop();
    return {down, before.applied_sequence, before.state, {}};
  }
  saved_sensor take_down() {
    auto good = store_state({down, 1, "no state", {}});
    open();
    await([&] { return running->metrics().failed_sensors == 1; }, "the sensor to fail");
    return good;
  }
  void come_back(const saved_sensor& good) {
    store_state(good);
    open();
  }
  /// Sends readings of a sensor, and a checkpoint trims them from the journal.
  void trim(sensor_id of, std::size_t& rows) {
    for (int body = 0; body < 10; ++body, rows += 500) ASSERT_TRUE(ingest(of, calm(rows, 500)));
    ASSERT_TRUE(running->checkpoint());
  }
  std::size_t count(sensor_id of) { return running->stats(of, {}, {}).value().values.count; }

  std::uint64_t bound_bytes = 0;
};

TEST_F(set_aside_test, the_journal_is_trimmed_for_the_others_and_the_sensor_loses_nothing) {
  const auto good = take_down();
  const auto of_both = running->stats(std::vector<sensor_id>{down, other}, {}).value();
  ASSERT_EQ(of_both.size(), 2U);
  EXPECT_FALSE(of_both[0].available);
  EXPECT_TRUE(of_both[1].available) << "the other one is answered";
  std::size_t of_down = 10, of_other = 0, sent = 0;
  while (sent < limits::journal_checkpoints_held * checkpoint_bytes) {
    ASSERT_TRUE(ingest(down, calm(of_down, 100)));
    of_down += 100;
    const auto before = of_other;
    trim(other, of_other);
    sent += (of_other - before) * 9;
  }
  await([&] { return running->metrics().journal_bytes < limits::journal_checkpoints_held * checkpoint_bytes; },
        "the journal to be trimmed");
  EXPECT_GT(running->metrics().set_aside_readings, 0U);
  const auto told = running->status(down).error();
  EXPECT_EQ(told.code, errc::unavailable);
  EXPECT_NE(told.message.find("set aside"), std::string::npos) << told.message;

  open();  // it fails again
  await([&] { return running->metrics().failed_sensors == 1; }, "the sensor to fail");
  EXPECT_EQ(running->metrics().committed_readings, 0U) << "they were committed before this start";
  EXPECT_EQ(count(other), of_other);
  EXPECT_EQ(running->metrics().set_aside_readings, of_down - 10) << "the stop set the rest aside";

  come_back(good);
  EXPECT_EQ(running->metrics().failed_sensors, 0U);
  EXPECT_EQ(count(down), of_down);
  EXPECT_EQ(running->readings(down, {}, of_down + 1, false).value().value, values_of(calm(0, of_down)));
  ASSERT_TRUE(running->checkpoint());
  EXPECT_EQ(running->metrics().set_aside_bytes, 0U) << "it is part of the state now";
  open();
  EXPECT_EQ(count(down), of_down);
  EXPECT_EQ(count(other), of_other);
}

TEST_F(set_aside_test, limits_and_alerts_keep_their_place_among_what_was_set_aside) {
  auto entry = running->entities().find_sensor(down).value();
  const auto good = take_down();
  entry.thresholds = {{}, 80.0};
  ASSERT_TRUE(ingest(down, {{ten_us + 100 * second_us, 85}}));  // under the old limit of 90
  ASSERT_TRUE(running->update(entry));
  ASSERT_TRUE(ingest(down, {{ten_us + 101 * second_us, 85}}));
  std::size_t rows = 0;
  trim(other, rows);
  come_back(good);
  ASSERT_TRUE(running->settle(60'000));
  const auto alerts = running->events().alerts({.sensor = down}).value();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].stated->key.event_time_us, ten_us + 101 * second_us);
}

TEST_F(set_aside_test, at_its_bound_the_readings_of_the_sensor_alone_are_refused_until_it_is_deleted) {
  bound_bytes = 1;
  take_down();
  std::size_t of_down = 10, of_other = 0;
  await(
      [&] {
        const auto taken = ingest(down, calm(of_down, 1));
        if (taken) {
          of_down += 1;
        } else {
          EXPECT_EQ(taken.error().code, errc::unavailable) << taken.error().message;
        }
        trim(other, of_other);
        return !taken;
      },
      "the bound");
  const auto refused = ingest(down, calm(of_down, 1)).error();
  EXPECT_NE(refused.message.find("sensor 1 has failed"), std::string::npos) << refused.message;
  await([&] { return ingest(other, calm(of_other, 10)).has_value(); }, "the other sensor to be taken");
  of_other += 10;
  ASSERT_TRUE(running->remove_sensor(down));
  ASSERT_TRUE(running->checkpoint());
  EXPECT_EQ(running->metrics().set_aside_bytes, 0U);
  EXPECT_EQ(running->metrics().failed_sensors, 0U);
  open();
  EXPECT_EQ(count(other), of_other);
}

}  // namespace
}  // namespace factory::test
