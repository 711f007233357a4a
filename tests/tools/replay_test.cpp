#include "replay/replay.hpp"

#include <gmock/gmock.h>

#include "replay/earlier_rows.hpp"
#include "replay/progress.hpp"
#include "support/paths.hpp"
#include "support/times.hpp"
#include "tools/support/replay_fixture.hpp"

namespace factory {
namespace {

using replay::command_line;
using replay::outcome;
using testing::ElementsAre;
using testing::HasSubstr;

using row = memory_sink::row;

command_line of(std::vector<std::string> files, auto change) {
  command_line typed;
  typed.files = std::move(files);
  change(typed);
  return typed;
}
command_line of(std::vector<std::string> files) {
  return of(std::move(files), [](auto&) {});
}

TEST_F(replay_run, a_long_file_goes_to_the_sensor_of_its_name) {
  to.add_plant({"other", "press_temperature"});
  const auto path = file("press_temperature.csv", "timestamp,value\n2026-01-19 10:00:00,1.5\n2026-01-19 10:00:01,2.5\n");
  ASSERT_EQ(run(of({path})), outcome::finished);
  EXPECT_THAT(to.got, ElementsAre(row{4, ten_us, 1.5}, row{4, ten_us + second_us, 2.5}));
  EXPECT_EQ(done.rows, 2U);
  EXPECT_EQ(done.sent, 2U);
  EXPECT_FALSE(std::filesystem::exists(path + ".replay"));
}

TEST_F(replay_run, a_long_file_may_be_given_a_sensor_by_number_or_column) {
  to.add_plant({"a", "b"});
  const auto path = file("x.csv", "timestamp,value,who\n2026-01-19 10:00:00,1.5,4\n");
  const auto one = [&](const char* sensor) {
    return of({path}, [&](auto& t) { t.map = {std::string("sensor_id=") + sensor}, t.ignore = {"who"}; });
  };
  ASSERT_EQ(run(one("3")), outcome::finished);
  ASSERT_EQ(run(of({path}, [](auto& t) { t.map = {"sensor_id=who"}; })), outcome::finished);
  EXPECT_THAT(to.got, ElementsAre(row{3, ten_us, 1.5}, row{4, ten_us, 1.5}));
  EXPECT_THAT(run(of({path}, [](auto& t) { t.map = {"sensor_id=3"}; })).error().message,
              HasSubstr("column \"who\" holds numbers"));
  const auto refused = run(one("99"));
  EXPECT_THAT(refused.error().message, HasSubstr("there is no sensor 99"));
}

TEST_F(replay_run, missing_sensors_are_made_once) {
  const auto path = file("mill.csv", "X speed,phase,load\n1,prep,2\n3,cut,\n");
  const auto typed = of({path}, [](auto& t) {
    t.auto_register = "plant/mill", t.ignore = {"phase"}, t.start = "2026-01-19T10:00:00Z", t.interval = "100ms";
  });
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(done.sensors_made, 2U);
  EXPECT_EQ(done.empty_cells, 1U);
  EXPECT_THAT(done.notes, ElementsAre(HasSubstr("columns passed over as asked: phase")));
  EXPECT_THAT(to.got, ElementsAre(row{3, ten_us, 1}, row{4, ten_us, 2}, row{3, ten_us + 100'000, 3}));
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(done.sensors_made, 0U);
  EXPECT_EQ(to.entities.factories.size(), 1U);
  EXPECT_EQ(to.entities.machines.size(), 1U);
}

TEST_F(replay_run, a_name_that_is_missing_or_not_unique_says_what_to_do) {
  const auto path = file("x.csv", "time,a\n2026-01-19,1\n");
  EXPECT_THAT(run(of({path})).error().message, HasSubstr("no sensor is called \"a\"; make it with --auto-register"));
  to.add_plant({"a"});
  to.add_plant({"a"});
  EXPECT_THAT(run(of({path})).error().message, HasSubstr("2 sensors are called \"a\""));
}

TEST_F(replay_run, lines_of_json_are_replayed_and_need_times) {
  to.add_plant({"a"});
  const auto path = file("x",
                         "{\"sensor_id\":3,\"value\":1,\"timestamp\":1768816800000}\n\n{\"sensor_id\":3,\"value\":2,"
                         "\"timestamp\":\"2026-01-19T10:00:01Z\"}");
  ASSERT_EQ(run(of({path})), outcome::finished);
  EXPECT_THAT(to.got, ElementsAre(row{3, ten_us, 1}, row{3, ten_us + second_us, 2}));
  const auto bad = file("bad.ndjson", "{\"sensor_id\":3,\"value\":1,\"timestamp\":1}\n\n{\"sensor_id\":3,\"value\":1}\n");
  EXPECT_FALSE(run(of({bad})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("bad.ndjson:3: timestamp: is missing")));
  const auto broken = file("broken.ndjson", "\n{\"sensor_id\":3,\"value\":1,\"timestamp\":1}\n{\"sensor_id\":9,\n");
  EXPECT_FALSE(run(of({broken})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("broken.ndjson:3: ")));
}

TEST_F(replay_run, line_protocol_is_mapped_to_machine_and_sensor) {
  const auto path = file("x.lp",
                         "press,factory=berlin temp=1,note=\"x\" 1768816800000000000\n"
                         "any,machine=press,sensor=temp value=2i,max=3 1768816801000000000\n");
  const auto typed = of({path}, [](auto& t) { t.auto_register = "plant/unused", t.ignore = {"note"}; });
  ASSERT_EQ(run(typed), outcome::finished);
  ASSERT_EQ(to.entities.sensors.size(), 3U);
  EXPECT_EQ(to.entities.sensors[0].name, "temp");
  EXPECT_EQ(to.entities.sensors[1].name, "temp");
  EXPECT_EQ(to.entities.sensors[2].name, "temp_max");
  EXPECT_EQ(to.entities.factories[0].name, "berlin");
  EXPECT_EQ(to.entities.factories[1].name, "plant");
  ASSERT_EQ(to.got.size(), 3U);
  EXPECT_EQ(to.got[0].time_us, ten_us);
  EXPECT_EQ(to.got[2].value, 3);
  to.got.clear();
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(to.entities.sensors.size(), 3U);
  EXPECT_FALSE(run(of({path}, [](auto& t) { t.auto_register = "plant/unused"; })));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("x.lp:1: note: is text, which is no reading; --ignore note passes it over")));
  const auto bad = file(
      "bad.lp", "press,factory=berlin temp=1 1768816800000000000\npress f=1\npress f=9007199254740993i 1768816800000000000\n");
  EXPECT_FALSE(run(of({bad})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("bad.lp:2: has no time")));
}

TEST_F(replay_run, a_bad_row_keeps_its_batch_out_and_says_where_it_is) {
  to.add_plant({"x"});
  std::string text = "timestamp,value\n";
  for (int i = 0; i < 25; ++i) text += "2026-01-19T10:00:" + std::to_string(10 + i) + "Z," + (i == 17 ? "broken" : "1") + "\n";
  const auto path = file("x.csv", text);
  const auto came = run(of({path}, [](auto& t) { t.batch = 5; }));
  ASSERT_FALSE(came);
  EXPECT_THAT(came.error().message, HasSubstr("1 bad entry; the batch that holds them was not sent"));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("x.csv:19: value: \"broken\" is not a number")));
  EXPECT_EQ(to.got.size(), 15U);
  EXPECT_EQ(done.stored.added, 15U);
  EXPECT_FALSE(std::filesystem::exists(path + ".replay"));
}

TEST_F(replay_run, only_readings_of_the_range_are_sent) {
  to.add_plant({"x"});
  const auto path = file("x.csv", "timestamp,value\n2026-01-19T10:00:00Z,1\n2026-01-19T10:00:01Z,2\n2026-01-19T10:00:02Z,3\n");
  ASSERT_EQ(run(of({path}, [](auto& t) { t.from = "2026-01-19T10:00:01Z", t.to = "2026-01-19T10:00:02Z"; })), outcome::finished);
  EXPECT_THAT(to.got, ElementsAre(row{3, ten_us + second_us, 2}));
  EXPECT_EQ(done.out_of_range, 2U);
}

/// 1,000 rows of one column, each with its own value.
std::string many_rows() {
  std::string text = "v\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "\n";
  return text;
}

TEST_F(replay_run, an_interrupted_run_is_taken_up_behind_its_last_stored_row) {
  to.add_plant({"v"});
  const auto path = file("many.csv", many_rows());
  const auto typed = [&](bool resume) {
    return of({path}, [&](auto& t) { t.start = "2026-01-19T10:00:00Z", t.interval = "1s", t.batch = 70, t.resume = resume; });
  };
  to.after_batch = [&] {
    if (to.batches % 3 == 0) stop = true;
  };
  ASSERT_EQ(run(typed(false)), outcome::interrupted);
  EXPECT_TRUE(std::filesystem::exists(path + ".replay"));
  int runs = 1;
  for (auto came = run(typed(true)); came == outcome::interrupted; came = run(typed(true))) ASSERT_LT(++runs, 20);
  EXPECT_GT(runs, 2);
  ASSERT_EQ(to.got.size(), 1000U);
  for (std::size_t i = 0; i < to.got.size(); ++i) {
    ASSERT_EQ(to.got[i], (row{3, ten_us + static_cast<std::int64_t>(i) * second_us, static_cast<double>(i)}));
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".replay"));
}

