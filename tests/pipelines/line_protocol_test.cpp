#include "pipelines/decode/line_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace factory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using found = line_reader::found;
using kind = line_field::kind;

/// "m|tag=value;…|field=kind:number or text;…|time"
std::string show(const line_row& row) {
  std::string out(row.measurement);
  out += '|';
  for (const line_tag& t : row.tags) out += std::string(t.key) + "=" + std::string(t.value) + ";";
  out += '|';
  for (const line_field& f : row.fields) {
    char number[40];
    std::snprintf(number, sizeof number, "%.17g", f.number);
    out += std::string(f.key) + "=" + "riubt"[static_cast<int>(f.what)] + ":" +
           (f.what == kind::text ? std::string(f.text) : number) + (f.exact ? "" : "~") + ";";
  }
  return out + "|" + (row.time ? std::to_string(*row.time) : "-");
}

std::vector<std::string> all(std::string_view text) {
  line_reader reader;
  std::vector<std::string> out;
  for (;;) {
    const found what = reader.next(text, true);
    if (what == found::end) return out;
    out.push_back(std::to_string(reader.line()) + " " + (what == found::row ? show(reader.row()) : "! " + reader.reason()));
  }
}

struct good_line {
  std::string_view text, shown;
};

TEST(line_protocol, rows_are_read_as_the_grammar_says) {
  const good_line table[] = {
      {"m f=1", "m||f=r:1;|-"},
      {"m f=1 5\n", "m||f=r:1;|5"},
      {"m f=1 -5\r\n", "m||f=r:1;|-5"},
      {"  m   f=1   5  ", "m||f=r:1;|5"},
      {"press,factory=berlin,machine=7 temp=21.5,load=3i 1768816800000000000",
       "press|factory=berlin;machine=7;|temp=r:21.5;load=i:3;|1768816800000000000"},
      {"m a=1.,b=.5,c=-1e3,d=1E-2,e=-.5e+1", "m||a=r:1;b=r:0.5;c=r:-1000;d=r:0.01;e=r:-5;|-"},
      {"m a=12i,b=-12i,c=12u,d=0i", "m||a=i:12;b=i:-12;c=u:12;d=i:0;|-"},
      {"m a=9007199254740992i,b=9007199254740993i,c=9223372036854775807i,d=-9223372036854775808i",
       "m||a=i:9007199254740992;b=i:9007199254740992~;c=i:9.2233720368547758e+18~;d=i:-9.2233720368547758e+18;|-"},
      {"m a=18446744073709551615u", "m||a=u:1.8446744073709552e+19~;|-"},
      {"m a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE",
       "m||a=b:1;b=b:1;c=b:1;d=b:1;e=b:1;f=b:0;g=b:0;h=b:0;i=b:0;j=b:0;|-"},
      {R"(m s="a, b=c d" 5)", "m||s=t:a, b=c d;|5"},
      {R"(m s="\"\\\n",t="")", R"(m||s=t:"\\n;t=t:;|-)"},
      {R"(my\ pre\,ss,ta\ g=v\,a\=l fie\=ld=1)", "my pre,ss|ta g=v,a=l;|fie=ld=r:1;|-"},
      {R"(m\x\=y,a=b\c f\d=1)", R"(m\x\=y|a=b\c;|f\d=r:1;|-)"},
      {R"(a\\,b f=1)", R"(a\,b||f=r:1;|-)"},
      {"m=x f=1", "m=x||f=r:1;|-"},
      {"t\xC3\xA9mp f=1", "t\xC3\xA9mp||f=r:1;|-"},
  };
  for (const auto& [text, shown] : table) EXPECT_THAT(all(text), ElementsAre("1 " + std::string(shown))) << text;
}

TEST(line_protocol, blank_lines_and_comments_say_nothing) {
  EXPECT_THAT(all("\n# c\n   # d f=1\n \r\nm f=1\n#\n"), ElementsAre("5 m||f=r:1;|-"));
  EXPECT_THAT(all(""), ElementsAre());
}

