// Bodies of columns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipelines/decode/decode.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/support/json_decode_fixture.hpp"
#include "support/times.hpp"

namespace factory {
namespace {

using namespace test;

TEST_F(json_decode, a_near_miss_among_columns_refuses_the_body) {
  EXPECT_EQ(bulk(R"({"sensor_id":[1],"value":[1],"timestamps":[1768816800000]})").result.error().message,
            R"(timestamps is not known; is "timestamp" meant?)");
  EXPECT_EQ(bulk(R"({"sensor_id":1,"start":1768816800000,"intervalMs":5,"values":[1]})").result.error().message,
            R"(intervalMs is not known; is "interval_ms" meant?)");
  EXPECT_EQ(bulk(R"([{"sensor_id":1,"values":1}])").result->errors.at(0).field, "values");
}

TEST_F(json_decode, columns_are_rows) {
  const auto [result, batch] = bulk(
      R"({"value":[1,2,3],"note":["x"],"timestamp":[1768816800000,"2026-01-19T10:00:01Z",1768816802000],"sensor_id":[2,70,2]})");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->row_count, 3U);
  ASSERT_EQ(batch.slices.size(), 2U);
  EXPECT_EQ(batch.slices[1].sensor, 70U);
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 3, 2));
  EXPECT_THAT(batch.event_time_us, testing::ElementsAre(ten_us, ten_us + 2'000'000, ten_us + 1'000'000));
}

TEST_F(json_decode, columns_may_leave_the_times_out) {
  const auto [result, batch] = bulk(R"({"sensor_id":[2,3],"value":[1,2]})");
  ASSERT_TRUE(result);
  EXPECT_THAT(batch.event_time_us, testing::ElementsAre(ten_us + 7, ten_us + 7));
}

TEST_F(json_decode, a_bad_entry_of_a_column_is_a_bad_row) {
  options_.partial = true;
  const auto [result, batch] = bulk(R"({"value":[1,"x",3,4],"timestamp":[1,2,"x",4],"sensor_id":[2,11,3,4]})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error_count, 2U);
  ASSERT_EQ(result->errors.size(), 2U);
  EXPECT_EQ(text_of(result->errors[0]), "1 value must be a number");
  EXPECT_EQ(text_of(result->errors[1]), "2 timestamp must be RFC 3339 text or an integer in milliseconds");
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 4));
}

TEST_F(json_decode, the_first_bad_entries_are_listed_in_row_order_whatever_the_order_of_columns) {
  options_.partial = true;
  std::string values, sensors;
  for (int i = 0; i < 400; ++i) {
    values += i % 2 == 0 ? "null," : "1,";
    sensors += i % 2 == 1 ? "11," : "1,";
  }
  values.pop_back(), sensors.pop_back();
  const auto [result, batch] = bulk("{\"value\":[" + values + "],\"sensor_id\":[" + sensors + "]}");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error_count, 400U);
  ASSERT_EQ(result->errors.size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(text_of(result->errors[i]),
              std::to_string(i) + (i % 2 == 0 ? " value must be a number" : " sensor_id unknown sensor 11"));
  }
}

TEST_F(json_decode, one_sensors_values_at_a_steady_rate_are_rows) {
  const auto [result, batch] = bulk(R"({"sensor_id":5,"start":"2026-01-19T10:00:00Z","interval_ms":0.25,"values":[1,2,3]})");
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(batch.slices.size(), 1U);
  EXPECT_EQ(batch.slices[0].sensor, 5U);
  EXPECT_THAT(batch.event_time_us, testing::ElementsAre(ten_us, ten_us + 250, ten_us + 500));
  EXPECT_THAT(batch.value, testing::ElementsAre(1, 2, 3));
}