TEST_F(replay_run, a_run_that_lost_the_daemon_is_taken_up_as_well) {
  to.add_plant({"v"});
  const auto path = file("many.csv", many_rows());
  const auto typed = of({path}, [&](auto& t) { t.start = "2026-01-19", t.interval = "1s", t.batch = 100, t.resume = true; });
  to.fail_at = 4;
  const auto came = run(typed);
  ASSERT_FALSE(came);
  EXPECT_THAT(came.error().message, HasSubstr("the daemon is gone"));
  EXPECT_EQ(done.stored.added, 400U);
  to.fail_at = SIZE_MAX;
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(to.got.size(), 1000U);
}

TEST_F(replay_run, files_that_were_finished_are_not_sent_again) {
  to.add_plant({"v"});
  const auto first = file("first.csv", many_rows()), second_file = file("second.csv", many_rows());
  const auto typed =
      of({first, second_file}, [&](auto& t) { t.start = "2026-01-19", t.interval = "1s", t.batch = 400, t.resume = true; });
  to.after_batch = [&] {
    if (to.batches == 4) stop = true;
  };
  ASSERT_EQ(run(typed), outcome::interrupted);
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(to.got.size(), 2000U);
  EXPECT_FALSE(std::filesystem::exists(first + ".replay"));
}

