#include <gtest/gtest.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <optional>
#include <random>
#include <string>

#include "pipelines/decode/decode.hpp"

// Valid and invalid JSON, with damage at every place: in members of readings and in ignored values.
// Choices where RFC 8259 leaves one: a byte order mark is ignored; nesting deeper than 64 is refused; lone surrogates are
// refused; a number too large for a double is fine where it is ignored and a refused row where it is a value.
namespace factory {
namespace {

class json_conformance : public testing::Test {
 protected:
  json_conformance() {
    known_.insert(1);
    options_.known = &known_;
    options_.partial = true;
  }
  /// True when the decoder accepts the text as JSON, whatever its rows are.
  bool whole(std::string_view text) {
    const std::string heap(text);
    const auto result = decoder_.bulk(heap, options_, rows_);
    rows_.clear();
    return result || result.error().code != errc::malformed;
  }

  sensor_set known_;
  decode_options options_;
  json_decoder decoder_;
  batch_builder rows_;
};

constexpr std::string_view good_values[] = {
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "1.5",
    "-1.5",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.25e-10",
    "0.0",
    "0e0",
    "1e999",
    "-1e999",
    "123456789012345678901234567890",
    "9223372036854775808",
    "-9223372036854775809",
    "1e-999",
    "true",
    "false",
    "null",
    R"("")",
    R"("a")",
    R"("\"\\\/\b\f\n\r\t")",
    R"("\u00e9")",
    R"("\ud83d\ude00")",
    "\"\xC3\xA9\"",
    "\"\xF0\x9F\x98\x80\"",
    R"("\u0000")",
    R"("a:b")",
    R"("],}")",
    "\"\x7F\"",
    "[]",
    "{}",
    "[1,2]",
    R"({"a":1})",
    R"({"a":{"b":[{}]}})",
    "[[[[]]]]",
    R"({"a":1,"a":2})",
    R"({"":0})",
    R"({"\u0061":1})",
    " 1 ",
    "\t[\n1\r,\n2 ]",
    R"( {"a" : "b" } )",
};

constexpr std::string_view bad_values[] = {
    "",
    "01",
    "-01",
    "00",
    "1.",
    ".5",
    "-.5",
    "-",
    "+1",
    "--1",
    "1e",
    "1e+",
    "1.e3",
    "1.5.2",
    "1e3.5",
    "0x10",
    "1_000",
    "1,",
    "1 2",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "inf",
    "1a",
    "1e5x",
    "0.1.2",
    "tru",
    "truee",
    "True",
    "TRUE",
    "fals",
    "falsee",
    "nul",
    "nulll",
    "None",
    "undefined",
    "true1",
    "t",
    "f",
    "n",
    "\"",
    "\"a",
    "a\"",
    R"("a"b)",
    R"("a""b")",
    R"("a" "b")",
    R"('a')",
    R"("\x41")",
    R"("\u12")",
    R"("\u12g4")",
    R"("\u")",
    R"("\")",
    R"("\ud800")",
    R"("\udc00")",
    R"("\ud800\u0041")",
    R"("\ud800x")",
    R"("\udc00\ud800")",
    R"("\a")",
    R"("\ ")",
    "\"\n\"",
    "\"\t\"",
    "\"\x01\"",
    std::string_view("\"\0\"", 3),
    "\"\xFF\"",
    "\"\xC3\"",
    "\"\xC0\x80\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\x80\"",
    "\xC3\xA9",
    "[",
    "]",
    "[1",
    "1]",
    "[1,",
    "[,1]",
    "[1,]",
    "[,]",
    "[1,,2]",
    "[1 2]",
    "[1:2]",
    "[}",
    "[1}",
    "{",
    "}",
    "{1}",
    R"({"a"})",
    R"({"a":})",
    R"({"a":1,})",
    R"({,"a":1})",
    R"({"a" 1})",
    R"({"a",1})",
    R"({"a":1 "b":2})",
    R"({"a":1;"b":2})",
    R"({a:1})",
    R"({'a':1})",
    R"({"a":1])",
    R"({"a"::1})",
    R"({"a":"b":1})",
    R"({"a":1:2})",
    R"({"a":"b" "c"})",
    R"({"a":1,1})",
    R"({1:2})",
    R"({true:2})",
    R"({[]:2})",
    R"({"a":[})",
    R"({"a":{]})",
    R"({"\x":1})",
    R"({"\ud800":1})",
    R"({"\u00":1})",
    R"({"a\":1})",
    "{\"a\n\":1}",
    "{\"\xFF\":1}",
    "// c\n1",
    "/**/1",
    "1//",
    "#",
    ":",
    ",",
    "\\",
    "\v1",
    "\f1",
    "\xA0"
    "1",
    std::string_view("1\0", 2),
    std::string_view("\0", 1),
    "\xEF\xBB\xBF"
    "1",
    "[1]]",
    "{}}",
    "[[1]",
    "[{]",
    "{[}",
    "{{}}",
    "[]{}",
    "[]1",
    "{}\"\"",
    "true false",
    "nulltrue",
    "\"a\":1",
};

