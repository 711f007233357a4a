// Instances of pipelines over a real journal and store: what fails is replaced, what falls behind catches up.
#include "actors/streams/stream_population.hpp"

#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "actors/engine/actor_runtime.hpp"
#include "actors/streams/limits.hpp"
#include "actors/support/messages.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/await.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t idle_ms = 60'000;
constexpr sensor_id source = 1, filled = 9;

struct stream_population_test : testing::Test {
  stream_population_test() {
    db = database::open(directory.path(), {}).value();
    events = std::make_unique<event_log>(*db);
    writer = std::make_unique<store_writer>(*db, *events);
    writer->start();
    entries = std::make_unique<journal>(*db);
    states = std::make_unique<stream_state_store>(*db);
    stream_ports ports;
    ports.write_readings = [this](reading_batch batch, journal::waker wake) {
      const std::lock_guard one(writing);
      return entries->begin(entry_of(std::move(batch)), durability::buffered, {}, std::move(wake));
    };
    ports.save = [this](saved_stream snapshot, std::function<void()> written) {
      writer->write(std::move(snapshot), std::move(written));
    };
    ports.write_events = [](std::vector<event>) {};
    streams = std::make_unique<stream_population>(runtime.system(), counts, stream_times{}, std::move(ports), *states, *entries,
                                                  [this](std::function<void()> reached) { writer->barrier(std::move(reached)); });
    entries->start([this](std::span<const journal_entry* const> group) {
      streams->dispatch(group);
      const std::lock_guard lock(mutex);
      for (const auto* const each : group)
        if (each->readings)
          for (const auto& rows : each->readings->slices)
            for (auto row = rows.begin; rows.sensor == filled && row < rows.end; ++row)
              told[each->readings->event_time_us[row]] = each->readings->value[row];
    });
  }
  ~stream_population_test() override {
    entries->stop();
    streams.reset();
    writer->stop();
  }
  static journal_entry entry_of(reading_batch batch) {
    journal_entry entry;
    entry.received_at_us = ten_us + 1'000'000 * second_us;
    entry.readings = std::make_shared<const reading_batch>(std::move(batch));
    return entry;
  }
  void begin() {
    const auto spec = std::make_shared<const pipeline_spec>(parse_pipeline(R"({"name":"x","sources":{"a":{"sensor_id":1}},
        "steps":[{"window":{"tumbling_ms":1000},"aggregate":"sum"}],"sinks":[{"sensor":{"name":"y"}}]})")
                                                                .value());
    const pipeline_instance_entry only{0, 0, {source}, {filled}};
    ASSERT_TRUE(streams->start(1, 1, spec, {&only, 1}));
  }
  /// A reading a second, of rising values; sums of seconds are the values.
  void ingest(int first, int count) {
    timed_values rows;
    for (int i = first; i < first + count; ++i) rows.emplace_back(ten_us + i * second_us, i);
    ASSERT_TRUE(entries->append(entry_of(*batch_of(source, rows)), durability::buffered));
  }
  std::map<std::int64_t, double> all_told() {
    EXPECT_TRUE(streams->wait_until_idle(idle_ms));
    const std::lock_guard lock(mutex);
    return told;
  }
  static std::map<std::int64_t, double> seconds(int count) {
    std::map<std::int64_t, double> all;
    for (int i = 0; i < count; ++i) all[ten_us + i * second_us] = i;
    return all;
  }
  /// A state that cannot be read makes the actor throw.
  void make_fail() {
    const auto before = streams->report(1, idle_ms).at(0).restarts;
    caf::anon_send(streams->actor_of(1, 0), stream_restore{0, std::make_shared<const std::string>("?"), {}});
    await(
        [&] {
          const auto now = streams->report(1, idle_ms).at(0);
          return now.restarts > before && (now.seen || now.state == stream_condition::failed);
        },
        "the restart");
  }

  temporary_directory directory;
  std::unique_ptr<database> db;
  std::unique_ptr<event_log> events;
  std::unique_ptr<store_writer> writer;
  std::unique_ptr<journal> entries;
  std::unique_ptr<stream_state_store> states;
  progress counts;
  actor_runtime runtime{2};
  std::unique_ptr<stream_population> streams;
  std::mutex mutex, writing;
  std::map<std::int64_t, double> told;
};

TEST_F(stream_population_test, an_instance_that_fails_goes_on_as_if_it_had_not) {
  begin();
  ingest(0, 30);
  EXPECT_EQ(all_told(), seconds(29));
  make_fail();
  ingest(30, 30);
  EXPECT_EQ(all_told(), seconds(59));
  ASSERT_TRUE(streams->persist_all(idle_ms, [] { return false; }));
  EXPECT_EQ(streams->floor(UINT64_MAX), entries->last_sequence());
  make_fail();
  ingest(60, 30);
  EXPECT_EQ(all_told(), seconds(89));
  EXPECT_EQ(streams->report(1, idle_ms).at(0).restarts, 2U);
}

