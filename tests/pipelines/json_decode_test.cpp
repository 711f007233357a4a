#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "pipelines/decode/decode.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/support/json_decode_fixture.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using namespace test;

TEST_F(json_decode, one_reading_is_taken_as_sent) {
  const auto [result, batch] = one(R"({"sensor_id":7,"value":-2.5e-3,"timestamp":"2026-01-19T10:00:00.25Z"})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->row_count, 1U);
  EXPECT_EQ(result->error_count, 0U);
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.slices[0].sensor, 7U);
  EXPECT_EQ(batch.event_time_us[0], ten_us + 250'000);
  EXPECT_EQ(batch.value[0], -2.5e-3);
}

TEST_F(json_decode, members_come_in_any_order_and_unknown_ones_are_ignored) {
  for (const std::string_view text :
       {R"({"value":1.5,"timestamp":1768816800000,"sensor_id":3})",
        R"( { "unit" : "C" , "timestamp" : 1768816800000 , "sensor_id" : 3 , "value" : 1.5 } )",
        R"({"sensor_id":3,"tags":{"a":[1,{"b":null}],"value":9},"value":1.5,"timestamp":1768816800000,"x":[],"y":{}})",
        R"({"sensor\u005fid":3,"\u0076alue":1.5,"timestamp":"2026-01-19T10:00:00\u005a"})",
        "\xEF\xBB\xBF{\"sensor_id\":3,\n\t\"value\":1.5,\r\n\"timestamp\":\"2026-01-19 10:00:00\"}\n"}) {
    const auto [result, batch] = one(text);
    ASSERT_TRUE(result) << text << result.error().message;
    ASSERT_EQ(batch.size(), 1U) << text << text_of(result->errors.at(0));
    EXPECT_EQ(batch.slices[0].sensor, 3U) << text;
    EXPECT_EQ(batch.event_time_us[0], ten_us) << text;
    EXPECT_EQ(batch.value[0], 1.5) << text;
  }
}

TEST_F(json_decode, a_reading_without_time_gets_the_time_of_the_request) {
  const auto [result, batch] = one(R"({"sensor_id":1,"value":1})");
  ASSERT_TRUE(result);
  EXPECT_EQ(batch.event_time_us.at(0), ten_us + 7);
}

TEST_F(json_decode, integer_times_are_in_the_asked_unit) {
  options_.unit = precision::ns;
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":1768816800000000999})").batch.event_time_us.at(0), ten_us);
  options_.unit = precision::s;
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":1768816800})").batch.event_time_us.at(0), ten_us);
  options_.unit = precision::us;
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":-5})").batch.event_time_us.at(0), -5);
}

TEST_F(json_decode, an_integer_time_is_taken_when_its_unit_was_given_or_no_other_is_likely) {
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":5})").batch.event_time_us.at(0), 5'000);
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":-86400000})").batch.event_time_us.at(0), -86'400'000'000);
  options_.unit_given = true;
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"timestamp":1768816800})").batch.event_time_us.at(0), 1'768'816'800'000);
}

TEST_F(json_decode, an_integer_that_a_double_holds_is_taken_however_long) {
  for (const std::string number : {"9007199254740992", "-9007199254740994", "100000000000000000000", "18446744073709551616"}) {
    const auto got = one(R"({"sensor_id":1,"value":)" + number + "}");
    ASSERT_EQ(got.batch.size(), 1U) << number;
    EXPECT_EQ(got.batch.value[0], std::stod(number));
  }
}

TEST_F(json_decode, members_that_are_no_near_miss_are_ignored) {
  for (const std::string name :
       {"id", "unit", "flags", "valid", "state", "status", "name", "type", "received_at", "machine_id", "t"})
    EXPECT_EQ(one(R"({"sensor_id":1,"value":1,")" + name + R"(":1})").batch.size(), 1U) << name;
}

