#include "pipelines/decode/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include "support/paths.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct read_file {
  expected<csv_layout> layout;
  text_report report;
  std::vector<sensor_id> sensors;
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<unsigned> flags = {};
  std::vector<std::string> owners;
  decimal_mark decimal{};
};

/// The whole text; the sensor of a series is its place in the layout plus 1. Where cells say whose a row is, a number below 10 is a
/// sensor, and `owners` gets what other cells say.
read_file read(std::string_view text, csv_options options = {}) {
  csv_decoder decoder(std::move(options));
  read_file out{
      .layout = decoder.open(text, true), .report = {}, .sensors = {}, .times_us = {}, .values = {}, .flags = {}, .owners = {}};
  if (!out.layout) return out;
  std::vector<sensor_id> ids;
  for (sensor_id id = 1; id <= out.layout->series.size(); ++id) ids.push_back(id);
  decoder.assign(ids);
  decoder.assign([&](const csv_layout& layout, const std::vector<std::string_view>& cells) -> expected<std::vector<sensor_id>> {
    if (layout.keys.size() == 1 && cells[0].size() == 1 && cells[0][0] > '0' && cells[0][0] <= '9') {
      return std::vector{static_cast<sensor_id>(cells[0][0] - '0')};
    }
    if (cells[0] == "unknown") return fail(errc::not_found, "unknown sensor");
    std::string owner;
    for (std::size_t i = 0; i < cells.size(); ++i) owner += layout.keys[i].name + "=" + std::string(cells[i]) + " ";
    out.owners.push_back(owner);
    return std::vector<sensor_id>(layout.series.size(), static_cast<sensor_id>(100 + out.owners.size()));
  });
  batch_builder rows;
  const std::string_view body = text.substr(decoder.header_bytes());
  EXPECT_LE(decoder.decode(body, true, SIZE_MAX, rows, out.report), body.size());
  out.decimal = decoder.decimal();
  out.sensors.assign(rows.sensors().begin(), rows.sensors().end());
  out.times_us.assign(rows.times_us().begin(), rows.times_us().end());
  out.values.assign(rows.values().begin(), rows.values().end());
  for (std::size_t i = 0; i < rows.size(); ++i) out.flags.push_back(rows.flags_at(i));
  return out;
}

std::string text_of(const text_error& e) { return std::to_string(e.line) + " " + e.column + ": " + e.reason; }

TEST(csv, a_long_file_is_one_reading_a_row) {
  const auto got = read("timestamp,value\n2026-01-19 10:00:00,73.5\n2026-01-19 10:00:01,-1e-3\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.layout->form, csv_form::long_form);
  EXPECT_THAT(got.sensors, ElementsAre(1, 1));
  EXPECT_THAT(got.times_us, ElementsAre(ten_us, ten_us + 1'000'000));
  EXPECT_THAT(got.values, ElementsAre(73.5, -1e-3));
  EXPECT_EQ(got.report.rows, 2U);
  EXPECT_EQ(got.report.error_count, 0U);
}

TEST(csv, a_sensor_column_says_whose_reading_it_is) {
  const auto got = read("sensor_id;Time;note;Value\n3;2026-01-19T10:00:00Z;\"a;b\";21,5\n5;2026-01-19T10:00:00Z;x;1,25\n",
                        {.ignored = {"note"}});
  ASSERT_TRUE(got.layout);
  EXPECT_EQ(got.layout->delimiter, ';');
  EXPECT_THAT(got.sensors, ElementsAre(3, 5));
  EXPECT_THAT(got.values, ElementsAre(21.5, 1.25));
}

TEST(csv, a_wide_file_is_a_sensor_a_column_and_text_columns_are_passed_over_when_asked) {
  const std::string text = "time\tspeed\tphase\tload\n1768816800\t1\tprep\t2\n1768816801\t3\tcut\t\n";
  EXPECT_THAT(read(text).layout.error().message, HasSubstr("column \"phase\" holds text: --ignore passes it over"));
  const auto got = read(text, {.ignored = {"phase"}});
  ASSERT_TRUE(got.layout);
  EXPECT_EQ(got.layout->form, csv_form::wide_form);
  ASSERT_EQ(got.layout->series.size(), 2U);
  EXPECT_EQ(got.layout->series[1].name, "load");
  EXPECT_THAT(got.layout->ignored, ElementsAre("phase"));
  EXPECT_THAT(got.sensors, ElementsAre(1, 2, 1));
  EXPECT_THAT(got.values, ElementsAre(1, 2, 3));
  EXPECT_THAT(got.times_us, ElementsAre(ten_us, ten_us, ten_us + 1'000'000));
  EXPECT_EQ(got.report.empty_cells, 1U);
}

TEST(csv, columns_can_be_named_by_hand) {
  const auto got = read("when,who,what\n2026-01-19,4,7\n",
                        {.form = csv_form::guess, .time_column = "when", .value_column = "what", .sensor_column = "who"});
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.layout->form, csv_form::long_form);
  EXPECT_THAT(got.sensors, ElementsAre(4));
  EXPECT_THAT(got.values, ElementsAre(7));
}

