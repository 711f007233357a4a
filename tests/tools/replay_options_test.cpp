#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "replay/options.hpp"

namespace factory::replay {
namespace {

using testing::HasSubstr;

command_line with(auto change) {
  command_line typed;
  typed.files = {"a.csv"};
  change(typed);
  return typed;
}

TEST(replay_options, nothing_but_a_file_goes_to_the_daemon_at_full_speed) {
  const auto how = understand(with([](auto&) {}));
  ASSERT_TRUE(how);
  EXPECT_EQ(how->url, "http://127.0.0.1:8080");
  EXPECT_EQ(how->speed, 0);
  EXPECT_EQ(how->batch, 10'000U);
  EXPECT_EQ(how->format, file_format::guess);
}

TEST(replay_options, everything_that_can_be_said_is_understood) {
  const auto how = understand(with([](auto& t) {
    t.data_dir = "/d";
    t.format = "wide";
    t.map = {"timestamp=When", "value=x=y", "sensor_id=Who"};
    t.auto_register = "plant/line 1/left";
    t.start = "2026-01-19";
    t.interval = "100ms";
    t.from = "2026-01-19T10:00:00Z";
    t.to = "2026-01-20";
    t.speed = "0.5x";
    t.batch = 7;
    t.resume = true;
  }));
  ASSERT_TRUE(how) << how.error().message;
  EXPECT_TRUE(how->url.empty());
  EXPECT_EQ(how->format, file_format::csv_wide);
  EXPECT_EQ(how->time_column, "When");
  EXPECT_EQ(how->value_column, "x=y");
  EXPECT_EQ(how->sensor_column, "Who");
  EXPECT_EQ(how->auto_register->factory, "plant");
  EXPECT_EQ(how->auto_register->machine, "line 1/left");
  EXPECT_EQ(how->start_us, parse_time_us("2026-01-19"));
  EXPECT_EQ(how->interval_us, 100'000);
  EXPECT_EQ(how->speed, 0.5);
  EXPECT_EQ(how->batch, 7U);
  EXPECT_EQ(understand(with([](auto& t) { t.map = {"sensor_id=12"}; }))->sensor, 12U);
  EXPECT_EQ(understand(with([](auto& t) { t.data_dir = "/d"; }))->batch, 100'000U);
}

TEST(replay_options, what_cannot_be_understood_says_how_to_write_it) {
  struct refused {
    std::function<void(command_line&)> change;
    std::string_view says;
  };
  const refused table[] = {
      {[](auto& t) { t.format = "xml"; }, "--format \"xml\" is not long, wide, ndjson or lp"},
      {[](auto& t) { t.map = {"timestamp"}; }, "write --map timestamp=COLUMN"},
      {[](auto& t) { t.map = {"value="}; }, "write --map value=COLUMN"},
      {[](auto& t) { t.map = {"unit=C"}; }, "--map knows timestamp, value, quality and sensor_id"},
      {[](auto& t) { t.auto_register = "plant"; }, "is not FACTORY/MACHINE"},
      {[](auto& t) { t.auto_register = "/m"; }, "is not FACTORY/MACHINE"},
      {[](auto& t) { t.auto_register = "f/"; }, "is not FACTORY/MACHINE"},
      {[](auto& t) { t.start = "2026-01-19"; }, "--start and --interval belong together"},
      {[](auto& t) { t.interval = "1s"; }, "--start and --interval belong together"},
      {[](auto& t) { t.start = "noon", t.interval = "1s"; }, "--start \"noon\" is not a time"},
      {[](auto& t) { t.start = "2026-01-19", t.interval = "fast"; }, "is not a duration"},
      {[](auto& t) { t.from = "x"; }, "--from \"x\" is not a time"},
      {[](auto& t) { t.to = "x"; }, "--to \"x\" is not a time"},
      {[](auto& t) { t.from = "2026-01-20", t.to = "2026-01-19"; }, "--from must be before --to"},
      {[](auto& t) { t.speed = "fast"; }, "is not max or a factor"},
      {[](auto& t) { t.speed = "0x"; }, "is not max or a factor"},
      {[](auto& t) { t.speed = "-1x"; }, "is not max or a factor"},
      {[](auto& t) { t.speed = "60"; }, "is not max or a factor"},
      {[](auto& t) { t.batch = 2'000'000; }, "above the 1000000 readings"},
      {[](auto& t) {
         t.files = {"-", "-"};
       },
       "can be read once"},
      {[](auto& t) { t.files = {"-"}, t.resume = true; }, "--resume needs a file"},
      {[](auto& t) { t.files = {}; }, "FILE is required"},
      {[](auto& t) { t.html = "x"; }, "are for --backtest"},
      {[](auto& t) { t.scores = "x"; }, "belong together"},
      {[](auto& t) { t.files = {}, t.backtest = true; }, "--backtest needs FILEs or --data-dir"},
      {[](auto& t) { t.data_dir = "/d", t.backtest = true; }, "not of both"},
      {[](auto& t) { t.backtest = true, t.machine = true; }, "--machine is for --scores"},
      {[](auto& t) { t.backtest = true, t.scores = "x", t.labels = "faulty"; }, "--labels is for --machine"},
      {[](auto& t) { t.backtest = true, t.scores = "x", t.json = true; }, "choose one"},
      {[](auto& t) { t.backtest = true, t.digest = true, t.json = true; }, "choose one"},
  };
  for (const auto& [change, says] : table) {
    const auto how = understand(with(change));
    ASSERT_FALSE(how) << says;
    EXPECT_THAT(how.error().message, HasSubstr(std::string(says)));
  }
}

TEST(replay_options, a_name_may_tell_the_format) {
  EXPECT_EQ(format_of_name("a/b.ndjson"), file_format::ndjson);
  EXPECT_EQ(format_of_name("b.jsonl.gz"), file_format::ndjson);
  EXPECT_EQ(format_of_name("b.lp.zst"), file_format::line_protocol);
  EXPECT_EQ(format_of_name("b.csv"), file_format::guess);
  EXPECT_EQ(format_of_name("-"), file_format::guess);
}

}  // namespace
}  // namespace factory::replay