TEST_F(json_decode, a_second_reading_of_a_sensor_without_a_time_is_refused) {
  const std::string array = R"([{"sensor_id":1,"value":1},{"sensor_id":2,"value":2},{"sensor_id":1,"value":3}])";
  const std::string columns = R"({"sensor_id":[1,2,1],"value":[1,2,3]})";
  const std::string lines_text = "{\"sensor_id\":1,\"value\":1}\n{\"sensor_id\":2,\"value\":2}\n{\"sensor_id\":1,\"value\":3}\n";
  for (const auto& got : {bulk(array), bulk(columns), lines(lines_text)}) {
    ASSERT_TRUE(got.result);
    ASSERT_EQ(got.result->error_count, 1U);
    EXPECT_EQ(text_of(got.result->errors[0]),
              "2 timestamp is missing, as in an earlier reading of the sensor in this body, which this one would overwrite");
    EXPECT_EQ(got.batch.size(), 0U);
  }
  options_.partial = true;
  EXPECT_EQ(bulk(array).batch.size(), 2U);
  options_.partial = false;
  EXPECT_EQ(bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":2,"value":2}])").batch.size(), 2U);
  EXPECT_EQ(bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":1,"value":2,"timestamp":1768816800000}])").batch.size(), 2U);
}

TEST_F(json_decode, sensors_of_another_system_are_named) {
  const std::function<expected<sensor_id>(std::string_view)> names = [](std::string_view name) -> expected<sensor_id> {
    if (name == "x") return fail(errc::not_found, "there is no x");
    return static_cast<sensor_id>(name.size());
  };
  options_.names = &names;
  EXPECT_EQ(one(R"({"sensor_id":"p\u00e91","value":1})").batch.slices.at(0).sensor, 4U);
  EXPECT_EQ(one(R"({"sensor_id":12345,"value":1})").batch.slices.at(0).sensor, 5U);
  EXPECT_EQ(text_of(one(R"({"sensor_id":"x","value":1})").result->errors.at(0)), "0 sensor_id there is no x");
  EXPECT_EQ(text_of(one(R"({"sensor_id":1.5,"value":1})").result->errors.at(0)), "0 sensor_id must be text or an integer");
}

TEST_F(json_decode, a_row_against_the_rules_is_refused_with_its_member_and_reason) {
  const refused_body table[] = {
      {R"({"value":1})", "0 sensor_id is missing"},
      {R"({"sensor_id":1})", "0 value is missing"},
      {R"({})", "0 sensor_id is missing"},
      {R"({"sensor_id":11,"value":1})", "0 sensor_id unknown sensor 11"},
      {R"({"sensor_id":0,"value":1})", "0 sensor_id unknown sensor 0"},
      {R"({"sensor_id":18446744073709551615,"value":1})", "0 sensor_id unknown sensor 18446744073709551615"},
      {R"({"sensor_id":4294967297,"value":1})", "0 sensor_id unknown sensor 4294967297"},
      {R"({"sensor_id":18446744073709551616,"value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":-1,"value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":1.0,"value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":"1","value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":null,"value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":[1],"value":1})", "0 sensor_id must be an integer of 1 up"},
      {R"({"sensor_id":1,"value":"1"})", "0 value must be a number"},
      {R"({"sensor_id":1,"value":null})", "0 value must be a number"},
      {R"({"sensor_id":1,"value":true})", "0 value must be a number"},
      {R"({"sensor_id":1,"value":{"a":1}})", "0 value must be a number"},
      {R"({"sensor_id":1,"value":[1,2]})", "0 value must be a number"},
      {R"({"sensor_id":1,"value":1e999})", "0 value must be a finite 64-bit number"},
      {R"({"sensor_id":1,"value":-1e309})", "0 value must be a finite 64-bit number"},
      {R"({"sensor_id":1,"value":1,"timestamp":"yesterday"})", "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":""})", "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":"2026-02-30"})",
       "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":1.5})", "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":1e3})", "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":null})", "0 timestamp must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"value":1,"timestamp":9223372036854775807})", "0 timestamp is outside of the years 1678 to 2261"},
      {R"({"sensor_id":1,"value":1,"timestamp":"9999-12-31T23:59:59Z"})", "0 timestamp is outside of the years 1678 to 2261"},
      {R"({"sensor_id":1,"value":1,"timestamp":1768816800})",
       "0 timestamp is 2026-01-19T10:00:00Z in s, but ms is assumed: say ?precision=s"},
      {R"({"sensor_id":1,"value":1,"timestamp":1768816800000000})",
       "0 timestamp is 2026-01-19T10:00:00Z in us, but ms is assumed: say ?precision=us"},
      {R"({"sensor_id":1,"value":1,"timestamp":1768816800000000000})",
       "0 timestamp is 2026-01-19T10:00:00Z in ns, but ms is assumed: say ?precision=ns"},
      {R"({"sensor_id":1,"value":9007199254740993})",
       "0 value is an integer that a 64-bit number with a fraction cannot hold exactly"},
      {R"({"sensor_id":1,"value":-100000000000000000001})",
       "0 value is an integer that a 64-bit number with a fraction cannot hold exactly"},
      {R"({"sensor_id":1,"value":1,"ts":1})", R"(0 ts is not known; is "timestamp" meant?)"},
      {R"({"sensor_id":1,"value":1,"Timestamp":1})", R"(0 Timestamp is not known; is "timestamp" meant?)"},
      {R"({"sensor_id":1,"value":1,"timestmap":1})", R"(0 timestmap is not known; is "timestamp" meant?)"},
      {R"({"sensor_id":1,"value":1,"time":"2026-01-19"})", R"(0 time is not known; is "timestamp" meant?)"},
      {R"({"sensorId":1,"value":1})", R"(0 sensorId is not known; is "sensor_id" meant?)"},
      {R"({"sensor_id":1,"val":1})", R"(0 val is not known; is "value" meant?)"},
      {R"({"sensor_id":1,"value":1,"sensor_id":1})", "0 sensor_id is given twice"},
      {R"({"sensor_id":1,"value":1,"value":2})", "0 value is given twice"},
      {R"({"sensor_id":1,"value":1,"v\u0061lue":1})", "0 value is given twice"},
      {R"({"timestamp":1,"sensor_id":1,"value":1,"timestamp":2})", "0 timestamp is given twice"},
  };
  for (const auto& [text, reason] : table) {
    const auto single = one(text);
    ASSERT_TRUE(single.result) << text << single.result.error().message;
    ASSERT_EQ(single.result->errors.size(), 1U) << text;
    EXPECT_EQ(text_of(single.result->errors[0]), reason) << text;
    EXPECT_EQ(single.batch.size(), 0U) << text;
    const auto many = bulk("[" + std::string(text) + "]");
    ASSERT_TRUE(many.result) << text;
    ASSERT_EQ(many.result->errors.size(), 1U) << text;
    EXPECT_EQ(text_of(many.result->errors[0]), reason) << text;
  }
}