TEST(csv, a_file_without_times_gets_them_from_start_and_interval) {
  csv_options options;
  options.start_us = ten_us;
  options.interval_us = 100'000;
  const auto got = read("a,b\n1,2\n3,4\n", options);
  ASSERT_TRUE(got.layout);
  EXPECT_THAT(got.times_us, ElementsAre(ten_us, ten_us, ten_us + 100'000, ten_us + 100'000));
}

TEST(csv, a_bad_cell_is_named_by_line_and_column) {
  const auto got = read(
      "timestamp,a,b\n2026-01-19,1,2\n\n2026-01-19,1,x\nnoon,1,2\n2026-01-19,1\n2026-01-19,1,2,3\n2026-01-19,inf,"
      "1e999\n"
      "2026-01-19,NaN,N/A\n2026-01-19,5,6\n");
  std::vector<std::string> errors;
  for (const text_error& e : got.report.errors) errors.push_back(text_of(e));
  EXPECT_THAT(errors,
              ElementsAre("4 b: \"x\" is not a number", "5 timestamp: \"noon\" is not a time", "6 : has 2 cells, the header 3",
                          "7 : has 4 cells, the header 3", "8 a: \"inf\" is not finite", "8 b: \"1e999\" is not finite"));
  EXPECT_THAT(got.values, ElementsAre(1, 2, 1, 5, 6));
  EXPECT_EQ(got.report.empty_cells, 2U);
}

TEST(csv, a_bad_sensor_is_named) {
  const auto got = read("timestamp,value,sensor_id\n2026-01-19,1,3\n2026-01-19,1,unknown\n");
  ASSERT_EQ(got.report.errors.size(), 1U);
  EXPECT_EQ(text_of(got.report.errors[0]), "3 sensor_id: unknown sensor");
}

TEST(csv, damaged_quotes_end_the_reading_with_their_line) {
  const auto got = read("timestamp,value\n2026-01-19,1\n2026-01-19,\"2\n2026-01-19,3\n");
  ASSERT_EQ(got.report.errors.size(), 1U);
  EXPECT_EQ(text_of(got.report.errors[0]), "3 : a quote is not closed before the end of the file");
  EXPECT_THAT(got.values, ElementsAre(1));
}

TEST(csv, what_follows_damaged_quotes_in_a_later_piece_is_not_read) {
  csv_decoder decoder({});
  const std::string_view header = "timestamp,value\n2026-01-19,1\n";
  ASSERT_TRUE(decoder.open(header, false));
  decoder.assign({1});
  batch_builder rows;
  text_report report;
  decoder.decode("2026-01-19,\"2\"x\n2026-01-", false, SIZE_MAX, rows, report);
  decoder.decode("19,3\n2026-01-20,4\n", true, SIZE_MAX, rows, report);
  EXPECT_EQ(report.error_count, 1U);
  EXPECT_EQ(rows.size(), 0U);
}

struct refused_csv {
  std::string_view text, reason;
};

