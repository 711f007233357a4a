#include "pipelines/decode/csv_rows.hpp"

#include <algorithm>

namespace factory {

namespace {

/// When CR ends lines, LF is a blank, and the other way round.
bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(const char* begin, const char* end) {
  while (begin != end && blank(*begin)) ++begin;
  while (begin != end && blank(end[-1])) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

csv_rows::found csv_rows::quoted_cell(const char*& at, const char* end, bool last) {
  const char* const begin = ++at;
  bool doubled = false;
  for (;; ++at) {
    at = std::find(at, end, '"');
    if (at == end || (at + 1 == end && !last)) return last ? found::unclosed_quote : found::more;
    if (at + 1 == end || at[1] != '"') break;
    doubled = true;
    ++at;
  }
  std::string_view cell(begin, static_cast<std::size_t>(at - begin));
  next_line_ += static_cast<std::uint64_t>(std::count(cell.begin(), cell.end(), line_end_));
  if (doubled) {
    std::string& text = unescaped_.emplace_back();
    for (std::size_t i = 0; i < cell.size(); ++i) {
      text += cell[i];
      if (cell[i] == '"') ++i;
    }
    cell = text;
  }
  cells_.push_back(cell);
  for (++at; at != end && blank(*at) && *at != delimiter_ && *at != line_end_; ++at) {
  }
  if (at == end) return last ? found::row : found::more;
  return *at == delimiter_ || *at == line_end_ ? found::row : found::stray_quote;
}

csv_rows::found csv_rows::next(std::string_view& text, bool last) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; at != end && (*at == line_end_ || *at == '\n' || (*at == '\r' && (at + 1 == end ? last : at[1] == '\n'))); ++at) {
    if (*at == line_end_) ++next_line_;
  }
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  if (at == end) return last ? found::end : found::more;
  cells_.clear();
  unescaped_.clear();
  line_ = next_line_;
  for (;; ++at) {
    const char* const begin = at;
    // Blanks may stand before a quote.
    while (at != end && *at == ' ') ++at;
    if (at != end && *at == '"') {
      const found what = quoted_cell(at, end, last);
      if (what == found::more) next_line_ = line_;
      if (what != found::row) return what;
    } else {
      while (at != end && *at != delimiter_ && *at != line_end_) ++at;
      cells_.push_back(trimmed(begin, at));
    }
    if (at == end && !last) {
      next_line_ = line_;
      return found::more;
    }
    if (at == end || *at == line_end_) break;
  }
  if (at != end) ++at, ++next_line_;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()));
  return found::row;
}

}  // namespace factory