TEST_F(json_decode, one_bad_row_keeps_all_rows_out) {
  const auto [result, batch] = bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":11,"value":1},{"sensor_id":2,"value":1},5])");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->row_count, 4U);
  EXPECT_EQ(result->error_count, 2U);
  EXPECT_EQ(text_of(result->errors.at(0)), "1 sensor_id unknown sensor 11");
  EXPECT_EQ(text_of(result->errors.at(1)), "3  must be an object");
  EXPECT_EQ(batch.size(), 0U);
}

TEST_F(json_decode, partial_keeps_the_good_rows) {
  options_.partial = true;
  const auto [result, batch] =
      bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":11,"value":1},{"sensor_id":2,"value":"x"},{"sensor_id":2,"value":3}])");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->row_count, 4U);
  EXPECT_EQ(result->error_count, 2U);
  ASSERT_EQ(batch.size(), 2U);
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 3));
}

TEST_F(json_decode, only_the_first_errors_are_listed_and_all_are_counted) {
  std::string text = "[";
  for (int i = 0; i < 250; ++i) text += R"({"sensor_id":11,"value":1},)";
  text.back() = ']';
  const auto [result, batch] = bulk(text);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error_count, 250U);
  EXPECT_EQ(result->errors.size(), limits::row_errors_per_answer);
}

TEST_F(json_decode, a_body_of_another_kind_is_refused) {
  for (const std::string_view text : {"5", "\"x\"", "null", "true"}) {
    EXPECT_EQ(one(text).result.error().code, errc::malformed) << text;
    EXPECT_EQ(bulk(text).result.error().code, errc::malformed) << text;
  }
  EXPECT_EQ(one("[]").result.error().code, errc::malformed);
  EXPECT_EQ(bulk("[]").result->row_count, 0U);
}