TEST(csv, a_header_that_cannot_be_used_says_why) {
  const refused_csv table[] = {
      {"", "the file is empty"},
      {"\n\n", "the file is empty"},
      {"2026-01-19 10:00:00,73.5\n", "line 1 holds \"2026-01-19 10:00:00\" where a column name is expected"},
      {"a,5\n", "line 1 holds \"5\""},
      {"a,b\n1,2\n", "no column looks like a time"},
      {"timestamp,phase\n2026-01-19,cut\n", "column \"phase\" holds text"},
      {"timestamp,value\n2026-01-19,cut\n", "no column of the file holds numbers"},
      {"timestamp,value,quality\n2026-01-19,1,192\n", "column \"quality\" holds numbers beside the values"},
      {"timestamp,value,site,line\n2026-01-19,1,a,b\n", "columns site, line hold text"},
      {",time,a\n0,2026-01-19,1\n", "column \"column 1\" has no name: --ignore \"column 1\""},
      {"timestamp,a,a\n2026-01-19,1,2\n", "two columns are called \"a\""},
      {"timestamp,\"a\n", "a quote is not closed"},
  };
  for (const auto& [text, reason] : table) {
    const auto got = read(text);
    ASSERT_FALSE(got.layout) << text;
    EXPECT_THAT(got.layout.error().message, HasSubstr(std::string(reason))) << text;
  }
  const auto got = read("timestamp,a\n2026-01-19,1\n", {.form = csv_form::long_form, .value_column = "b"});
  EXPECT_THAT(got.layout.error().message, HasSubstr("there is no column \"b\"; the file has timestamp, a"));
}

TEST(csv, decoding_stops_when_enough_is_held_and_goes_on_where_it_stopped) {
  const std::string text = "timestamp,a,b\n2026-01-19,1,2\n2026-01-20,3,4\n2026-01-21,5,6\n";
  csv_decoder decoder({});
  ASSERT_TRUE(decoder.open(text, true));
  decoder.assign({1, 2});
  batch_builder rows;
  text_report report;
  std::string_view body = std::string_view(text).substr(decoder.header_bytes());
  const std::size_t taken = decoder.decode(body, true, 3, rows, report);
  EXPECT_EQ(rows.size(), 4U);
  EXPECT_EQ(decoder.row(), 2U);
  const std::uint64_t row = decoder.row(), line = decoder.next_line();
  csv_decoder other({});
  ASSERT_TRUE(other.open(text, true));
  other.assign({1, 2});
  other.seek(row, line);
  batch_builder rest;
  other.decode(body.substr(taken), true, 3, rest, report);
  EXPECT_THAT(std::vector<double>(rest.values().begin(), rest.values().end()), ElementsAre(5, 6));
  EXPECT_EQ(other.row(), 3U);
  EXPECT_EQ(other.next_line(), 5U);
}