TEST_F(replay_run, a_file_that_changed_or_other_options_are_not_taken_up) {
  to.add_plant({"v"});
  const auto path = file("many.csv", many_rows());
  auto typed = of({path}, [&](auto& t) { t.start = "2026-01-19", t.interval = "1s", t.batch = 100, t.resume = true; });
  to.after_batch = [&] { stop = true; };
  ASSERT_EQ(run(typed), outcome::interrupted);
  auto other = typed;
  other.interval = "2s";
  EXPECT_THAT(run(other).error().message, HasSubstr("the options are not those of the run that was interrupted"));
  file("many.csv", many_rows() + "5\n");
  EXPECT_THAT(run(typed).error().message, HasSubstr("has changed since it was interrupted"));
  file("many.csv.replay", "rubbish\n");
  EXPECT_THAT(run(typed).error().message, HasSubstr("is not what this program wrote"));
}

TEST_F(replay_run, a_paced_run_sends_every_row_in_order) {
  to.add_plant({"v"});
  const auto path = file("many.csv", many_rows());
  ASSERT_EQ(run(of({path}, [](auto& t) { t.start = "2026-01-19", t.interval = "1s", t.speed = "20000x", t.batch = 30; })),
            outcome::finished);
  ASSERT_EQ(to.got.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(to.got.begin(), to.got.end()));
}

