// A state on disk never outruns its events: the events of all readings that the state has seen are handed over before the state.
#include <map>

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/saved_state.hpp"
#include "actors/sensors/sensor.hpp"
#include "actors/support/deterministic.hpp"
#include "actors/support/messages.hpp"

namespace factory::test {
namespace {

constexpr sensor_id queued = 7;

/// A sensor in front of its real analysis actors; recorded_at_us of an event is the sequence of the entry that caused it.
struct order_test : deterministic, testing::WithParamInterface<unsigned> {
  void send_readings(const timed_values& rows) {
    ++sequence;
    caf::anon_send(actor, made.readings(sequence, queued, rows, static_cast<std::int64_t>(sequence)));
  }
  void persist() {
    auto [stored, waiter] = completion::make();
    caf::anon_send(actor, sensor_order{persist_request{std::move(stored)}});
  }

  committer made;
  recorded_store store;
  std::uint64_t sequence = 0;
  stream_rules rules{60 * second_us, INT64_MAX / 2, 60 * second_us, 30, 3.0};
  sensor_actor actor = spawn(sensor, sensor_parts{queued, true, spawn_chain(store.face()), 0, nullptr, nullptr}, rules);
};

TEST_P(order_test, a_snapshot_is_handed_over_behind_all_that_its_readings_caused) {
  std::mt19937 random(GetParam());
  caf::anon_send(actor, sensor_order{restore_order{}});
  ++sequence;
  caf::anon_send(
      actor, sensor_order{new_config{sequence, 1, std::make_shared<const sensor_config>(sensor_config{queued, {{}, 90.0}, {}})}});
  std::size_t row = 0;
  for (int round = 0; round < 60; ++round) {
    auto rows = calm(row, 1 + random() % 80);
    row += rows.size();
    rows[random() % rows.size()].second = 95 + static_cast<double>(random() % 10);  // an anomaly, and a limit passed
    send_readings(rows);
    if (random() % 3 == 0) persist();
    if (random() % 2 == 0) run_in_any_order(random);
  }
  persist();
  run_in_any_order(random);

  std::map<event_kind, int> found;
  std::uint64_t stored_up_to = 0;
  for (const auto& step : store.steps) {
    if (step.snapshot) stored_up_to = step.snapshot->applied_sequence;
    for (const auto& each : step.events) {
      EXPECT_GT(static_cast<std::uint64_t>(each.recorded_at_us), stored_up_to) << finding_id(each.key);
      ++found[each.key.kind];
    }
  }
  EXPECT_EQ(stored_up_to, sequence);
  EXPECT_GT(found[event_kind::anomaly], 10);
  EXPECT_GT(found[event_kind::alert_raised], 10);
}

INSTANTIATE_TEST_SUITE_P(orders, order_test, testing::Range(0U, 10U));

}  // namespace
}  // namespace factory::test