std::string shared_file(const char* name) {
  std::ifstream in(test::shared_data(name), std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

TEST(csv, the_nab_machine_temperature_file_is_read_whole) {
  const std::string text = shared_file("nab/data/realKnownCause/machine_temperature_system_failure.csv");
  if (text.empty()) GTEST_SKIP() << "no NAB data beside the repository";
  const auto got = read(text);
  ASSERT_TRUE(got.layout);
  EXPECT_EQ(got.values.size(), 22'695U);
  EXPECT_EQ(got.report.error_count, 0U);
  EXPECT_EQ(got.values.front(), 73.96732207);
  EXPECT_EQ(got.times_us.front(), *parse_time_us("2013-12-02 21:15:00"));
  EXPECT_EQ(got.times_us.back(), *parse_time_us("2014-02-19 15:25:00"));
  // It steps back once and repeats times: all of it is handed on.
  EXPECT_FALSE(std::is_sorted(got.times_us.begin(), got.times_us.end()));
}

TEST(csv, lines_may_end_in_lf_crlf_or_cr_as_the_first_one_does) {
  const std::string text = "time,\"the \"\"hot\"\"\none\",b\n1768816800,1,2\n\n1768816801,x,4";
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    std::string file;
    for (const char c : text) file += c == '\n' ? end : std::string(1, c);
    SCOPED_TRACE(testing::PrintToString(end));
    const auto got = read(file);
    ASSERT_TRUE(got.layout) << got.layout.error().message;
    EXPECT_EQ(got.layout->names.back(), "b");
    EXPECT_THAT(got.values, ElementsAre(1, 2, 4));
    EXPECT_THAT(got.times_us, ElementsAre(ten_us, ten_us, ten_us + 1'000'000));
    ASSERT_EQ(got.report.error_count, 1U);
    EXPECT_EQ(got.report.errors[0].line, 5U);
  }
}

TEST(csv, a_carriage_return_within_a_line_is_no_end_of_it) {
  const auto got = read("time,a\n1768816800,1\n1768816801,2\r1768816802,3\n1768816803,4\n");
  ASSERT_TRUE(got.layout);
  EXPECT_THAT(got.values, ElementsAre(1, 4));
  EXPECT_EQ(got.report.error_count, 1U);
}

/// For files without times.
csv_options ten_a_second() {
  csv_options options;
  options.start_us = ten_us;
  options.interval_us = 100'000;
  options.ignored = {"Machining_Process"};
  return options;
}

TEST(csv, the_cnc_file_whose_lines_end_in_cr_is_read_whole) {
  const std::string text = shared_file("cnc_mill/experiment_12.csv");
  if (text.empty()) GTEST_SKIP() << "no CNC data beside the repository";
  const auto got = read(text, ten_a_second());
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.layout->series.size(), 47U);
  EXPECT_EQ(got.report.error_count, 0U);
  EXPECT_EQ(got.report.rows, 2'276U);
  EXPECT_EQ(got.values.size(), got.report.rows * 47U);
}

using owners = std::vector<std::string>;

TEST(csv, columns_of_names_say_whose_a_reading_is) {
  const auto one = read("time,device,value\n2026-01-19,north,1\n2026-01-19,south,2\n2026-01-20,north,3\n");
  ASSERT_TRUE(one.layout) << one.layout.error().message;
  EXPECT_EQ(one.owners, (owners{"device=north ", "device=south "}));
  EXPECT_THAT(one.sensors, ElementsAre(101, 102, 101));
  EXPECT_EQ(one.layout->keys[0].what, csv_key::role::sensor);
  // Whatever it is called.
  EXPECT_EQ(read("time,wo,value\n2026-01-19,north,1\n").layout->keys[0].what, csv_key::role::sensor);
  const auto two = read("time,site,device,machine,value\n2026-01-19,a,x,m,1\n2026-01-19,b,x,m,2\n", {.sensor_column = "device"});
  ASSERT_TRUE(two.layout) << two.layout.error().message;
  EXPECT_EQ(two.owners, (owners{"device=x site=a machine=m ", "device=x site=b machine=m "}));
  EXPECT_EQ(two.layout->keys[1].what, csv_key::role::label);
  EXPECT_EQ(two.layout->keys[2].what, csv_key::role::machine);
}

TEST(csv, a_wide_file_may_have_a_column_of_names) {
  const auto got = read("time,device,temp,hum\n2026-01-19,p1,1,2\n2026-01-19,p2,3,4\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.layout->series.size(), 2U);
  EXPECT_EQ(got.owners.size(), 2U);
  EXPECT_THAT(got.values, ElementsAre(1, 2, 3, 4));
}

TEST(csv, columns_without_a_part_can_be_passed_over_all) {
  const auto wide = read("time,a,phase\n2026-01-19,1,cut\n", {.skip_unused = true});
  ASSERT_TRUE(wide.layout) << wide.layout.error().message;
  EXPECT_THAT(wide.layout->ignored, ElementsAre("phase"));
  EXPECT_TRUE(read("time,value,site,line,quality\n2026-01-19,1,a,b,192\n", {.skip_unused = true}).layout);
}

TEST(csv, an_empty_column_that_gets_an_entry_is_an_error) {
  const auto got = read("time,value,unit\n2026-01-19,1,\n2026-01-20,2,C\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;  // "C" is among the first rows: the column holds text
  EXPECT_EQ(got.layout->keys.size(), 1U);
  std::string late = "time,value,unit\n";
  for (int i = 0; i < 1'000; ++i) late += "2026-01-19,1,\n";
  const auto refused_csv = read(late + "2026-01-20,2,C\n");
  ASSERT_EQ(refused_csv.report.errors.size(), 1U);
  EXPECT_THAT(text_of(refused_csv.report.errors[0]), HasSubstr("1002 unit: \"C\" is the first entry of its column"));
}

TEST(csv, annotated_tables_of_influxdb_are_read_one_after_the_other) {
  const auto got = read(
      "#group,false,false,true,true,false,false,true,true,true\n"
      "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\n"
      "#default,_result,,,,,,,,\n"
      ",result,table,_start,_stop,_time,_value,_field,_measurement,host\n"
      ",,0,2026-01-19T00:00:00Z,2026-01-20T00:00:00Z,2026-01-19T10:00:00Z,1.5,temp,m,a\n"
      ",,1,2026-01-19T00:00:00Z,2026-01-20T00:00:00Z,2026-01-19T10:00:00Z,2.5,temp,m,b\n"
      "\n"
      "#group,false,false,false,false,true,true\n"
      "#datatype,string,long,dateTime:RFC3339,long,string,string\n"
      "#default,_result,,,,,\n"
      ",result,table,_time,_value,_field,_measurement\n"
      ",,2,2026-01-19T10:00:00Z,7,count,n\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.report.error_count, 0U) << text_of(got.report.errors.at(0));
  EXPECT_THAT(got.values, ElementsAre(1.5, 2.5, 7));
  EXPECT_EQ(got.owners,
            (owners{"_field=temp _measurement=m host=a ", "_field=temp _measurement=m host=b ", "_field=count _measurement=n "}));
}

TEST(csv, comments_stand_before_the_header_and_the_header_may_come_again) {
  EXPECT_THAT(read("# exported\n# by hand\ntime,a\n2026-01-19,1\ntime,a\n2026-01-20,2\n").values, ElementsAre(1, 2));
  EXPECT_THAT(read("# exported\n# time,a\n2026-01-19,1\n").values, ElementsAre(1));
  EXPECT_THAT(read("sep=;\r\ntime;a\r\n2026-01-19;1,5\r\n").values, ElementsAre(1.5));
  EXPECT_THAT(read("sep=|\ntime|a\n2026-01-19|1\n").values, ElementsAre(1));
}

TEST(csv, one_number_makes_a_column_of_numbers) {
  const auto got = read("time,temp,p\n2026-01-19,unavailable,1\n2026-01-20,21.5,2\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  ASSERT_EQ(got.report.errors.size(), 1U);
  EXPECT_EQ(text_of(got.report.errors[0]), "2 temp: \"unavailable\" is not a number");
  const auto skipped = read("time,temp,p\n2026-01-19,unavailable,1\n2026-01-20,21.5,2\n", {.skip_bad_cells = true});
  EXPECT_EQ(skipped.report.error_count, 0U);
  EXPECT_EQ(skipped.report.bad_cells, 1U);
  EXPECT_THAT(skipped.values, ElementsAre(1, 21.5, 2));
}

TEST(csv, the_decimal_mark_is_decided_once_a_file) {
  const auto comma = read("time,a\n2026-01-19,\"21,5\"\n2026-01-20,\"22,25\"\n");
  EXPECT_THAT(comma.values, ElementsAre(21.5, 22.25));
  EXPECT_EQ(comma.decimal, decimal_mark::comma);
  // With a comma as delimiter, groups of thousands cannot be told from decimals.
  EXPECT_EQ(read("time,a\n2026-01-19,\"1,000.5\"\n2026-01-20,999.5\n").report.error_count, 1U);
  EXPECT_EQ(read("time,a,b\n2026-01-19,\"1,000\",1\n2026-01-20,2,2\n").report.error_count, 1U);
  EXPECT_EQ(read("time;a\n2026-01-19;21,5\n2026-01-20;22.5\n2026-01-20;22,5\n").report.error_count, 1U);
  EXPECT_THAT(read("time;a\n2026-01-19;1.5\n2026-01-20;2\n").values, ElementsAre(1.5, 2));
}

TEST(csv, date_and_time_of_day_may_stand_in_two_columns) {
  const auto got = read("Date,Time,a\n2026-01-19,10:00:00,1\n2026-01-19,10:00:01.5,2\n");
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_THAT(got.times_us, ElementsAre(ten_us, ten_us + 1'500'000));
  const auto named = read("Tag;Zeit;a\n2026-01-19;10:00;1\n", {.time_column = "Tag", .clock_column = "Zeit"});
  ASSERT_TRUE(named.layout) << named.layout.error().message;
  EXPECT_THAT(named.times_us, ElementsAre(ten_us));
}

TEST(csv, a_time_out_of_range_is_called_so) {
  const auto got = read("time,a\n9999-12-31 23:59:59,1\n99999999999999999,2\n");
  ASSERT_EQ(got.report.errors.size(), 1U);
  EXPECT_THAT(text_of(got.report.errors[0]), HasSubstr("is outside of the years 1678 to 2261"));
}

TEST(csv, a_cnc_file_has_47_channels_and_a_text_column) {
  const std::string text = shared_file("cnc_mill/experiment_01.csv");
  if (text.empty()) GTEST_SKIP() << "no CNC data beside the repository";
  const auto got = read(text, ten_a_second());
  ASSERT_TRUE(got.layout) << got.layout.error().message;
  EXPECT_EQ(got.layout->series.size(), 47U);
  EXPECT_THAT(got.layout->ignored, ElementsAre("Machining_Process"));
  EXPECT_EQ(got.report.rows, 1'055U);
  EXPECT_EQ(got.values.size(), 1'055U * 47U);
  EXPECT_EQ(got.report.error_count, 0U);
  EXPECT_EQ(got.times_us.back(), ten_us + 1'054 * 100'000);
  EXPECT_EQ(got.values[0], 198.0);
}

TEST(number_cell, the_marks_for_nothing_are_empty_and_others_are_told_apart) {
  using kind = number_cell::kind;
  for (const std::string_view text : {"", "NaN", "nan", "-nan", "NA", "n/a", "NULL", "None", "-"}) {
    EXPECT_EQ(read_number(text, decimal_mark::point).what, text == "-nan" ? kind::other : kind::empty) << text;
  }
  for (const std::string_view text : {"inf", "-Infinity", "1e999"})
    EXPECT_EQ(read_number(text, decimal_mark::point).what, kind::infinite) << text;
  for (const std::string_view text : {"x", "1x", "1,5", "1 2", "+-1", "0x10", "1e", "--1", "."}) {
    EXPECT_EQ(read_number(text, decimal_mark::point).what, kind::other) << text;
  }
  EXPECT_EQ(read_number("+1.5", decimal_mark::point).value, 1.5);
  EXPECT_EQ(read_number("-1,5e2", decimal_mark::comma).value, -150);
  EXPECT_EQ(read_number("1.5", decimal_mark::comma).what, kind::other);
  EXPECT_EQ(read_number("1.5", decimal_mark::undecided).value, 1.5);
  EXPECT_EQ(read_number("1,5", decimal_mark::undecided).value, 1.5);
  EXPECT_EQ(read_number("True", decimal_mark::point).value, 1);
  EXPECT_EQ(read_number("1.5,2", decimal_mark::undecided).what, kind::other);
}

TEST(time_cell, numbers_are_in_the_unit_that_the_first_one_tells) {
  EXPECT_EQ(time_cell{}.read("1768816800"), ten_us);
  EXPECT_EQ(time_cell{}.read("1768816800000"), ten_us);
  EXPECT_EQ(time_cell{}.read("1768816800000000"), ten_us);
  EXPECT_EQ(time_cell{}.read("1768816800000000999"), ten_us);
  EXPECT_EQ(time_cell{}.read("1768816800.25"), ten_us + 250'000);
  EXPECT_EQ(time_cell{}.read("-1.5"), -1'500'000);
  time_cell cell;
  EXPECT_EQ(cell.read("1768816800000"), ten_us);
  EXPECT_EQ(cell.read("5"), 5'000);
  EXPECT_EQ(cell.read("5"), 5'000);
  for (const std::string_view text : {"", "x", "1.", "1.x", "1e9", "1768816800000.5", "1 "})
    EXPECT_FALSE(cell.read(text)) << text;
}

TEST(csv, a_column_tells_the_quality_of_its_row) {
  const std::string rows = "2026-01-19 10:00:00,1,good\n2026-01-19 10:00:01,2,bad\n2026-01-19 10:00:02,3,\n";
  EXPECT_THAT(read("timestamp,value,quality\n" + rows).flags, ElementsAre(flag_none, flag_bad, flag_none));
  EXPECT_THAT(read("timestamp,value,state\n" + rows, {.quality_column = "state"}).flags,
              ElementsAre(flag_none, flag_bad, flag_none));
  const auto own =
      read("timestamp,value,flags\n2026-01-19 10:00:00,1,late|bad\n2026-01-19 10:00:01,2,future\n", {.quality_column = "flags"});
  EXPECT_THAT(own.flags, ElementsAre(flag_bad, flag_none)) << "of our own exports";
}

TEST(csv, a_quality_that_is_none_is_an_error_and_a_column_of_numbers_of_that_name_is_a_series) {
  const auto got = read("timestamp,value,quality\n2026-01-19 10:00:00,1,broken\n");
  ASSERT_EQ(got.report.errors.size(), 1U);
  EXPECT_EQ(text_of(got.report.errors[0]), "2 quality: \"broken\" is not good, uncertain or bad");
  EXPECT_EQ(read("timestamp,temp,quality\n2026-01-19 10:00:00,1,192\n").layout->series.size(), 2U);
  EXPECT_FALSE(read("timestamp,value\n2026-01-19 10:00:00,1\n", {.quality_column = "q"}).layout);
}

}  // namespace
}  // namespace factory