TEST_F(replay_run, the_real_machine_temperature_arrives_whole) {
  const auto path = test::shared_data("nab/data/realKnownCause/machine_temperature_system_failure.csv").string();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no NAB data beside the repository";
  ASSERT_EQ(run(of({path}, [](auto& t) { t.auto_register = "plant/press", t.allow_overwrite = true; })), outcome::finished);
  EXPECT_EQ(done.stored.added + done.repeated + done.overwritten, 22'695U);
  EXPECT_EQ(to.entities.sensors.at(0).name, "machine_temperature_system_failure");
  EXPECT_EQ(to.got.size(), 22'695U);
}

TEST_F(replay_run, two_lines_that_differ_in_a_tag_are_two_sensors) {
  const auto path = file("x.lp",
                         "h2o,location=north level=1 1768816800000000000\nh2o,location=south level=2 1768816800000000000\n"
                         "h2o,zone=a\\,b,location=north level=3 1768816800000000000\n"
                         "h2o,location=north,zone=a\\,b level=4 1768816801000000000\n");
  ASSERT_EQ(run(of({path}, [](auto& t) { t.auto_register = "lp/m"; })), outcome::finished);
  ASSERT_EQ(to.entities.sensors.size(), 3U);
  EXPECT_EQ(to.entities.sensors[0].name, "level,location=north");
  EXPECT_EQ(to.entities.sensors[1].name, "level,location=south");
  EXPECT_EQ(to.entities.sensors[2].name, "level,location=north,zone=a\\,b");
  EXPECT_EQ(done.stored.added, 4U);
}

TEST_F(replay_run, readings_of_a_file_that_meet_end_the_run_unless_they_say_the_same) {
  const auto path = file("x.lp",
                         "h2o,location=north level=1 1768816800000000000\nh2o,location=north level=1 1768816800000000000\n"
                         "h2o,location=south level=2 1768816800000000000\n");
  const auto typed = [&](bool overwrite) {
    return of({path},
              [&](auto& t) { t.auto_register = "lp/m", t.ignore = {"location"}, t.batch = 1, t.allow_overwrite = overwrite; });
  };
  const auto came = run(typed(false));
  ASSERT_FALSE(came);
  EXPECT_THAT(came.error().message, HasSubstr("sensor \"level\" at 2026-01-19T10:00:00Z has two values, 1 and 2"));
  EXPECT_EQ(to.kept[3], (std::map<std::int64_t, double>{{ten_us, 1}}));
  ASSERT_EQ(run(typed(true)), outcome::finished);
  EXPECT_EQ(done.repeated, 1U);
  EXPECT_EQ(done.overwritten, 1U);
  EXPECT_EQ(done.stored.same, 1U);
}

TEST_F(replay_run, what_is_stored_is_told_from_what_was_there) {
  const auto typed =
      of({file("x.csv", "time,a\n2026-01-19,1\n2026-01-20,2\n")}, [](auto& t) { t.auto_register = "p/m", t.batch = 1; });
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(to.reads, 0U);  // of a sensor that is new nothing is read back
  file("x.csv", "time,a\n2026-01-19,1\n2026-01-20,3\n2026-01-21,4\n");
  ASSERT_EQ(run(typed), outcome::finished);
  EXPECT_EQ(done.stored.added, 1U);
  EXPECT_EQ(done.stored.same, 1U);
  EXPECT_EQ(done.stored.corrected, 1U);
}

TEST_F(replay_run, a_column_of_names_makes_a_sensor_of_each) {
  const auto path = file("x.csv", "time,device,value\n2026-01-19,7,1\n2026-01-19,8,2\n");
  to.add_plant({"a", "b", "c", "d", "e", "f"});  // 7 and 8 are ids of ours
  ASSERT_EQ(run(of({path}, [](auto& t) { t.auto_register = "p/m"; })), outcome::finished);
  ASSERT_EQ(to.entities.sensors.size(), 8U);
  EXPECT_EQ(to.entities.sensors[6].name, "7");
  EXPECT_EQ(to.kept.count(7), 0U);
  ASSERT_EQ(run(of({path})), outcome::finished);  // without a registration they are ids
  EXPECT_EQ(to.kept.count(7), 1U);
  const auto names = file("y.csv", "time,device,value\n2026-01-19,a,1\n2026-01-19,nobody,2\n");
  EXPECT_FALSE(run(of({names})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("y.csv:3: device: no sensor is called \"nobody\"")));
}

TEST_F(replay_run, a_run_that_fails_before_its_first_batch_leaves_no_sensors_behind) {
  const auto path = file("x.csv", "time,a,b\n2026-01-19,1,2,\n");
  const auto typed = [&](const std::string& of_file) { return of({of_file}, [](auto& t) { t.auto_register = "p/m"; }); };
  EXPECT_FALSE(run(typed(path)));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("x.csv:2: has 4 cells, the header 3")));
  EXPECT_FALSE(run(typed(file("x.lp", "m f=1 1768816800000000000\nm f=NaN 1768816800000000000\n"))));
  EXPECT_TRUE(to.entities.factories.empty());
  EXPECT_TRUE(to.entities.sensors.empty());
}