constexpr std::string_view around[][2] = {
    {R"([{"sensor_id":1,"value":)", R"(}])"},
    {R"([{"sensor_id":)", R"(,"value":1}])"},
    {R"([{"sensor_id":1,"value":1,"timestamp":)", R"(}])"},
    {R"([{"sensor_id":1,"value":1,"note":)", R"(}])"},
    {R"([{"note":)", R"(,"sensor_id":1,"value":1}])"},
    {R"([{"sensor_id":1,"value":1,"note":{"a":[)", R"(]}}])"},
    {R"([{"sensor_id":1,"value":1,"value":)", R"(}])"},
    {R"([{"sensor_id":1,"value":1},)", R"(])"},
    {R"([)", R"(,{"sensor_id":1,"value":1}])"},
    {R"({"sensor_id":1,"value":)", R"(})"},
    {R"({"note":)", R"(,"sensor_id":1,"value":1})"},
    {R"({"sensor_id":[1,)", R"(],"value":[1,2]})"},
    {R"({"sensor_id":[1,1],"value":[)", R"(,2]})"},
    {R"({"sensor_id":[1,1],"timestamp":[)", R"(,2],"value":[1,2]})"},
    {R"({"sensor_id":1,"start":)", R"(,"interval_ms":1,"values":[1,2]})"},
    {R"({"sensor_id":1,"start":1,"interval_ms":)", R"(,"values":[1,2]})"},
    {R"({"sensor_id":1,"start":1,"interval_ms":1,"values":)", R"(})"},
    {R"({"sensor_id":1,"start":1,"interval_ms":1,"values":[1,)", R"(]})"},
    {R"({"value":[1],"value":)", R"(})"},
};

std::string put(const std::string_view (&frame)[2], std::string_view value) {
  return std::string(frame[0]) + std::string(value) + std::string(frame[1]);
}

TEST_F(json_conformance, every_good_value_is_fine_wherever_it_stands) {
  for (const auto& frame : around) {
    for (const std::string_view value : good_values) EXPECT_TRUE(whole(put(frame, value))) << put(frame, value);
  }
}

/// Takes everything but a lone low surrogate, which RapidJSON lets pass as three bytes that are no UTF-8.
struct strict_handler : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, strict_handler> {
  bool String(const char* text, rapidjson::SizeType length, bool) {
    for (rapidjson::SizeType i = 0; i + 1 < length; ++i) {
      if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0) return false;
    }
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType length, bool copied) { return String(text, length, copied); }
};

/// Whether the text is an array or object as JSON writes it; nothing where RapidJSON stops at a number too big for it.
std::optional<bool> is_json(std::string_view text) {
  rapidjson::MemoryStream stream(text.data(), text.size());
  strict_handler nothing;
  rapidjson::Reader reader;
  reader.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag>(
      stream, nothing);
  if (reader.GetParseErrorCode() == rapidjson::kParseErrorNumberTooBig) return std::nullopt;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return !reader.HasParseError() && (text[first] == '[' || text[first] == '{');
}