TEST_F(stream_population_test, an_instance_that_fails_again_and_again_stays_down_and_holds_nothing) {
  begin();
  ingest(0, 3);
  static_cast<void>(all_told());
  for (std::size_t i = 0; i <= limits::stream_restarts_in_a_row; ++i) make_fail();
  const auto report = streams->report(1, idle_ms).at(0);
  EXPECT_EQ(report.state, stream_condition::failed);
  EXPECT_FALSE(report.failure.empty());
  EXPECT_EQ(streams->failed_count(), 1U);
  ingest(3, 3);
  EXPECT_TRUE(streams->wait_until_idle(idle_ms));
  EXPECT_EQ(streams->floor(77), 77U);
}

TEST_F(stream_population_test, who_wants_an_instance_to_stand_still_waits_until_it_has_caught_up) {
  ingest(0, 1'000);
  begin();  // from the first entry on
  const auto paused = streams->pause({1, 1, 0}, idle_ms);
  ASSERT_TRUE(paused) << paused.error().message;
  ASSERT_TRUE(streams->resume({1, 1, 0}, paused->ticket, nullptr, false, idle_ms));
  EXPECT_EQ(all_told(), seconds(999));
}

TEST_F(stream_population_test, a_watch_that_stands_still_keeps_back_what_comes_and_takes_it_in_when_it_goes_on) {
  const machine_watch_entry press{1, 1, 0, {source, source + 1}};
  const stream_key key{machine_watches, 1, 1};
  streams->start_watches({&press, 1});
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  const auto seen = [&] { return streams->report(machine_watches, idle_ms).at(0).seen.value().counts.in; };
  ingest(0, 20);
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  const auto before = seen();
  const auto paused = streams->pause(key, idle_ms).value();
  ingest(20, 20);
  EXPECT_EQ(seen(), before);
  ASSERT_TRUE(streams->persist_all(idle_ms, [] { return false; })) << "a checkpoint does not wait for it";
  EXPECT_LT(streams->floor(entries->last_sequence()), entries->last_sequence()) << "the journal keeps what it has not seen";
  EXPECT_FALSE(streams->resume(key, paused.ticket + 1, nullptr, false, idle_ms)) << "another one's pause";
  EXPECT_EQ(seen(), before);
  ASSERT_TRUE(streams->resume(key, paused.ticket, paused.state, true, idle_ms));
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  EXPECT_EQ(seen(), 2 * before);
}

TEST_F(stream_population_test, what_is_held_back_for_a_watch_is_seen_by_whoever_asks_and_survives_its_failure) {
  const machine_watch_entry press{1, 1, 0, {source, source + 1}};
  streams->start_watches({&press, 1});
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  const auto seen = [&] { return streams->report(machine_watches, idle_ms).at(0).seen.value().counts.in; };
  for (int cell = 0; cell < 5; ++cell) ingest(10 * cell, 10);  // far fewer than are sent at once
  EXPECT_EQ(seen(), 5U);
  ingest(50, 10);
  ASSERT_TRUE(streams->persist_all(idle_ms, [] { return false; }));
  EXPECT_EQ(streams->floor(UINT64_MAX), entries->last_sequence());
  ingest(60, 10);
  caf::anon_send(streams->actor_of(machine_watches, 1), stream_restore{0, std::make_shared<const std::string>("?"), {}});
  ingest(70, 10);
  await([&] { return streams->report(machine_watches, idle_ms).at(0).restarts == 1; }, "the restart");
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  EXPECT_EQ(seen(), 8U);
}

TEST_F(stream_population_test, an_instance_that_cannot_keep_up_reads_the_journal_and_misses_nothing) {
  begin();
  constexpr int bodies = 40, rows = 5'000;  // many times what may wait for it
  static_assert(bodies * rows > 2 * limits::stream_queued_readings);
  for (int i = 0; i < bodies; ++i) ingest(i * rows, rows);
  EXPECT_EQ(all_told(), seconds(bodies * rows - 1));
}

TEST_F(stream_population_test, what_is_made_of_the_journal_is_under_way_until_it_is_committed) {
  constexpr int rows = 100'000;
  static_assert(rows > limits::stream_results_waiting);
  ingest(0, rows);
  {
    const std::lock_guard nothing_is_written(writing);
    begin();
    await(
        [&] {
          const auto now = streams->report(1, idle_ms).at(0);
          return now.state == stream_condition::running && now.seen && now.seen->counts.in == rows;
        },
        "the instance to catch up");
    EXPECT_FALSE(streams->wait_until_idle(1));
  }
  EXPECT_EQ(all_told(), seconds(rows - 1));
}

TEST_F(stream_population_test, the_lag_is_what_waits_until_its_results_are_committed) {
  begin();
  ASSERT_TRUE(streams->wait_until_idle(idle_ms));
  {
    const std::lock_guard nothing_is_written(writing);
    ingest(0, 30);
    EXPECT_GE(streams->how_far_behind().readings, 30U);
    await([&] { return streams->report(1, idle_ms).at(0).seen.value().counts.in == 30; }, "the instance to see them");
    EXPECT_GE(streams->how_far_behind().readings, 30U);
  }
  EXPECT_EQ(all_told(), seconds(29));
  EXPECT_EQ(streams->how_far_behind().readings, 0U);
  EXPECT_EQ(streams->how_far_behind().instances_behind, 0U);
}

}  // namespace
}  // namespace factory::test
