#include "pipelines/decode/line_protocol.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace factory {

/// The rest of a line.
class line_reader::cursor {
 public:
  explicit cursor(std::string_view line) : begin_(line.data()), at_(begin_), end_(begin_ + line.size()) {}

  bool done() const { return at_ == end_; }
  char peek() const { return done() ? '\0' : *at_; }
  std::size_t place() const { return static_cast<std::size_t>(at_ - begin_) + 1; }
  bool take(char c) {
    if (done() || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take_spaces() {
    const char* const from = at_;
    while (take(' ')) {
    }
    return at_ != from;
  }
  /// The text up to the first unescaped byte of `stops`. Removes a backslash before one of `escapable`.
  std::string_view name(std::string_view stops, std::string_view escapable, std::deque<std::string>& unescaped) {
    const char* const from = at_;
    std::string* copy = nullptr;
    for (; at_ != end_ && stops.find(*at_) == std::string_view::npos; ++at_) {
      if (*at_ == '\\' && at_ + 1 != end_ && escapable.find(at_[1]) != std::string_view::npos) {
        if (copy == nullptr) copy = &unescaped.emplace_back(from, at_);
        ++at_;
      }
      if (copy != nullptr) copy->push_back(*at_);
    }
    if (copy != nullptr) return *copy;
    return {from, static_cast<std::size_t>(at_ - from)};
  }
  std::string_view token() {
    const char* const from = at_;
    while (at_ != end_ && *at_ != ',' && *at_ != ' ') ++at_;
    return {from, static_cast<std::size_t>(at_ - from)};
  }

 private:
  const char* begin_;
  const char* at_;
  const char* end_;
};

namespace {

bool has_control(std::string_view name) {
  return std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

template <class Integer>
std::optional<Integer> whole_integer(std::string_view text) {
  Integer value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || rest != end) return std::nullopt;
  return value;
}

template <class Integer>
bool read_integer(std::string_view digits, line_field& out) {
  const auto value = whole_integer<Integer>(digits);
  if (!value) return false;
  out.number = static_cast<double>(*value);
  // 2^64 and 2^63 as doubles are outside the integer range, so casting them back would be undefined.
  constexpr double bound = std::is_signed_v<Integer> ? 9223372036854775808.0 : 18446744073709551616.0;
  out.exact = out.number < bound && static_cast<Integer>(out.number) == *value;
  return true;
}

std::optional<bool> read_boolean(std::string_view text) {
  for (const std::string_view word : {"t", "T", "true", "True", "TRUE"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"f", "F", "false", "False", "FALSE"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

bool starts_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && ((text[0] >= '0' && text[0] <= '9') || text[0] == '.');
}

}  // namespace

bool line_reader::refuse(const cursor& in, std::string_view reason) {
  reason_ = std::string(reason) + " at byte " + std::to_string(in.place());
  return false;
}

line_reader::found line_reader::next(std::string_view& text, bool last) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos && !last) return found::more;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    cursor in(line);
    in.take_spaces();
    if (line == "# DDL") statements_ = true;
    if (line == "# DML") statements_ = false;
    if (in.done() || in.peek() == '#' || statements_) continue;
    return read(in) ? found::row : found::damaged;
  }
  return last ? found::end : found::more;
}

bool line_reader::read(cursor& in) {
  row_.tags.clear();
  row_.fields.clear();
  row_.time.reset();
  unescaped_.clear();
  row_.measurement = in.name(", ", ", ", unescaped_);
  if (row_.measurement.empty()) return refuse(in, "there is no measurement");
  if (has_control(row_.measurement)) return refuse(in, "the measurement holds a control character");
  return read_tags(in) && read_fields(in) && read_time(in);
}

bool line_reader::read_tags(cursor& in) {
  while (in.take(',')) {
    const std::string_view key = in.name("=, ", ",= ", unescaped_);
    if (key.empty()) return refuse(in, "a tag has no name");
    if (!in.take('=')) return refuse(in, "a tag has no value");
    const std::string_view value = in.name(", =", ",= ", unescaped_);
    if (value.empty()) return refuse(in, "a tag has no value");
    if (in.peek() == '=') return refuse(in, "an equals sign in a tag must be escaped");
    if (has_control(key) || has_control(value)) return refuse(in, "a tag holds a control character");
    for (const line_tag& other : row_.tags) {
      if (other.key == key) return refuse(in, "a tag is given twice");
    }
    row_.tags.push_back({key, value});
  }
  return in.take_spaces() || refuse(in, "there are no fields");
}

bool line_reader::read_fields(cursor& in) {
  do {
    line_field field;
    field.key = in.name("=, ", ",= ", unescaped_);
    if (field.key.empty()) return refuse(in, row_.fields.empty() ? "there are no fields" : "a field has no name");
    if (has_control(field.key)) return refuse(in, "a field name holds a control character");
    if (!in.take('=')) return refuse(in, "a field has no value");
    if (!read_value(in, field)) return false;
    row_.fields.push_back(field);
  } while (in.take(','));
  return true;
}

bool line_reader::read_value(cursor& in, line_field& out) {
  using kind = line_field::kind;
  if (in.take('"')) {
    out.what = kind::text;
    out.text = in.name("\"", "\"\\", unescaped_);
    return in.take('"') || refuse(in, "a quoted value is not closed before the end of the line");
  }
  const std::string_view text = in.token();
  const std::string_view digits = text.substr(0, text.empty() ? 0 : text.size() - 1);
  if (const auto truth = read_boolean(text)) {
    out.what = kind::boolean;
    out.number = *truth ? 1 : 0;
    return true;
  }
  if (!starts_number(text)) return refuse(in, "a field value is no number, boolean or quoted text");
  if (text.ends_with('i') || text.ends_with('u')) {
    const bool is_signed = text.ends_with('i');
    out.what = is_signed ? kind::integer : kind::unsigned_integer;
    const bool good = is_signed ? read_integer<std::int64_t>(digits, out) : read_integer<std::uint64_t>(digits, out);
    return good || refuse(in, "an integer is malformed or out of range");
  }
  out.what = kind::real;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = fast_float::from_chars(text.data(), end, out.number);
  if (rest != end || code == std::errc::invalid_argument) return refuse(in, "a number is malformed");
  return (code == std::errc{} && std::isfinite(out.number)) || refuse(in, "a number is not finite");
}

bool line_reader::read_time(cursor& in) {
  if (!in.done() && !in.take_spaces()) return refuse(in, "something follows a field value");
  if (in.done()) return true;
  row_.time = whole_integer<std::int64_t>(in.token());
  if (!row_.time) return refuse(in, "the time is not an integer");
  in.take_spaces();
  return in.done() || refuse(in, "something follows the time");
}

}  // namespace factory