TEST_F(replay_run, the_head_of_an_influxdb_export_is_passed_over) {
  const auto path =
      file("x.txt",
           "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n# DDL\nCREATE DATABASE d WITH NAME autogen\n"
           "# DML\n# CONTEXT-DATABASE:d\n# CONTEXT-RETENTION-POLICY:autogen\n# writing tsm data\n"
           "m f=1 1768816800000000000\n");
  ASSERT_EQ(run(of({path}, [](auto& t) { t.auto_register = "p/m"; })), outcome::finished);
  EXPECT_EQ(done.stored.added, 1U);
}

TEST_F(replay_run, lines_of_json_name_sensors_of_another_system) {
  const auto path = file("x.ndjson",
                         "{\"sensor_id\":7,\"value\":1,\"timestamp\":1768816800000}\n"
                         "{\"sensor_id\":\"p-8\",\"value\":2,\"timestamp\":1768816800000}\n");
  ASSERT_EQ(run(of({path}, [](auto& t) { t.auto_register = "p/m"; })), outcome::finished);
  ASSERT_EQ(to.entities.sensors.size(), 2U);
  EXPECT_EQ(to.entities.sensors[0].name, "7");
  EXPECT_EQ(to.entities.sensors[1].name, "p-8");
}

TEST_F(replay_run, lines_of_json_may_call_their_members_otherwise_and_a_refusal_names_the_option_that_reads_them) {
  const std::string text = "{\"device\":\"pump\",\"ts\":1768816800000,\"celsius\":1.5,\"sensor_id\":\"x\"}\n";
  const auto path = file("x.ndjson", text);
  const auto with = [&](std::vector<std::string> map) {
    return of({path}, [&](auto& t) { t.auto_register = "p/m", t.map = std::move(map); });
  };
  EXPECT_FALSE(run(with({})));
  EXPECT_THAT(done.faults,
              ElementsAre(HasSubstr("x.ndjson:1: ts: is not known; is \"timestamp\" meant?; --map timestamp=ts reads it")));
  EXPECT_FALSE(run(with({"timestamp=ts", "sensor_id=device"})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("value: is missing; --map value=MEMBER says where it stands")));
  ASSERT_EQ(run(with({"timestamp=ts", "sensor_id=device", "value=celsius"})), outcome::finished);
  ASSERT_EQ(to.entities.sensors.size(), 1U);
  EXPECT_EQ(to.entities.sensors[0].name, "pump") << "and not x";
  EXPECT_THAT(to.got, ElementsAre(row{to.entities.sensors[0].id, ten_us, 1.5}));
}

