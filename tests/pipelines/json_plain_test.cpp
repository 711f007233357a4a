// The shortcut for plain bodies: whatever it takes, a full JSON parser takes too, and finds the same rows bit for bit.
#include "pipelines/decode/json_plain.hpp"

#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <bit>
#include <random>
#include <string>
#include <vector>

#include "pipelines/decode/json_plain_scalars.hpp"

namespace factory {
namespace {

constexpr std::size_t most = 1000;
using reader = std::optional<std::uint64_t> (*)(std::string_view, const decode_options&, std::size_t, batch_builder&);

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

struct plain_row {
  std::uint64_t sensor;
  std::int64_t time_us;
  double value;
};

class json_plain_test : public testing::Test {
 protected:
  json_plain_test() {
    for (const sensor_id id : {1U, 2U, 17U, 4'000'000U}) known_.insert(id);
    options_.known = &known_;
    options_.now_us = 5;
    options_.unit_given = true;  // times of 1970 are plain, too
  }

  std::optional<std::uint64_t> read(reader with, std::string_view text) {
    rows_.clear();
    const std::vector<char> exact(text.begin(), text.end());  // so that the address sanitizer detects a read past the end
    return with({exact.data(), exact.size()}, options_, most, rows_);
  }

  /// The result of a full parser for the same text; nullopt when it is not JSON.
  std::optional<std::vector<plain_row>> parsed(reader with, const std::string& text) const {
    std::string array = text;
    if (with == json_plain::read_lines) {
      while (!array.empty() && array.back() == '\n') array.pop_back();
      for (std::size_t at = 0; (at = array.find('\n', at)) != std::string::npos; ++at) array[at] = ',';
      array = "[" + array + "]";
    }
    rapidjson::Document document;
    document.Parse<rapidjson::kParseFullPrecisionFlag>(array.c_str(), array.size());
    if (document.HasParseError()) return std::nullopt;
    std::vector<plain_row> rows;
    if (with == json_plain::read_columns) {
      const auto sensors = document["sensor_id"].GetArray(), values = document["value"].GetArray();
      for (rapidjson::SizeType i = 0; i < values.Size(); ++i)
        rows.push_back({sensors[i].GetUint64(),
                        document.HasMember("timestamp") ? time_of(document["timestamp"][i]) : options_.now_us,
                        values[i].GetDouble()});
    } else {
      for (const auto& each : document.GetArray())
        rows.push_back({each["sensor_id"].GetUint64(), each.HasMember("timestamp") ? time_of(each["timestamp"]) : options_.now_us,
                        each["value"].GetDouble()});
    }
    return rows;
  }

  void expect_same(const std::vector<plain_row>& expected, const std::string& text) const {
    ASSERT_EQ(rows_.size(), expected.size()) << text;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(rows_.sensors()[i], expected[i].sensor) << text;
      ASSERT_EQ(rows_.times_us()[i], expected[i].time_us) << text;
      if (expected[i].value == 0)
        ASSERT_EQ(rows_.values()[i], 0) << text;  // RapidJSON takes -0 for the integer 0
      else
        ASSERT_EQ(bits(rows_.values()[i]), bits(expected[i].value)) << text;
    }
  }

  static std::int64_t time_of(const rapidjson::Value& value) {
    return value.IsString() ? parse_time_us(value.GetString()).value() : to_time_us(value.GetInt64(), precision::ms).value();
  }

