#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace factory {

/// Cuts CSV text into rows of cells (RFC 4180), a piece of the text at a time. Cells that are not quoted lose the blanks around
/// them; views live until the next row is read or the text moves.
class csv_rows {
 public:
  /// `line_end`: '\n', which CRLF is too, or '\r'.
  explicit csv_rows(char delimiter, char line_end = '\n') : delimiter_(delimiter), line_end_(line_end) {}

  enum class found : std::uint8_t {
    row,             ///< cells() holds it
    end,             ///< only blank lines were left
    more,            ///< the text ends within a row: pass it again with more appended
    unclosed_quote,  ///< the text ends within quotes
    stray_quote,     ///< something stands between a closing quote and the delimiter
  };
  /// Takes the next row that is not blank off the front of `text`. `last`: no more text will come, so its end ends a row.
  found next(std::string_view& text, bool last);
  const std::vector<std::string_view>& cells() const { return cells_; }
  /// The line on which the row begins, from 1.
  std::uint64_t line() const { return line_; }
  std::uint64_t next_line() const { return next_line_; }
  /// The next row begins on this line.
  void seek(std::uint64_t line) { next_line_ = line_ = line; }

 private:
  found quoted_cell(const char*& at, const char* end, bool last);

  char delimiter_, line_end_;
  std::vector<std::string_view> cells_;
  std::deque<std::string> unescaped_;  // cells that held doubled quotes
  std::uint64_t line_ = 1, next_line_ = 1;
};

}  // namespace factory
