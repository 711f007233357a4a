#include "storage/mirror/mirror.hpp"

#include "pipelines/command/acknowledge.hpp"
#include "storage/mirror/mirror_file.hpp"
#include "storage/support/catalog_fixture.hpp"
#include "support/await.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <optional>

namespace factory {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t patience_ms = 20'000;  // a bound, not a wait

event an_event(sensor_id sensor, std::int64_t time_us, event_kind kind, std::int64_t at_us) {
  event e;
  e.key = {sensor, time_us, kind == event_kind::anomaly ? event_source::z_score : event_source::max_threshold, 0, kind};
  e.at_us = at_us;
  e.recorded_at_us = at_us;
  e.value = 91.5;
  e.detail = limit_detail{90};
  if (kind == event_kind::anomaly) e.detail = z_score_detail{4, 20, 1, 90};
  e.level = severity::high;
  return e;
}

class mirror_test : public ::testing::Test {
 protected:
  mirror_test() { open(); }
  ~mirror_test() override { close(); }
  void open() {
    events_ = std::make_unique<event_log>(store_.db());
    mirror_ = std::make_unique<mirror>(file(), store_.entities(), *events_);
    mirror_->start();
  }
  void close() {
    mirror_.reset();
    events_.reset();
  }
  void restart() {
    close();
    store_.reopen();
    open();
  }
  void flush() { ASSERT_TRUE(mirror_->flush(patience_ms)); }
  fs::path file() { return store_.db().directory() / "mirror.sqlite"; }
  /// First column of the first row, read by a connection of its own as a person would.
  std::string ask(const std::string& sql) {
    sqlite_file reader;
    if (!reader.open(file())) return reader.message();
    const auto answer = reader.value(sql.c_str());
    return answer ? *answer : reader.failed() ? reader.message() : "nothing";
  }
  /// Something in every table.
  void fill() {
    store_.seed(3);
    store_.create<alert_rule>({{.sensor = 2, .name = "hot", .condition = rule_condition::greater_than, .high = 90}});
    ASSERT_TRUE(events_->append({an_event(1, 10, event_kind::anomaly, 10), an_event(2, 20, event_kind::alert_raised, 20),
                                 an_event(2, 20, event_kind::alert_cleared, 25), an_event(3, 30, event_kind::alert_raised, 30)}));
    mirror_->put_series({{.sensor = 1, .count = 5, .first_us = 0, .last_us = 1'768'816'800'000'000, .last_value = 21.5}});
    flush();
  }
  /// Of sensor 1, with two channels to tell.
  void make_rule_about_stuck() {
    for (const char* const name : {"shift", "chief"}) {
      channel_entry channel;
      channel.name = name;
      channel.url = "https://example.com/";
      store_.create<channel_entry>({channel});
    }
    alert_rule odd{.id = 0, .sensor = 1, .name = "odd", .condition = rule_condition::anomaly};
    odd.options.anomalies = {1.5, severity::high, detector_bit(detector::stuck)};
    odd.routing.channels = {1};
    odd.routing.escalation = {{60'000'000, severity::rule_critical, {1, 2}}};
    store_.create<alert_rule>({odd});
    mirror_->notify();
    flush();
  }
  void expect_all() {
    EXPECT_EQ(ask("SELECT group_concat(name) FROM factories"), "Plant");
    EXPECT_EQ(ask("SELECT factory_id || status FROM machines"), "1OPERATIONAL");
    EXPECT_EQ(ask("SELECT group_concat(name) FROM sensors"), "s1,s2,s3");
    EXPECT_EQ(ask("SELECT condition || severity || enabled FROM alert_rules"), "GREATER_THANWARNING1");
    EXPECT_EQ(ask("SELECT id || severity FROM anomalies"), "1-10-z_score-0high");
    EXPECT_EQ(ask("SELECT group_concat(id || ' ' || state) FROM (SELECT * FROM alerts ORDER BY sequence)"),
              "2-20-max_threshold-0 cleared,3-30-max_threshold-0 active");
  }

  test::catalog_fixture store_;
  std::unique_ptr<event_log> events_;
  std::unique_ptr<mirror> mirror_;
};

TEST_F(mirror_test, migrations_are_numbered_without_gaps) {
  int expected = 1;
  for (const migration& m : migrations()) EXPECT_EQ(m.number, expected++);
  EXPECT_EQ(ask("SELECT count(*) FROM schema_migrations"), std::to_string(migrations().size()));
}

TEST_F(mirror_test, everything_of_the_store_can_be_asked_for_in_sql) {
  fill();
  expect_all();
  EXPECT_EQ(mirror_->behind().events, 0U);
  EXPECT_EQ(mirror_->behind().catalog_versions, 0U);
  EXPECT_EQ(mirror_->rebuild_count(), 0U);
  EXPECT_EQ(ask("SELECT created_at FROM sensors WHERE id = 1"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(ask("SELECT reading_count || ' ' || last_at || ' ' || latest_value FROM series"), "5 2026-01-19T10:00:00Z 21.5");
  EXPECT_EQ(
      ask("SELECT factory || '/' || machine || '/' || sensor || ' ' || latest_value FROM sensor_overview WHERE sensor_id = 1"),
      "Plant/Press/s1 21.5");
  EXPECT_EQ(ask("SELECT active_alerts FROM sensor_overview WHERE sensor_id = 3"), "1");
  EXPECT_EQ(ask("SELECT machine || ' ' || sensor || ' ' || value || ' > ' || limit_value FROM active_alerts"),
            "Press s3 91.5 > 90.0");
}

TEST_F(mirror_test, labels_follow_and_sensors_have_those_of_their_machine) {
  fill();
  auto machine = *store_.entities().find_machine(1);
  machine.labels.put({"line", "3"});
  machine.labels.put({"shift", "a"});
  store_.update(machine);
  auto sensor = *store_.entities().find_sensor(1);
  sensor.labels.put({"shift", "b"});
  store_.update(sensor);
  mirror_->notify();
  flush();
  EXPECT_EQ(ask("SELECT group_concat(key || '=' || value) FROM machine_labels"), "line=3,shift=a");
  EXPECT_EQ(ask("SELECT group_concat(sensor_id || key || '=' || value) FROM (SELECT * FROM labels_of_sensors ORDER BY 1, 2)"),
            "1line=3,1shift=b,2line=3,2shift=a,3line=3,3shift=a");
  sensor.labels.clear();
  store_.update(sensor);
  store_.put(*store_.entities().stage_delete_sensor(3));
  mirror_->notify();
  flush();
  EXPECT_EQ(ask("SELECT count(*) FROM sensor_labels"), "0");
  EXPECT_EQ(ask("SELECT count(DISTINCT sensor_id) FROM labels_of_sensors WHERE key = 'shift' AND value = 'a'"), "2");
  fs::remove(file());
  flush();
  EXPECT_EQ(ask("SELECT group_concat(key || '=' || value) FROM machine_labels"), "line=3,shift=a") << "made anew";
}

TEST_F(mirror_test, a_template_has_its_selector_and_no_sensor) {
  fill();
  alert_rule rule{.id = 0, .sensor = 0, .name = "all hot", .condition = rule_condition::greater_than, .low = 0, .high = 80};
  rule.as_template = {selector{.name = "s*"}, {{2, rule_override{.high = 90}}}};
  store_.create<alert_rule>({rule});
  mirror_->notify();
  flush();
  EXPECT_EQ(ask("SELECT name || '|' || selector || '|' || overrides FROM alert_rules WHERE sensor_id IS NULL"),
            "all hot|name s*|2: high 90");
  EXPECT_EQ(ask("SELECT count(*) FROM alert_rules WHERE sensor_id = 2 AND selector IS NULL"), "1");
}

TEST_F(mirror_test, changes_of_the_catalog_follow) {
  fill();
  auto first = *store_.entities().find_sensor(1);
  auto second = *store_.entities().find_sensor(2);
  first.name = "s4";
  store_.update(first);
  second.name = "s1";  // names move within what one turn may see
  second.thresholds.max = 90;
  second.retention = 30;
  store_.update(second);
  auto rule = *store_.entities().find_rule(1);
  rule.enabled = false;
  store_.update(rule);
  store_.put(*store_.entities().stage_delete_sensor(3));
  flush();
  EXPECT_EQ(ask("SELECT group_concat(name) FROM sensors"), "s4,s1");
  EXPECT_EQ(ask("SELECT max_threshold FROM sensors WHERE id = 2"), "90.0");
  EXPECT_EQ(ask("SELECT group_concat(coalesce(retention_days, 'inherited')) FROM sensors"), "inherited,30");
  EXPECT_EQ(ask("SELECT enabled FROM alert_rules"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM alerts WHERE sensor_id = 3"), "1");  // history stays
  store_.put(*store_.entities().stage_delete_sensor(1));
  store_.put(*store_.entities().stage_delete_sensor(2));
  store_.put(*store_.entities().stage_delete_machine(1));
  store_.put(*store_.entities().stage_delete_factory(1));
  mirror_->put_series({{.sensor = 1, .count = 6}});  // of a sensor that is gone
  flush();
  EXPECT_EQ(ask("SELECT count(*) FROM factories"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM alert_rules"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM series"), "0");
}

TEST_F(mirror_test, an_alert_changes_with_what_becomes_of_it) {
  fill();
  const acknowledge_alert seen{an_event(3, 30, event_kind::alert_raised, 30).key, 0, 0, severity::high, ""};
  ASSERT_TRUE(events_->append({acknowledgement_of(seen, "anna", 1'000'000)}));
  ASSERT_TRUE(
      events_->append({an_event(3, 30, event_kind::alert_cleared, 2'000'000), an_event(9, 9, event_kind::alert_cleared, 9)}));
  flush();
  EXPECT_EQ(ask("SELECT state || ' ' || cleared_at || ' ' || acknowledged_by || ' ' || acknowledged_at FROM alerts WHERE "
                "sensor_id = 3"),
            "cleared 1970-01-01T00:00:02Z anna 1970-01-01T00:00:01Z");
  EXPECT_EQ(ask("SELECT count(*) FROM alerts"), "2");
}

TEST_F(mirror_test, what_was_over_before_a_border_is_deleted_and_what_is_active_stays) {
  fill();
  mirror_->drop_before(25);
  flush();
  EXPECT_EQ(ask("SELECT count(*) FROM anomalies"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM alerts"), "2") << "cleared at 25";
  mirror_->drop_before(100);
  flush();
  EXPECT_EQ(ask("SELECT group_concat(id) FROM alerts"), "3-30-max_threshold-0");
}

TEST_F(mirror_test, what_operators_do_with_an_alert_is_its_state_and_its_history) {
  fill();
  auto shelved = an_event(3, 30, event_kind::alert_shelved, 1'000'000);
  shelved.who = "anna";
  shelved.detail = alarm_detail{90, "shelved", 60'000'000, "", "pump"};
  ASSERT_TRUE(events_->append({shelved}));
  flush();
  EXPECT_EQ(ask("SELECT state || ' ' || alarm_state || ' ' || shelved_until FROM alerts WHERE sensor_id = 3"),
            "active shelved 1970-01-01T00:01:00Z");
  EXPECT_EQ(
      ask("SELECT by_whom || ' ' || hushed || ' ' || until || ' ' || comment FROM alert_history WHERE kind = 'alert_shelved'"),
      "anna shelved 1970-01-01T00:01:00Z pump");
  EXPECT_EQ(ask("SELECT alarm_state FROM active_alerts"), "shelved");
}

TEST_F(mirror_test, an_alert_has_its_severity_and_its_peak_as_it_got_worse) {
  fill();
  const auto row = [&] { return ask("SELECT severity || ' ' || peak || ' ' || peak_at_us FROM alerts WHERE sensor_id = 3"); };
  EXPECT_EQ(row(), "high 91.5 30");
  auto worse = an_event(3, 30, event_kind::alert_escalated, 40);
  worse.value = 120;
  worse.level = severity::critical;
  auto end = an_event(3, 30, event_kind::alert_cleared, 60);
  alarm_end_detail at_end;
  at_end.peak = 125;
  at_end.peak_us = 50;
  end.detail = at_end;
  ASSERT_TRUE(events_->append({worse}));
  flush();
  EXPECT_EQ(row(), "critical 120.0 40");
  ASSERT_TRUE(events_->append({end}));
  flush();
  EXPECT_EQ(row(), "critical 125.0 50");
}

TEST_F(mirror_test, one_event_after_the_other_is_followed_without_being_asked) {
  for (int count = 1; count <= 3; ++count) {
    ASSERT_TRUE(events_->append({an_event(1, count, event_kind::anomaly, count)}));
    test::await([&] { return ask("SELECT count(*) FROM anomalies") == std::to_string(count); }, "the mirror");
  }
}

TEST_F(mirror_test, a_mirror_that_is_up_to_date_is_gone_on_with) {
  fill();
  restart();
  flush();
  EXPECT_EQ(mirror_->rebuild_count(), 0U);
  EXPECT_EQ(ask("SELECT count(*) FROM series"), "1");  // kept, not rebuilt
  expect_all();
}

TEST_F(mirror_test, what_happened_while_it_was_not_running_is_caught_up_with) {
  fill();
  mirror_.reset();
  std::vector<event> many;
  for (int i = 0; i < 5'000; ++i) many.push_back(an_event(1, 100 + i, event_kind::anomaly, 100 + i));
  ASSERT_TRUE(events_->append(many));
  store_.put(*store_.entities().stage_delete_sensor(3));
  restart();
  flush();
  EXPECT_EQ(mirror_->rebuild_count(), 0U);
  EXPECT_EQ(ask("SELECT count(*) FROM anomalies"), "5001");
  EXPECT_EQ(ask("SELECT count(*) FROM sensors"), "2");
}

TEST_F(mirror_test, stopping_catches_up) {
  store_.seed(1);
  ASSERT_TRUE(events_->append({an_event(1, 10, event_kind::anomaly, 10)}));
  mirror_->stop();
  EXPECT_EQ(ask("SELECT count(*) FROM anomalies"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM sensors"), "1");
}

TEST_F(mirror_test, whatever_happens_to_the_file_it_is_rebuilt_at_the_next_start) {
  fill();
  struct row {
    const char* what;
    std::function<void()> spoil;
  };
  const auto sql = [this](const char* text) {
    return [this, text] {
      sqlite_file writer;
      ASSERT_TRUE(writer.open(file()) && writer.exec(text)) << writer.message();
    };
  };
  const std::vector<row> table{
      {"deleted", [this] { fs::remove(file()); }},
      {"garbage", [this] { std::ofstream(file()) << std::string(10'000, 'x'); }},
      {"empty", [this] { std::ofstream(file(), std::ios::trunc); }},
      {"truncated", [this] { fs::resize_file(file(), fs::file_size(file()) / 2); }},
      {"a damaged page",
       [this] {
         std::fstream it(file(), std::ios::in | std::ios::out | std::ios::binary);
         it.seekp(4096);
         it << std::string(4096 * 6, '\x77');
       }},
      {"schema of tomorrow", sql("INSERT INTO schema_migrations (version, name) VALUES (99, '0099_tomorrow')")},
      {"of another store", sql("UPDATE meta SET value = 'other' WHERE key = 'store_id'")},
      {"events ahead", sql("UPDATE meta SET value = 1000000 WHERE key = 'event_sequence'")},
      {"catalog ahead", sql("UPDATE meta SET value = 1000000 WHERE key = 'catalog_version'")},
      {"someone else's database", sql("DROP TABLE schema_migrations; CREATE TABLE notes (text)")},
  };
  for (const row& r : table) {
    SCOPED_TRACE(r.what);
    close();
    r.spoil();
    store_.reopen();
    open();
    flush();
    EXPECT_EQ(mirror_->rebuild_count(), 1U);
    expect_all();
    EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
  }
}

TEST_F(mirror_test, damage_that_only_reading_the_whole_file_finds_is_found_at_start) {
  store_.seed(1);
  std::vector<event> many;
  for (int i = 0; i < 5'000; ++i) many.push_back(an_event(1, 100 + i, event_kind::anomaly, 100 + i));
  ASSERT_TRUE(events_->append(many));
  flush();
  close();
  {
    std::fstream it(file(), std::ios::in | std::ios::out | std::ios::binary);
    it.seekp(static_cast<std::streamoff>(fs::file_size(file()) / 4096 / 2 * 4096));
    it << std::string(4096, '\x77');
  }
  open();
  flush();
  EXPECT_EQ(mirror_->rebuild_count(), 1U);
  EXPECT_EQ(ask("SELECT count(*) FROM anomalies"), "5000");
}

TEST_F(mirror_test, a_rule_says_what_anomalies_it_is_about_and_who_is_told) {
  fill();
  make_rule_about_stuck();
  EXPECT_EQ(ask("SELECT min_score || '|' || min_severity || '|' || detectors || '|' || channels || '|' || escalation "
                "FROM alert_rules WHERE condition = 'ANOMALY'"),
            "1.5|high|stuck|1|60000 ms CRITICAL 1 2");
  EXPECT_EQ(ask("SELECT count(*) FROM alert_rules WHERE min_score IS NULL AND detectors IS NULL AND channels IS NULL"), "1");
}

TEST_F(mirror_test, an_older_schema_is_migrated_and_keeps_its_rows) {
  fill();
  make_rule_about_stuck();
  close();
  {
    sqlite_file writer;
    ASSERT_TRUE(writer.open(file()));
    ASSERT_TRUE(writer.exec(
        "DROP VIEW labels_of_sensors; DROP TABLE machine_labels; DROP TABLE sensor_labels; DROP VIEW "
        "sensor_overview; DROP VIEW active_alerts; ALTER TABLE factories DROP COLUMN retention_days;"
        "ALTER TABLE machines DROP COLUMN retention_days; ALTER TABLE sensors DROP COLUMN retention_days;"
        "DROP INDEX anomalies_by_id; ALTER TABLE alert_rules DROP COLUMN selector; ALTER TABLE alert_rules DROP COLUMN overrides;"
        "DELETE FROM schema_migrations WHERE version > 1"));
    for (const char* const column : {"detector", "what", "open", "ended_at", "ended_at_us", "reading_count", "expected", "low",
                                     "high", "score", "explanation"})
      ASSERT_TRUE(writer.exec(("ALTER TABLE anomalies DROP COLUMN " + std::string(column)).c_str()));
    for (const char* const column : {"deadband", "on_delay_ms", "off_delay_ms", "count_of", "priority", "message", "instructions",
                                     "latch", "suppressed_by", "re_alarm_ms", "silence_ms", "low_low", "high_high", "schedule",
                                     "min_score", "min_severity", "detectors", "channels", "escalation"})
      ASSERT_TRUE(writer.exec(("ALTER TABLE alert_rules DROP COLUMN " + std::string(column)).c_str()));
    for (const char* const column : {"alarm_state", "shelved_until", "comment", "step", "peak", "peak_at", "peak_at_us"})
      ASSERT_TRUE(writer.exec(("ALTER TABLE alerts DROP COLUMN " + std::string(column)).c_str()));
    ASSERT_TRUE(writer.exec("DROP TABLE alert_history"));
  }
  open();
  flush();
  EXPECT_EQ(mirror_->rebuild_count(), 0U);
  EXPECT_EQ(ask("SELECT group_concat(alarm_state) FROM (SELECT * FROM alerts ORDER BY sequence)"),
            "returned_unacknowledged,active_unacknowledged");
  EXPECT_EQ(ask("SELECT count(*) FROM alert_history"), "3") << "also what was there before";
  EXPECT_EQ(ask("SELECT count(*) FROM sensor_overview"), "3");
  EXPECT_EQ(ask("SELECT count(*) FROM alert_rules WHERE name = 'odd' AND detectors = 'stuck' AND channels = '1'"), "1")
      << "of rules that were there before";
  EXPECT_EQ(ask("SELECT count(*) FROM series"), "1");
  EXPECT_EQ(ask("SELECT detector || reading_count || (ended_at_us = detected_at_us) FROM anomalies"), "z_score11");
}

TEST_F(mirror_test, a_file_deleted_while_running_comes_back_with_all_rows) {
  fill();
  fs::remove(file());
  flush();
  EXPECT_EQ(mirror_->rebuild_count(), 1U);
  expect_all();
  EXPECT_EQ(ask("SELECT count(*) FROM series"), "1");
}

TEST_F(mirror_test, a_file_that_cannot_be_written_is_tried_again) {
  store_.seed(1);
  const fs::path directory = store_.db().directory() / "not_there_yet";
  mirror late(directory / "mirror.sqlite", store_.entities(), *events_);
  late.start();
  EXPECT_FALSE(late.flush(0));
  EXPECT_GT(late.behind().catalog_versions, 0U);
  fs::create_directories(directory);
  EXPECT_TRUE(late.flush(patience_ms));
  EXPECT_EQ(late.behind().catalog_versions, 0U);
}

TEST_F(mirror_test, stopping_with_a_file_that_cannot_be_written_ends) {
  mirror never(store_.db().directory() / "not_there" / "mirror.sqlite", store_.entities(), *events_);
  never.start();
  never.stop();
  EXPECT_FALSE(never.flush(0));
}

}  // namespace
}  // namespace factory