TEST_F(replay_run, lines_of_json_without_a_sensor_are_refused_with_the_option_or_are_all_of_the_one_given) {
  to.add_plant({"a"});
  const auto path = file("x.ndjson", "{\"device\":\"a\",\"timestamp\":1768816800000,\"value\":1}\n");
  EXPECT_FALSE(run(of({path})));
  EXPECT_THAT(done.faults, ElementsAre(HasSubstr("sensor_id: is missing; --map sensor_id=MEMBER says where it stands")));
  ASSERT_EQ(run(of({path}, [](auto& t) { t.map = {"sensor_id=device"}; })), outcome::finished) << "a name is looked up";
  ASSERT_EQ(run(of({path}, [](auto& t) { t.map = {"sensor_id=3"}; })), outcome::finished);
  EXPECT_FALSE(run(of({path}, [](auto& t) { t.map = {"sensor_id=99"}; })));
}

TEST(earlier_rows, meetings_are_seen_in_any_order) {
  using meeting = replay::earlier_rows::meeting;
  replay::earlier_rows rows(1'000'000);
  double before = 0;
  // Three devices of one sensor, one behind the other, between each other's times; then one downwards.
  for (int device = 0; device < 3; ++device) {
    for (int i = 0; i < 1'000; ++i) ASSERT_EQ(rows.put(1, i * 10 + device, device, before), meeting::none);
  }
  for (int i = 999; i >= 0; --i) ASSERT_EQ(rows.put(1, i * 10 + 5, 5, before), meeting::none);
  for (const int digit : {0, 1, 2, 5}) {
    for (int i = 0; i < 1'000; i += 7) {
      ASSERT_EQ(rows.put(1, i * 10 + digit, digit, before), meeting::same);
      ASSERT_EQ(rows.put(1, i * 10 + digit, 8, before), meeting::other);
      ASSERT_EQ(before, digit);
    }
  }
  EXPECT_EQ(rows.put(2, 5, 0, before), meeting::none);
}

TEST(earlier_rows, what_was_let_go_is_not_known) {
  using meeting = replay::earlier_rows::meeting;
  replay::earlier_rows rows(100);
  double before = 0;
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(rows.put(1, i * 10, i, before), meeting::none);
  EXPECT_EQ(rows.put(1, 9'990, 999, before), meeting::same);
  EXPECT_EQ(rows.put(1, 55, 0, before), meeting::unknown);
  EXPECT_EQ(rows.put(1, -1, 0, before), meeting::none);
  EXPECT_EQ(rows.put(1, 10'000, 0, before), meeting::none);
}

TEST_F(replay_run, a_json_array_says_that_lines_are_wanted) {
  EXPECT_THAT(run(of({file("a.json", "[{}]")})).error().message, HasSubstr("one object a line"));
}

TEST(replay_summary, figures_are_written_for_people) {
  replay::summary_figures done;
  done.files = 1, done.rows = 22'695, done.sent = done.stored.added = 1'234'567, done.stored.added -= 8, done.stored.same = 7,
  done.stored.corrected = 1, done.rejected = 3, done.seconds = 0.5;
  done.faults = {"a.csv:7: value: \"x\" is not a number"};
  const std::string text = replay::to_text(done);
  EXPECT_THAT(text, HasSubstr("rows      22,695 in 1 file\n"));
  EXPECT_THAT(text, HasSubstr("readings  1,234,567 sent, 1,234,567 stored: 1,234,559 new, 7 the same as before, 1 corrected\n"));
  EXPECT_THAT(text, HasSubstr("  a.csv:7: value: \"x\" is not a number\n  and 2 more\n"));
  EXPECT_THAT(text, HasSubstr("time      0.50 s, 2.5 M/s\n"));
}

TEST(replay_progress, a_line_tells_share_rate_and_time_left) {
  EXPECT_EQ(replay::progress_line("x", 250, 1000, 5'000'000, 10),
            "x  [######..................]  25 %  5,000,000 readings  500 k/s  30 s left");
  EXPECT_EQ(replay::progress_line("x", 250, 0, 999, 1), "x  999 readings  999/s");
  EXPECT_EQ(replay::progress_line("x", 0, 10, 0, 0), "x  [........................]   0 %  0 readings  0/s  ");
  EXPECT_EQ(replay::duration_text(59.4), "59 s");
  EXPECT_EQ(replay::duration_text(3599), "59 min 59 s");
  EXPECT_EQ(replay::duration_text(7800), "2 h 10 min");
}

}  // namespace
}  // namespace factory
