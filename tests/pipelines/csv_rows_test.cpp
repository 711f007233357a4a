#include "pipelines/decode/csv_rows.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace factory {
namespace {

using testing::ElementsAre;
using found = csv_rows::found;
using table = std::vector<std::vector<std::string>>;

/// All rows, and what ended them.
std::pair<table, found> all_rows(std::string_view text, char delimiter = ',', char line_end = '\n') {
  csv_rows rows(delimiter, line_end);
  table out;
  for (;;) {
    const found what = rows.next(text, true);
    if (what != found::row) return {out, what};
    out.emplace_back(rows.cells().begin(), rows.cells().end());
  }
}

struct good {
  std::string_view text;
  table rows;
};

std::string with_cr(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', '\r');
  return out;
}

TEST(csv_rows, rows_are_cut_as_rfc_4180_says) {
  const good cases[] = {
      {"", {}},
      {"\n\r\n\n", {}},
      {"a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"a,b\r\nc,d", {{"a", "b"}, {"c", "d"}}},
      {"a,\n,b\n,\n", {{"a", ""}, {"", "b"}, {"", ""}}},
      {" a , b \r\n", {{"a", "b"}}},
      {"\"a,b\",c\n", {{"a,b", "c"}}},
      {"\"a\"\"b\",\"\"\"\",\"\"\n", {{"a\"b", "\"", ""}}},
      {"\"two\nlines\",1\r\n\"x\"", {{"two\nlines", "1"}, {"x"}}},
      {" \"a\" ,b\n", {{"a", "b"}}},
      {"5\" pipe,6\n", {{"5\" pipe", "6"}}},
      {"a\n\n\nb\n", {{"a"}, {"b"}}},
      {"\"a\"\r\n", {{"a"}}},
  };
  for (const good& c : cases) {
    const auto [rows, end] = all_rows(c.text);
    EXPECT_EQ(rows, c.rows) << c.text;
    EXPECT_EQ(end, found::end) << c.text;
    if (c.text.find('\r') != std::string_view::npos) continue;
    table same = c.rows;
    for (auto& row : same)
      for (std::string& cell : row) cell = with_cr(cell);
    EXPECT_EQ(all_rows(with_cr(c.text), ',', '\r'), (std::pair{same, found::end})) << c.text << " with CR";
  }
  EXPECT_EQ(all_rows("a;1,5\n", ';').first, (table{{"a", "1,5"}}));
  EXPECT_EQ(all_rows("a\t \t\"b\tc\"\n", '\t').first, (table{{"a", "", "b\tc"}}));
}

TEST(csv_rows, damaged_quotes_are_found) {
  EXPECT_EQ(all_rows("a\n\"b").second, found::unclosed_quote);
  EXPECT_EQ(all_rows("\"b\"\"").second, found::unclosed_quote);
  EXPECT_EQ(all_rows("\"a\"b,c\n").second, found::stray_quote);
  EXPECT_EQ(all_rows("\"a\" \"b\"\n").second, found::stray_quote);
}

TEST(csv_rows, a_line_feed_behind_a_carriage_return_that_ends_lines_is_a_blank) {
  EXPECT_EQ(all_rows("a,b\r\nc,d\r\n\r\n", ',', '\r'), (std::pair{table{{"a", "b"}, {"c", "d"}}, found::end}));
  EXPECT_EQ(all_rows("\"a\"\r\n\"b\"", ',', '\r').first, (table{{"a"}, {"b"}}));
}

TEST(csv_rows, lines_are_counted_through_quotes_and_blank_lines) {
  std::string_view text = "h\n\n\"a\nb\"\n\r\nlast";
  csv_rows rows(',');
  std::vector<std::uint64_t> lines;
  while (rows.next(text, true) == found::row) lines.push_back(rows.line());
  EXPECT_THAT(lines, ElementsAre(1, 3, 6));
}

TEST(csv_rows, text_in_pieces_gives_the_same_rows_and_lines) {
  const std::string text = "time,\"a \"\"b\"\"\"\r\n1,2\r\n\r\n\"x\ny\",\"\"\"\"\n3,\"4\"\n\n5,6";
  struct row {
    std::vector<std::string> cells;
    std::uint64_t line;
    bool operator==(const row&) const = default;
  };
  const auto in_pieces = [&](auto piece) {
    csv_rows rows(',');
    std::vector<row> out;
    std::string held;
    for (std::size_t given = 0;;) {
      std::string_view left = held;
      const bool last = given == text.size();
      const found what = rows.next(left, last);
      if (what == found::row) out.push_back({{rows.cells().begin(), rows.cells().end()}, rows.line()});
      held.erase(0, held.size() - left.size());
      if (what == found::end) return out;
      if (what == found::more) {
        const std::size_t size = std::min<std::size_t>(piece(), text.size() - given);
        held += text.substr(given, size);
        given += size;
      }
    }
  };
  const auto whole = in_pieces([] { return 1000; });
  ASSERT_EQ(whole.size(), 5U);
  EXPECT_EQ(in_pieces([] { return 1; }), whole);
  std::mt19937 random(3);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(in_pieces([&] { return 1 + random() % 7; }), whole);
}

}  // namespace
}  // namespace factory