// Some damage is none in some frames, where one half closes what the other opens: the other parser says which.
TEST_F(json_conformance, no_bad_value_passes_wherever_it_stands) {
  for (const auto& frame : around) {
    for (const std::string_view value : bad_values) {
      const std::string text = put(frame, value);
      EXPECT_EQ(whole(text), is_json(text)) << text;
    }
  }
}

TEST_F(json_conformance, nothing_may_follow_the_value) {
  for (const std::string_view body : {R"([{"sensor_id":1,"value":1}])", R"({"sensor_id":1,"value":1})", "[]"}) {
    EXPECT_TRUE(whole(std::string(body) + " \r\n\t"));
    for (const std::string_view tail : {",", "]", "}", "[]", "{}", "1", "\"\"", "x", "null", "\\", "\xFF", "[", "{"}) {
      EXPECT_FALSE(whole(std::string(body) + std::string(tail))) << body << tail;
      EXPECT_FALSE(whole(std::string(body) + "\n" + std::string(tail))) << body << tail;
      EXPECT_FALSE(whole(std::string(tail) + std::string(body))) << tail << body;
    }
    EXPECT_FALSE(whole(std::string(body) + std::string(1, '\0'))) << body;
  }
  EXPECT_FALSE(whole(""));
  EXPECT_FALSE(whole(" \n"));
}

TEST_F(json_conformance, deep_nesting_is_refused_without_harm) {
  for (const auto& frame : around) {
    for (const int depth : {100, 5'000, 1'000'000}) {
      std::string open, close;
      for (int i = 0; i < depth; ++i) open += '[', close += ']';
      EXPECT_FALSE(whole(put(frame, open + close))) << frame[0];
      std::string object;
      for (int i = 0; i < depth; ++i) object += "{\"a\":";
      EXPECT_FALSE(whole(put(frame, object + "1" + std::string(depth, '}')))) << frame[0];
    }
    EXPECT_TRUE(whole(put(frame, std::string(50, '[') + std::string(50, ']')))) << frame[0];
  }
}

TEST_F(json_conformance, a_damaged_body_says_where) {
  const auto result = decoder_.bulk(R"([{"sensor_id":1,"value":1},{"sensor_id":1,"value":tru}])", options_, rows_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::malformed);
  EXPECT_NE(result.error().message.find("near byte "), std::string::npos) << result.error().message;
}

/// Any change of a few bytes gets the same verdict as from another parser.
TEST_F(json_conformance, changed_bodies_are_judged_as_another_parser_judges_them) {
  const std::string bodies[] = {
      R"([{"sensor_id":1,"value":21.5,"timestamp":"2026-01-19T10:00:00Z","q":"a\"b\\"},{"value":-1e-3,"sensor_id":1}])",
      R"({"sensor_id":[1,1],"timestamp":[1,2],"value":[1.5,2],"n":{"k":[true,null,"x\u00e9"]}})",
      R"({"sensor_id":1,"start":"2026-01-19","interval_ms":10,"values":[1,2.25,3e2,4]})",
      R"( [ { "sensor_id" : 1 , "value" : 1 , "z" : [ { } , [ ] , false , "\ud83d\ude00" ] } ] )"};
  constexpr std::string_view bytes = "{}[]:,\"\\ 0123456789.eE+-truefalsn\tu/\n\x01\xC3\xA9\x80xd8";
  std::mt19937 random(20260119);
  int good = 0, bad = 0;
  for (int round = 0; round < 400'000; ++round) {
    std::string text = bodies[random() % std::size(bodies)];
    for (std::size_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = bytes[random() % bytes.size()]; break;
        case 1: text.insert(at, 1, bytes[random() % bytes.size()]); break;
        case 2: text.erase(at, 1 + random() % 3); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 8)); break;
      }
      if (text.empty()) text = "[";
    }
    const std::optional<bool> expected = is_json(text);
    if (!expected) continue;
    (*expected ? good : bad)++;
    ASSERT_EQ(whole(text), *expected) << text;
  }
  EXPECT_GT(good, 10'000);
  EXPECT_GT(bad, 10'000);
}

}  // namespace
}  // namespace factory