TEST_F(json_decode, more_rows_than_allowed_are_too_large) {
  options_.max_readings = 2;
  constexpr auto row = R"({"sensor_id":1,"value":1})";
  const std::string two = std::string(row) + "," + row, three = two + "," + row;
  EXPECT_TRUE(bulk("[" + two + "]").result);
  EXPECT_EQ(bulk("[" + three + "]").result.error().code, errc::too_large);
  EXPECT_EQ(bulk(R"({"sensor_id":[1,1,1],"value":[1,2,3]})").result.error().code, errc::too_large);
  EXPECT_EQ(bulk(R"({"sensor_id":1,"start":0,"interval_ms":1,"values":[1,2,3]})").result.error().code, errc::too_large);
  EXPECT_EQ(lines(std::string(row) + "\n" + row + "\n\n" + row).result.error().code, errc::too_large);
  EXPECT_EQ(rows_.size(), 0U);
}

TEST_F(json_decode, lines_are_rows_and_empty_lines_are_skipped) {
  const auto [result, batch] =
      lines("\n{\"sensor_id\":1,\"value\":1,\"timestamp\":1}\r\n \t\r\n{\"sensor_id\":2,\"value\":2,\"timestamp\":2}");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->row_count, 2U);
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 2));
}

TEST_F(json_decode, a_damaged_line_is_a_bad_row_and_does_not_touch_the_others) {
  options_.partial = true;
  const auto [result, batch] = lines(
      "{\"sensor_id\":1,\"value\":1}\n{\"sensor_id\":1,\"value\":2\n{\"sensor_id\":3,\"value\":3}{}\n[]\n"
      "{\"sensor_id\":11,\"value\":4}\n\"\n{\"sensor_id\":5,\"value\":5}");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->row_count, 7U);
  EXPECT_EQ(result->error_count, 5U);
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 5));
  std::vector<std::uint64_t> indexes;
  for (const row_error& e : result->errors) indexes.push_back(e.index);
  EXPECT_THAT(indexes, testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(json_decode, a_decoder_is_as_new_after_a_damaged_body) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":1,"value":2)").result);
    EXPECT_EQ(rows_.size(), 0U);
    EXPECT_EQ(bulk(R"([{"sensor_id":1,"value":1}])").batch.size(), 1U);
  }
}

TEST_F(json_decode, a_body_grown_large_and_small_again_is_read) {
  std::string text = "[";
  for (int i = 0; i < 400'000; ++i) text += R"({"sensor_id":1,"value":1,"timestamp":1768816800000},)";
  text.back() = ']';
  EXPECT_EQ(bulk(text).batch.size(), 400'000U);
  EXPECT_EQ(bulk(R"([{"sensor_id":1,"value":1}])").batch.size(), 1U);
}

TEST_F(json_decode, values_keep_every_bit) {
  for (const double value : {0.1, 1.0 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, -0.0}) {
    char text[100];
    std::snprintf(text, sizeof text, R"({"sensor_id":1,"value":%.17g})", value);
    const auto [result, batch] = one(text);
    ASSERT_EQ(batch.size(), 1U) << text;
    EXPECT_EQ(batch.value[0], value);
    EXPECT_EQ(std::signbit(batch.value[0]), std::signbit(value));
  }
}

TEST_F(json_decode, quality_is_one_of_three_words_and_its_near_misses_are_refused) {
  for (const std::string quality : {"192", "null", "true", R"("Good")", R"("")", R"(["bad"])"}) {
    const auto got = one(R"({"sensor_id":1,"value":1,"quality":)" + quality + "}");
    ASSERT_EQ(got.result->errors.size(), 1U) << quality;
    EXPECT_EQ(text_of(got.result->errors[0]), "0 quality must be good, uncertain or bad");
  }
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"Quality":"bad"})").result->errors.at(0).field, "Quality");
  EXPECT_EQ(bulk(R"({"sensor_id":[1,2],"value":[1,2],"quality":["bad"]})").result.error().message,
            "quality has 1 entries but value has 2");
}

TEST_F(json_decode, flags_stay_with_their_rows_when_these_are_grouped) {
  const auto batch = bulk(R"([{"sensor_id":2,"value":1,"timestamp":1768816800000,"quality":"bad"},)"
                          R"({"sensor_id":1,"value":2,"timestamp":1768816800000},)"
                          R"({"sensor_id":2,"value":3,"timestamp":1768816800001}])")
                         .batch;
  EXPECT_EQ(batch.value, (std::vector<double>{2, 1, 3}));
  EXPECT_EQ(batch.flags, (std::vector<std::uint8_t>{flag_none, flag_bad, flag_none}));
}

}  // namespace
}  // namespace factory
