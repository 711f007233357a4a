#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace factory {

struct line_tag {
  std::string_view key, value;
};

struct line_field {
  enum class kind : std::uint8_t { real, integer, unsigned_integer, boolean, text };
  std::string_view key;
  kind what{};
  double number = 0;        ///< finite; booleans are 0 and 1; not for text
  bool exact = true;        ///< false: an integer that no double holds
  std::string_view text{};  ///< of text fields, unescaped
};

/// measurement[,tag=value…] field=value[,field=value…] [time]
struct line_row {
  std::string_view measurement;
  std::vector<line_tag> tags;
  std::vector<line_field> fields;    ///< at least one
  std::optional<std::int64_t> time;  ///< in the precision of the request or file
};

/// InfluxDB line protocol, a piece of the text at a time. Where its descriptions differ: a line always ends at its newline, also
/// within a quoted string (so damage never reaches the next line); a backslash escapes only characters that need it and is
/// otherwise literal; a tag key given twice is refused, as are control characters in names. The statements that a file of
/// `influx_inspect export` has between its lines `# DDL` and `# DML` are skipped.
class line_reader {
 public:
  enum class found : std::uint8_t {
    row,      ///< row() holds it
    end,      ///< only blank lines and comments were left
    more,     ///< the text ends within a line
    damaged,  ///< this line is refused, reason() says why; the next call continues after it
  };
  /// Takes the next line that is no comment and not blank off the front of `text`. `last`: no more text will come.
  found next(std::string_view& text, bool last);

  const line_row& row() const { return row_; }  ///< its views live until the next line is read or the text moves
  const std::string& reason() const { return reason_; }
  std::uint64_t line() const { return line_; }  ///< from 1
  /// The next line has the number after this one.
  void seek(std::uint64_t line) { line_ = line; }

 private:
  class cursor;
  bool read(cursor& in);
  bool read_tags(cursor& in);
  bool read_fields(cursor& in);
  bool read_value(cursor& in, line_field& out);
  bool read_time(cursor& in);
  bool refuse(const cursor& in, std::string_view reason);

  line_row row_;
  std::deque<std::string> unescaped_;
  std::string reason_;
  std::uint64_t line_ = 0;
  bool statements_ = false;  ///< behind # DDL
};

}  // namespace factory
