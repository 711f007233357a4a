#include "pipelines/decode/text_cells.hpp"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "pipelines/model/reading_flags.hpp"
#include "pipelines/model/time_text.hpp"

namespace factory {

namespace {

bool same_letters(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

bool marks_nothing(std::string_view cell) {
  for (const std::string_view mark : {"", "nan", "na", "n/a", "null", "none", "-"}) {
    if (same_letters(cell, mark)) return true;
  }
  return false;
}

}  // namespace

number_cell read_number(std::string_view cell, decimal_mark decimal) {
  using kind = number_cell::kind;
  const char* begin = cell.data();
  const char* const end = begin + cell.size();
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') ++begin;
  double value = 0;
  const auto read_with = [&](char mark) {
    return fast_float::from_chars_advanced(begin, end, value, fast_float::parse_options(fast_float::chars_format::general, mark));
  };
  auto [rest, code] = read_with(decimal == decimal_mark::comma ? ',' : '.');
  if (decimal == decimal_mark::undecided && rest != end && *rest == ',') {
    const auto again = read_with(',');
    rest = again.ptr, code = again.ec;
  }
  if (cell.empty() || code == std::errc::invalid_argument || rest != end || std::isnan(value)) {
    if (same_letters(cell, "true") || same_letters(cell, "false")) return {kind::number, cell.size() == 4 ? 1.0 : 0.0};
    return {marks_nothing(cell) ? kind::empty : kind::other, 0};
  }
  if (code != std::errc{} || std::isinf(value)) return {kind::infinite, 0};
  return {kind::number, value};
}

precision guess_precision(std::int64_t value) {
  const double size = std::abs(static_cast<double>(value));
  return size < 5e9 ? precision::s : size < 5e12 ? precision::ms : size < 5e15 ? precision::us : precision::ns;
}

std::optional<std::int64_t> time_cell::read(std::string_view cell) {
  if (cell != last_text_ || !last_time_us_) {
    last_time_us_ = read_anew(cell);
    last_text_ = cell;
  }
  return last_time_us_;
}

std::optional<std::int64_t> time_cell::checked(std::optional<std::int64_t> time_us) {
  if (!time_us) reason_ = "is outside of the years 1678 to 2261";
  return time_us;
}

std::optional<std::int64_t> time_cell::read_anew(std::string_view cell) {
  reason_ = "is not a time";
  if (const auto text = read_time(cell)) {
    return *text;
  } else if (text.error() == time_fault::out_of_range) {
    return checked(std::nullopt);
  }
  std::int64_t whole = 0;
  const char* const end = cell.data() + cell.size();
  const auto [rest, code] = std::from_chars(cell.data(), end, whole);
  if (code != std::errc{}) return std::nullopt;
  if (!unit_) unit_ = guess_precision(whole);
  if (rest == end) return checked(to_time_us(whole, *unit_));
  // Seconds with a fraction. Reads the digits themselves, because a double would lose some.
  if (*rest != '.' || *unit_ != precision::s || rest + 1 == end) return std::nullopt;
  std::int64_t fraction_us = 0, scale = 1'000'000;
  for (const char* at = rest + 1; at != end; ++at) {
    if (*at < '0' || *at > '9') return std::nullopt;
    scale /= 10;
    fraction_us += (*at - '0') * scale;
  }
  const auto time_us = checked(to_time_us(whole, precision::s));
  if (!time_us) return std::nullopt;
  return cell.starts_with('-') ? *time_us - fraction_us : *time_us + fraction_us;
}

std::optional<std::uint8_t> read_quality(std::string_view cell) {
  std::uint8_t flags = flag_none;
  while (!cell.empty()) {
    const auto word = cell.substr(0, cell.find('|'));
    cell.remove_prefix(std::min(word.size() + 1, cell.size()));
    const auto* const flag = std::ranges::find(flag_names, word, &named_flag::name);
    if (flag == flag_names.end() && word != "good") return std::nullopt;
    if (flag != flag_names.end()) flags |= static_cast<std::uint8_t>(flag->bit & quality_flags);
  }
  return flags;
}

}  // namespace factory
