// The job `retention`, and the memory that jobs leave, over a real catalog and store, with a clock that the test sets.
#include "actors/jobs/jobs.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "storage/journal/journal.hpp"
#include "storage/state/store_writer.hpp"
#include "storage/support/temporary_directory.hpp"
#include "support/times.hpp"

namespace factory::test {
namespace {

constexpr std::int64_t midnight_us = 20'000 * day_us, noon_us = midnight_us + day_us / 2;

template <class T>
T must(expected<T> value) {
  if (!value) throw std::runtime_error(value.error().message);
  return std::move(*value);
}

struct plant_with_history : testing::Test {
  struct parts {
    explicit parts(const std::filesystem::path& where) : db(must(database::open(where, {}))) {
      if (!entities.load() || !records.load()) throw std::runtime_error("a new directory cannot be read");
      entries.start([](std::span<const journal_entry* const>) {});
    }
    std::unique_ptr<database> db;
    catalog entities{*db};
    journal entries{*db};
    event_log events{*db};
    time_series series{*db};
    rollup_store rollups{*db};
    job_store records{*db};
  };

  plant_with_history() {
    create(factory_entry{.name = "Plant", .location = ""});
    create(machine_entry{.factory = 1, .name = "Press", .type = ""});
    create(machine_entry{.factory = 1, .name = "Mill", .type = ""});
    for (const auto& [machine, name] : {std::pair{1U, "a"}, {1U, "b"}, {2U, "c"}})
      create(sensor_entry{.machine = machine, .name = name, .unit = "", .thresholds = {}});
  }
  void reopen() {
    it.reset();
    it = std::make_unique<parts>(directory.path());
  }
  void commit(catalog_change change) {
    journal_entry entry;
    entry.config = std::make_shared<const config_change>(change.config);
    must(it->entries.append(std::move(entry), durability::fsync, change.writes));
    it->entities.apply(std::move(change));
  }
  template <class Entry>
  void create(Entry entry) {
    commit(must(it->entities.stage_create(std::vector<Entry>{std::move(entry)}, noon_us)).change);
  }
  template <class Entry>
  void keep(Entry entry, retention_days days) {
    entry.retention = days;
    commit(must(it->entities.stage_update(entry)));
  }
  /// A block of a reading an hour, and its roll-ups.
  void store(sensor_id sensor, std::int64_t from_us, int hours) {
    reading_run rows;
    for (int i = 0; i < hours; ++i) rows.push_back(from_us + i * hour_us, i, flag_none);
    store_writer writer(*it->db, it->events);
    writer.start();
    writer.write(saved_sensor{sensor, 1, "", {std::make_shared<const block>(seal(sensor, next_block++, rows))}}, [] {});
    writer.stop();
    must(it->rollups.refresh(it->series, cut(sensor)));
  }
  /// A day each of the last `days` days, the youngest one yesterday.
  void store_days(sensor_id sensor, int days) {
    for (int ago = days; ago > 0; --ago) store(sensor, midnight_us - ago * day_us, 24);
  }
  sensor_cut cut(sensor_id sensor) const { return {sensor, next_block, {}, {}}; }
  std::uint64_t readings_of(sensor_id sensor) const { return it->series.summarize(cut(sensor), {})->count; }
  /// Counts by day from the roll-ups, after checking that hours and minutes agree.
  std::uint64_t rolled_up(sensor_id sensor) const {
    std::uint64_t counts[3] = {};
    for (const auto level : {rollup_level::minute, rollup_level::hour, rollup_level::day}) {
      const auto buckets = must(it->rollups.read(sensor, level, {}));
      for (const bucket& each : buckets) counts[static_cast<int>(level)] += each.values.count;
    }
    EXPECT_EQ(counts[0], counts[2]);
    EXPECT_EQ(counts[1], counts[2]);
    return counts[2];
  }
  expected<std::string> run(std::int64_t configured_us = 0, bool stopping = false) {
    return run_job("retention", configured_us, stopping);
  }
  expected<std::string> run_job(std::string_view name, std::int64_t configured_us = 0, bool stopping = false,
                                asked_by who = asked_by::schedule) {
    const auto cut_of = [this](sensor_id sensor, const time_range&) -> expected<sensor_cut> { return cut(sensor); };
    const auto drop_events = [this](std::int64_t border_us, const std::atomic<bool>& stop) {
      return it->events.drop_before(border_us, stop);
    };
    const job_parts over{it->entities,           it->events, it->series, it->rollups, it->records, cut_of,
                         [] { return noon_us; }, drop_events};
    job_config config;
    config.retention_us = configured_us;
    config.event_retention_us = event_retention_us;
    config.write_report = [this](const daily_report& report) {
      reported.push_back(report);
      return report_texts{"{}", "<p>"};
    };
    for (const job& each : background_jobs(over, config))
      if (each.name == name) return each.work(std::atomic<bool>(stopping), who);
    throw std::logic_error("no such job");
  }