TEST_F(json_decode, columns_that_do_not_fit_together_name_the_member) {
  const refused_body table[] = {
      {R"({"sensor_id":[1,2],"value":[1]})", "sensor_id has 2 entries but value has 1"},
      {R"({"sensor_id":[1,2],"value":[1,2],"timestamp":[1]})", "timestamp has 1 entries but value has 2"},
      {R"({"sensor_id":[1,2],"value":[1,2],"timestamp":1})", "timestamp must be an array, as the other columns are"},
      {R"({"sensor_id":1,"value":[1]})", "sensor_id must be an array, as the other columns are"},
      {R"({"sensor_id":[1]})", "value must be an array, as the other columns are"},
      {R"({"value":[1]})", "sensor_id must be an array, as the other columns are"},
      {R"({"sensor_id":[1],"value":[1],"value":[1]})", "value is given twice"},
      {R"({"sensor_id":[1],"value":1,"value":[1]})", "value is given twice"},
      {R"({"sensor_id":[1],"value":[1],"value":1})", "value is given twice"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1,"values":[1],"values":[2]})", "values is given twice"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1,"values":[1],"start":2})", "start is given twice"},
      {R"({"sensor_id":[1],"start":0,"interval_ms":1,"values":[1]})", "sensor_id must be one sensor where values is given"},
      {R"({"start":0,"interval_ms":1,"values":[1]})", "sensor_id is missing"},
      {R"({"sensor_id":1,"interval_ms":1,"values":[1]})", "start is missing"},
      {R"({"sensor_id":1,"start":0,"values":[1]})", "interval_ms is missing"},
      {R"({"sensor_id":1,"start":0,"interval_ms":0,"values":[1]})", "interval_ms must be 0.001 or more"},
      {R"({"sensor_id":1,"start":0,"interval_ms":-1,"values":[1]})", "interval_ms must be 0.001 or more"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1e300,"values":[1]})", "interval_ms leads past the year 2261"},
      {R"({"sensor_id":1,"start":0,"interval_ms":"1","values":[1]})", "interval_ms must be a number"},
      {R"({"sensor_id":1,"start":"x","interval_ms":1,"values":[1]})",
       "start must be RFC 3339 text or an integer in milliseconds"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1,"values":5})", "values must be an array of numbers"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1,"values":[1],"value":[1]})", "value cannot stand beside values"},
      {R"({"sensor_id":1,"start":0,"interval_ms":1,"values":[1],"timestamp":1})", "timestamp cannot stand beside values"},
      {R"({"sensor_id":11,"start":0,"interval_ms":1,"values":[1]})", "sensor_id unknown sensor 11"},
  };
  for (const auto& [text, reason] : table) {
    const auto [result, batch] = bulk(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, errc::invalid) << text;
    EXPECT_EQ(result.error().message, reason) << text;
    EXPECT_TRUE(reason.starts_with(result.error().field)) << text;
    EXPECT_EQ(batch.size(), 0U);
  }
}

TEST_F(json_decode, start_and_interval_are_ignored_beside_a_single_reading) {
  EXPECT_EQ(bulk(R"({"sensor_id":1,"value":2,"start":"soon","interval_ms":[]})").batch.size(), 1U);
}

TEST_F(json_decode, quality_comes_with_rows_columns_and_lines) {
  const std::vector<std::uint8_t> wanted{flag_none, flag_bad, flag_uncertain};
  const std::string rows = R"({"sensor_id":1,"value":1,"timestamp":1768816800000,"quality":"good"},)"
                           R"({"sensor_id":1,"value":2,"timestamp":1768816800001,"quality":"bad"},)"
                           R"({"sensor_id":1,"value":3,"timestamp":1768816800002,"quality":"uncertain"})";
  const std::string odd = R"({"quality":"good","sensor_id":1,"value":1,"timestamp":1768816800000},)"
                          R"({"sensor_id":1,"value":2,"timestamp":1768816800001,"quality":"b\u0061d"},)"
                          R"({"sensor_id":1,"value":3,"quality":"uncertain","timestamp":1768816800002})";
  std::string text = rows;
  for (std::size_t at = 0; (at = text.find("},{", at)) != std::string::npos;) text[at + 1] = '\n';
  for (const auto& batch :
       {bulk("[" + rows + "]").batch, bulk("[" + odd + "]").batch, lines(text).batch,
        bulk(R"({"sensor_id":[1,1,1],"timestamp":[1768816800000,1768816800001,1768816800002],"value":[1,2,3],)"
             R"("quality":["good","bad","uncertain"]})")
            .batch,
        bulk(R"({"sensor_id":1,"start":1768816800000,"interval_ms":1,"values":[1,2,3],"quality":["good","bad","uncertain"]})")
            .batch})
    EXPECT_EQ(batch.flags, wanted);
  EXPECT_EQ(bulk(R"({"sensor_id":1,"start":1768816800000,"interval_ms":1,"values":[1,2],"quality":"bad"})").batch.flags,
            (std::vector<std::uint8_t>{flag_bad, flag_bad}));
  EXPECT_EQ(one(R"({"sensor_id":1,"value":1,"quality":"bad"})").batch.flags, std::vector<std::uint8_t>{flag_bad});
  EXPECT_TRUE(one(R"({"sensor_id":1,"value":1,"quality":"good"})").batch.flags.empty()) << "good needs no flags";
}

}  // namespace
}  // namespace factory
