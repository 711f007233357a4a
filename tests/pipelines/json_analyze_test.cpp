#include <gtest/gtest.h>

#include <string>

#include "pipelines/decode/decode.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {
namespace {

TEST(analyze_body, readings_and_threshold_are_taken_as_sent) {
  const auto got =
      decode_analyze(R"({"note":[1],"threshold":2.5,"readings":[{"id":1,"value":70.0,"timestamp":"2026-01-19T10:00:00"},)"
                     R"({"timestamp":"any \u00e9 text","unit":"C","value":-1e-3,"id":-9007199254740993}]})");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->threshold, 2.5);
  ASSERT_EQ(got->items.size(), 2U);
  EXPECT_EQ(got->items[0].id, 1);
  EXPECT_EQ(got->items[0].timestamp, "2026-01-19T10:00:00");
  EXPECT_EQ(got->items[1].id, -9007199254740993);
  EXPECT_EQ(got->items[1].timestamp, "any \xC3\xA9 text");
  EXPECT_EQ(got->values, (std::vector<double>{70.0, -1e-3}));
}

TEST(analyze_body, the_threshold_may_be_left_out) {
  const auto got = decode_analyze(R"({"readings":[]})");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->threshold, 2.0);
  EXPECT_TRUE(got->items.empty());
}

struct refused_analysis {
  std::string_view text, message, field;
};

TEST(analyze_body, what_is_against_the_rules_is_named) {
  const refused_analysis table[] = {
      {R"({})", "readings is missing", "readings"},
      {R"({"readings":[],"treshold":3})", R"(treshold is not known; is "threshold" meant?)", "treshold"},
      {R"({"readings":{}})", "readings must be an array", "readings"},
      {R"({"readings":null})", "readings must be an array", "readings"},
      {R"({"readings":[],"readings":[]})", "readings is given twice", "readings"},
      {R"({"readings":[],"threshold":-0.1})", "threshold must be 0 or more", "threshold"},
      {R"({"readings":[],"threshold":"2"})", "threshold must be a finite number", "threshold"},
      {R"({"readings":[],"threshold":null})", "threshold must be a finite number", "threshold"},
      {R"({"readings":[],"threshold":1e999})", "threshold must be a finite number", "threshold"},
      {R"({"readings":[],"threshold":1,"threshold":2})", "threshold is given twice", "threshold"},
  };
  for (const auto& [text, message, field] : table) {
    const auto got = decode_analyze(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, errc::invalid) << text;
    EXPECT_EQ(got.error().message, message) << text;
    EXPECT_EQ(got.error().field, field) << text;
  }
}

TEST(analyze_body, a_bad_reading_is_named_by_index_and_member) {
  const refused_analysis table[] = {
      {R"(5)", "must be an object", ""},
      {R"({"value":1,"timestamp":"t"})", "is missing", "id"},
      {R"({"id":1,"timestamp":"t"})", "is missing", "value"},
      {R"({"id":1,"value":1})", "is missing", "timestamp"},
      {R"({"id":1.5,"value":1,"timestamp":"t"})", "must be an integer", "id"},
      {R"({"id":"1","value":1,"timestamp":"t"})", "must be an integer", "id"},
      {R"({"id":1,"value":"1","timestamp":"t"})", "must be a finite number", "value"},
      {R"({"id":1,"value":1e999,"timestamp":"t"})", "must be a finite number", "value"},
      {R"({"id":1,"value":1,"timestamp":7})", "must be text", "timestamp"},
      {R"({"id":1,"id":1,"value":1,"timestamp":"t"})", "is given twice", "id"},
  };
  for (const auto& [text, reason, field] : table) {
    const auto got = decode_analyze(R"({"readings":[{"id":1,"value":1,"timestamp":"t"},)" + std::string(text) + "]}");
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, errc::invalid) << text;
    EXPECT_EQ(got.error().message, "1 of 2 readings are not valid");
    ASSERT_EQ(got.error().rows.size(), 1U) << text;
    EXPECT_EQ(got.error().rows[0].index, 1U);
    EXPECT_EQ(got.error().rows[0].reason, reason) << text;
    EXPECT_EQ(got.error().rows[0].field, field) << text;
  }
}

TEST(analyze_body, damage_anywhere_is_found) {
  for (const std::string_view text :
       {"", "x", "[]", "5", R"({"readings":[])", R"({"readings":[]}x)", R"({"readings":[]}{})", R"({"readings":[],"x":tru})",
        R"({"readings":[{"id":1,"value":01,"timestamp":"t"}]})", R"({"readings":[{"id":1,"value":1,"timestamp":"\x"}]})",
        R"({"readings":[{"id":1,"value":1,"timestamp":"\ud800"}]})",
        R"({"readings":[{"id":1,"value":1,"timestamp":"t","k":[1,]}]})",
        "{\"readings\":[{\"id\":1,\"value\":1,\"timestamp\":\"\xFF\"}]}", R"({"\q":1,"readings":[]})"}) {
    const auto got = decode_analyze(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, errc::malformed) << text;
  }
}

TEST(analyze_body, more_readings_than_a_body_may_hold_are_too_large) {
  std::string text = R"({"readings":[)";
  for (std::size_t i = 0; i <= limits::readings_per_body; ++i) text += "0,";
  text.back() = ']';
  const auto got = decode_analyze(text + "}");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::too_large);
}

}  // namespace
}  // namespace factory