  std::int64_t event_retention_us = 0;
  std::vector<daily_report> reported;
  temporary_directory directory;
  std::unique_ptr<parts> it = std::make_unique<parts>(directory.path());
  std::uint32_t next_block = 1;
};

TEST_F(plant_with_history, keeps_as_the_sensor_says_else_its_machine_else_its_factory_else_the_configuration) {
  for (const sensor_id sensor : {1U, 2U, 3U}) store_days(sensor, 20);
  EXPECT_EQ(*run(), "readings are kept for ever: nothing to do");
  EXPECT_EQ(*run(15 * day_us), "360 readings of 3 sensors dropped");  // five days each
  keep(*it->entities.find_factory(1), 10);
  keep(*it->entities.find_machine(1), 5);
  keep(*it->entities.find_sensor(1), 2);
  ASSERT_TRUE(run(15 * day_us));
  EXPECT_EQ(readings_of(1), 48U);
  EXPECT_EQ(readings_of(2), 120U);
  EXPECT_EQ(readings_of(3), 240U);
  for (const sensor_id sensor : {1U, 2U, 3U}) EXPECT_EQ(rolled_up(sensor), readings_of(sensor));
}

TEST_F(plant_with_history, findings_that_are_over_are_kept_as_long_as_the_configuration_says) {
  const auto found = [](std::int64_t days_ago, event_kind kind) {
    event e;
    e.key = {1, noon_us - days_ago * day_us, kind == event_kind::anomaly ? event_source::z_score : event_source::max_threshold, 0,
             kind};
    e.at_us = e.key.event_time_us;
    return e;
  };
  ASSERT_TRUE(
      it->events.append({found(20, event_kind::anomaly), found(15, event_kind::alert_raised), found(2, event_kind::anomaly)}));
  EXPECT_EQ(*run(), "readings are kept for ever: nothing to do");
  event_retention_us = 10 * day_us;
  EXPECT_EQ(*run(), "readings are kept for ever: nothing to do; 1 events dropped");
  EXPECT_EQ(it->events.alerts({}).value().size(), 1U) << "it is active";
  EXPECT_EQ(it->events.anomalies({}).value().rows.size(), 1U);
}

TEST_F(plant_with_history, zero_days_keep_for_ever_what_the_factory_would_drop) {
  for (const sensor_id sensor : {1U, 2U}) store_days(sensor, 20);
  keep(*it->entities.find_factory(1), 1);
  keep(*it->entities.find_sensor(1), 0);
  ASSERT_TRUE(run(1));
  EXPECT_EQ(readings_of(1), 480U);
  EXPECT_EQ(readings_of(2), 24U);
}

TEST_F(plant_with_history, a_day_goes_when_all_of_it_is_old_enough_and_its_roll_ups_with_it) {
  keep(*it->entities.find_sensor(1), 2);   // at noon: back to noon, the day before yesterday
  store(1, midnight_us - 3 * day_us, 24);  // ends just before that day
  store(1, midnight_us - 2 * day_us, 6);   // older than two days, but of a day that is not
  store(1, midnight_us - day_us, 24);
  EXPECT_EQ(*run(), "24 readings of 1 sensors dropped");
  EXPECT_EQ(readings_of(1), 30U);
  EXPECT_EQ(rolled_up(1), 30U);
}

TEST_F(plant_with_history, a_block_that_reaches_past_the_horizon_stays_whole_and_what_is_rolled_up_is_never_more_than_is_stored) {
  keep(*it->entities.find_sensor(1), 2);
  store(1, midnight_us - 3 * day_us - 6 * hour_us, 24);  // all behind
  store(1, midnight_us - 2 * day_us - 6 * hour_us, 24);  // astride
  ASSERT_TRUE(run());
  EXPECT_EQ(readings_of(1), 24U);
  EXPECT_EQ(rolled_up(1), 18U);
}

TEST_F(plant_with_history, what_a_crash_left_undone_is_done_by_the_next_run) {
  for (const sensor_id sensor : {1U, 2U}) store_days(sensor, 20);
  keep(*it->entities.find_machine(1), 5);
  ASSERT_TRUE(it->series.drop_before(1, midnight_us - 5 * day_us));  // and no roll-ups, nor the second sensor
  reopen();
  EXPECT_EQ(readings_of(1), 120U);
  EXPECT_EQ(rolled_up(1), 480U);
  EXPECT_FALSE(run(0, true));  // stopped at once
  EXPECT_EQ(readings_of(2), 480U);
  EXPECT_EQ(*run(), "360 readings of 2 sensors dropped");
  reopen();
  for (const sensor_id sensor : {1U, 2U}) {
    EXPECT_EQ(readings_of(sensor), 120U);
    EXPECT_EQ(rolled_up(sensor), 120U);
  }
}

TEST_F(plant_with_history, rewriting_joins_nothing_across_a_border_of_retention) {
  const auto blocks_of = [this](sensor_id sensor) { return it->series.count(sensor).blocks; };
  for (const sensor_id sensor : {1U, 2U, 3U})
    for (int part = 0; part < 8 * 12; ++part) store(sensor, midnight_us - 12 * day_us + part * 3 * hour_us, 3);
  keep(*it->entities.find_sensor(2), 2);   // a border each midnight
  keep(*it->entities.find_sensor(3), 16);  // every second one
  ASSERT_TRUE(run_job("rewrite"));
  EXPECT_EQ(blocks_of(1), 1U);
  EXPECT_EQ(blocks_of(2), 12U);
  EXPECT_EQ(blocks_of(3), 6U);
  EXPECT_EQ(*run(), "240 readings of 2 sensors dropped");
  EXPECT_EQ(readings_of(2), 48U);
  EXPECT_EQ(rolled_up(2), 48U);
  EXPECT_EQ(readings_of(3), 288U);
}

TEST_F(plant_with_history, is_reported_once_a_day_by_schedule_and_anew_by_hand) {
  store(1, midnight_us - day_us, 24);
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(run_job("daily_report"));
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].sensors[0].readings.count, 24U);
  store(1, midnight_us - hour_us / 2, 1);
  ASSERT_TRUE(run_job("daily_report", 0, false, asked_by::hand));
  ASSERT_EQ(reported.size(), 2U);
  EXPECT_EQ(reported[1].sensors[0].readings.count, 25U);
  EXPECT_EQ(must(it->records.reports({}, 10)).size(), 1U);
}

TEST_F(plant_with_history, jobs_leave_nothing_of_what_they_read_in_memory) {
  store(1, noon_us - 2 * day_us, 24);                           // yesterday's report cuts through it
  store(1, noon_us - 2 * day_us + 6 * hour_us + second_us, 1);  // and the roll-ups of this late one, too
  for (const char* name : {"rollup", "anomaly_scan", "daily_report", "rewrite"}) {
    ASSERT_TRUE(run_job(name)) << name;
    EXPECT_EQ(it->series.decoded_bytes(), 0U) << name;
  }
}

}  // namespace
}  // namespace factory::test