  sensor_set known_;
  decode_options options_;
  batch_builder rows_;
};

struct sample {
  reader with;
  std::string text;
};

const std::vector<sample>& plain_bodies() {
  static const std::vector<sample> bodies{
      {json_plain::read_rows, R"([{"sensor_id":1,"value":2.5,"timestamp":1768816800000}])"},
      {json_plain::read_rows,
       R"([{"sensor_id":1,"value":-20.125,"timestamp":1768816800000},{"sensor_id":17,"value":0,"timestamp":12}])"},
      {json_plain::read_rows, R"([{"value":-0,"sensor_id":4000000},{"value":123456.789012,"sensor_id":2}])"},
      {json_plain::read_rows,
       " [ { \"timestamp\" : \"2026-01-19T10:00:00Z\" ,\r\n \"sensor_id\":\t2 , \"value\" :1.0 } ,\n"
       " { \"timestamp\" : \"2026-01-19 10:00:00.5\" ,\r\n \"sensor_id\":\t1 , \"value\" :0.1 } ,\n"
       " { \"timestamp\" : \"2026-01-19 10:00:00.5\" ,\r\n \"sensor_id\":\t17 , \"value\" :9007199254740991 } ] \n"},
      {json_plain::read_lines,
       "{\"sensor_id\":1,\"value\":2.5,\"timestamp\":-5}\n{\"sensor_id\":2,\"value\":3,\"timestamp\":7}\n"},
      {json_plain::read_lines,
       "{\"sensor_id\":1,\"value\":2.5}\r\n{\"sensor_id\":2,\"value\":3}\r\n{\"sensor_id\":17,\"value\":4}"},
      {json_plain::read_columns, R"({"sensor_id":[1,2,2],"timestamp":[1768816800000,5,6],"value":[0.3,-1,12345678.12345678]})"},
      {json_plain::read_columns, R"({ "value" : [ 1.5 ] , "sensor_id" : [17 ] })"},
  };
  return bodies;
}

TEST_F(json_plain_test, takes_plain_bodies_as_a_full_parser_does) {
  for (const auto& [with, text] : plain_bodies()) {
    ASSERT_TRUE(read(with, text)) << text;
    expect_same(parsed(with, text).value(), text);
  }
}

TEST_F(json_plain_test, whatever_it_takes_of_changed_bodies_is_json_with_the_same_rows) {
  constexpr std::string_view bytes = "0123456789-+.eE\"\\,:{}[] \n\tsvtu\xC3\x7F";
  std::mt19937 random(7);
  std::size_t taken = 0, refused = 0;
  for (int round = 0; round < 1'000'000; ++round) {
    auto [with, text] = plain_bodies()[random() % plain_bodies().size()];
    for (auto changes = 1 + random() % 2; changes > 0; --changes) {
      const auto at = random() % text.size();
      const char byte = bytes[random() % bytes.size()];
      switch (random() % 4) {
        case 0: text[at] = byte; break;
        case 1: text.insert(at, 1, byte); break;
        case 2: text.erase(at, 1 + random() % 3); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 40));
      }
      if (text.empty()) text = "{";
    }
    if (!read(with, text)) {
      ASSERT_EQ(rows_.size(), 0U) << text;
      ++refused;
      continue;
    }
    ++taken;
    const auto expected = parsed(with, text);
    ASSERT_TRUE(expected) << text;
    expect_same(*expected, text);
  }
  EXPECT_GT(taken, 30'000U);
  EXPECT_GT(refused, 300'000U);
}

TEST_F(json_plain_test, leaves_the_rest_to_the_parser) {
  for (const auto* text :
       {"[]", "", "[", "[{", R"([{"sensor_id":3,"value":1}])", R"([{"sensor_id":1,"value":1e3}])",
        R"([{"sensor_id":1,"value":01}])", R"([{"sensor_id":1,"value":1.}])", R"([{"sensor_id":1,"value":.5}])",
        R"([{"sensor_id":1,"value":9007199254740993}])", R"([{"sensor_id":1}])", R"([{"sensor_id":1,"value":1,"value":2}])",
        R"([{"sensor_id":1,"value":1,"unit":2}])", R"([{"sensor_id":1,"value":1},{"value":1,"sensor_id":1}])",
        R"([{"sensor_id":1,"value":1}]x)", R"([{"sensor_id":1,"value":1},{"sensor_id":1,"value":1}}])",
        R"([{"sensor_id":1,"value":1},])", R"([{"sensor_id":1,"value":1,"timestamp":"yesterday"}])",
        R"([{"sensor_id":-0,"value":1}])"})
    EXPECT_FALSE(read(json_plain::read_rows, text)) << text;
  for (const auto* text : {R"({"sensor_id":[1],"value":[1,2]})", R"({"sensor_id":[],"value":[]})", R"({"sensor_id":[1]})",
                           R"({"sensor_id":[1],"value":[1],"value":[1]})", R"({"sensor_id":1,"value":[1]})"})
    EXPECT_FALSE(read(json_plain::read_columns, text)) << text;
  EXPECT_FALSE(read(json_plain::read_lines, "{\"sensor_id\":1,\n\"value\":1}\n")) << "a row over two lines is two damaged lines";
}

TEST_F(json_plain_test, takes_no_more_rows_than_are_allowed) {
  std::string text = R"([{"sensor_id":1,"value":1,"timestamp":1})";
  for (std::size_t i = 1; i < most; ++i) text += R"(,{"sensor_id":1,"value":1,"timestamp":1})";
  EXPECT_EQ(read(json_plain::read_rows, text + "]"), most);
  EXPECT_FALSE(read(json_plain::read_rows, text + R"(,{"sensor_id":1,"value":1,"timestamp":1}])"));
}

TEST_F(json_plain_test, leaves_what_may_have_to_be_refused_to_the_parser) {
  EXPECT_FALSE(read(json_plain::read_rows, R"([{"sensor_id":1,"value":1},{"sensor_id":2,"value":2},{"sensor_id":1,"value":3}])"));
  EXPECT_FALSE(read(json_plain::read_lines, "{\"sensor_id\":1,\"value\":1}\n{\"sensor_id\":1,\"value\":3}\n"));
  EXPECT_FALSE(read(json_plain::read_columns, R"({"sensor_id":[1,2,1],"value":[1,2,3]})"));
  options_.unit_given = false;
  EXPECT_FALSE(read(json_plain::read_rows, R"([{"sensor_id":1,"value":1,"timestamp":1768816800}])"));
  EXPECT_TRUE(read(json_plain::read_rows, R"([{"sensor_id":1,"value":1,"timestamp":1768816800000}])"));
}

TEST_F(json_plain_test, decimals_are_rounded_as_strtod_rounds_them) {
  std::mt19937_64 random(11);
  std::size_t taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = std::to_string(i % 100 == 0 ? 0 : random() >> (random() % 64));
    if (random() % 4 != 0) text.insert(1 + random() % text.size(), ".");
    if (random() % 2) text.insert(0, "-");
    text += ']';
    double value = 0;
    const char* const end = text.data() + text.size();
    const char* const behind = json_plain::read_decimal(text.data(), end, value);
    if (behind == nullptr) continue;
    ++taken;
    ASSERT_EQ(behind + 1, end) << text;
    ASSERT_EQ(bits(value), bits(std::strtod(text.c_str(), nullptr))) << text;
  }
  EXPECT_GT(taken, 100'000U);
}

}  // namespace
}  // namespace factory