struct bad {
  std::string_view text, reason;
};

TEST(line_protocol, what_is_against_the_grammar_is_refused_with_its_place) {
  const bad table[] = {
      {"m", "no fields at byte 2"},
      {"m ", "no fields at byte 3"},
      {",a=b f=1", "no measurement"},
      {"m,a f=1", "tag has no value"},
      {"m,a= f=1", "tag has no value"},
      {"m,=b f=1", "tag has no name"},
      {"m,, f=1", "tag has no name"},
      {"m,a=b,a=c f=1", "tag is given twice"},
      {"m,a=b=c f=1", "must be escaped"},
      {"m,a=b", "no fields"},
      {"m f", "field has no value"},
      {"m f=", "no number, boolean or quoted text"},
      {"m =1", "no fields"},
      {"m f=1,", "field has no name"},
      {"m f=1,,g=2", "field has no name"},
      {"m f=1, g=2", "field has no name"},
      {"m f=NaN", "no number"},
      {"m f=inf", "no number"},
      {"m f=-Infinity", "no number"},
      {"m f=+1", "no number"},
      {"m f=1e999", "not finite"},
      {"m f=1e", "malformed"},
      {"m f=1.2.3", "malformed"},
      {"m f=.", "malformed"},
      {"m f=-", "no number"},
      {"m f=1.5i", "integer is malformed"},
      {"m f=9223372036854775808i", "out of range"},
      {"m f=-1u", "out of range"},
      {"m f=i", "no number"},
      {"m f=0x10", "malformed"},
      {"m f=yes", "no number"},
      {"m f=tRUE", "no number"},
      {"m f='a'", "no number"},
      {"m f=\"a", "not closed"},
      {"m f=\"a\nb\"", "not closed"},
      {"m f=\"a\\\"", "not closed"},
      {"m f=\"a\"b", "something follows a field value"},
      {"m f=1 5x", "time is not an integer"},
      {"m f=1 1.5", "time is not an integer"},
      {"m f=1 +5", "time is not an integer"},
      {"m f=1 9223372036854775808", "time is not an integer"},
      {"m f=1 5 6", "something follows the time"},
      {"m f=1 g=2", "time is not an integer"},
      {"m\tf=1", "control character"},
      {"m,a=\x01 f=1", "control character"},
      {"m f\x7F=1", "control character"},
  };
  for (const auto& [text, reason] : table) {
    const auto got = all(text);
    ASSERT_FALSE(got.empty()) << text;
    EXPECT_THAT(got[0], HasSubstr("1 ! ")) << text;
    EXPECT_THAT(got[0], HasSubstr(std::string(reason))) << text;
  }
}

TEST(line_protocol, a_refused_line_does_not_touch_the_next) {
  EXPECT_THAT(all("m f=\"open\nm f=2\nbad\nm f=3"),
              ElementsAre(HasSubstr("1 ! "), "2 m||f=r:2;|-", HasSubstr("3 ! "), "4 m||f=r:3;|-"));
}

TEST(line_protocol, text_in_pieces_gives_the_same_rows) {
  const std::string text = "# c\nm,a=b f=1,g=\"x y\" 5\r\n\nbad\nm\\ n f=2i\nlast f=t";
  const auto whole = all(text);
  ASSERT_EQ(whole.size(), 4U);
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    line_reader reader;
    std::vector<std::string> out;
    std::string held;
    for (std::size_t given = 0;;) {
      std::string_view left = held;
      const found what = reader.next(left, given == text.size());
      if (what == found::end) break;
      if (what != found::more)
        out.push_back(std::to_string(reader.line()) + " " + (what == found::row ? show(reader.row()) : "! " + reader.reason()));
      held.erase(0, held.size() - left.size());
      if (what == found::more) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 9, text.size() - given);
        held += text.substr(given, size);
        given += size;
      }
    }
    ASSERT_EQ(out, whole);
  }
}

}  // namespace
}  // namespace factory
