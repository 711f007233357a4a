#include "pipelines/model/time.hpp"

#include <fast_float/fast_float.h>

#include <cmath>

#include "pipelines/model/time_text.hpp"

namespace factory {

namespace {

using detail::us_per_second;
constexpr std::int64_t seconds_per_day = 86'400;

/// Reads fixed-width decimal fields off the front; after the first mismatch `ok` stays false and everything reads as 0.
class field_reader {
 public:
  explicit field_reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  unsigned digits(int width) {
    unsigned number = 0;
    if (end_ - at_ < width) ok_ = false;
    for (int i = 0; ok_ && i < width; ++i) {
      const unsigned digit = static_cast<unsigned char>(at_[i]) - unsigned{'0'};
      if (digit > 9) ok_ = false;
      number = number * 10 + digit;
    }
    if (ok_) at_ += width;
    return ok_ ? number : 0;
  }
  void expect(char c) {
    if (!take(c)) ok_ = false;
  }
  bool take(char c) {
    if (!ok_ || at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  /// One or more digits after the point, as microseconds; skips digits beyond the sixth.
  unsigned fraction_us() {
    unsigned number = 0, scale = us_per_second;
    const char* const begin = at_;
    for (; at_ != end_ && static_cast<unsigned char>(*at_) - unsigned{'0'} <= 9; ++at_) {
      scale /= 10;
      number += (static_cast<unsigned char>(*at_) - unsigned{'0'}) * scale;
    }
    if (at_ == begin) ok_ = false;
    return number;
  }
  void refuse() { ok_ = false; }
  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }

 private:
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years are counted from March, so that the leap day comes last.
std::int64_t days_from_civil(unsigned year, unsigned month, unsigned day) {
  const unsigned y = month <= 2 ? year - 1 : year;
  const unsigned months_since_march = month > 2 ? month - 3 : month + 9;
  const unsigned day_of_year = (153 * months_since_march + 2) / 5 + day - 1;
  return std::int64_t{y} * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}

bool valid_date(unsigned year, unsigned month, unsigned day) {
  constexpr unsigned char length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= length[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/// `Z`, `+02:00`, `+0200`, `+02` or nothing, in seconds to subtract.
std::int64_t read_offset(field_reader& in) {
  if (in.done() || in.take('Z') || in.take('z')) return 0;
  const bool west = in.take('-');
  if (!west) in.expect('+');
  const unsigned hours = in.digits(2);
  const unsigned minutes = in.take(':') || !in.done() ? in.digits(2) : 0;
  if (hours > 23 || minutes > 59) in.refuse();
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

struct civil_date {
  std::int64_t year;
  unsigned month, day;
};

civil_date civil_from_days(std::int64_t days) {
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(shifted - era * 146'097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned months_since_march = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
  const unsigned month = months_since_march < 10 ? months_since_march + 3 : months_since_march - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

void append_digits(std::string& out, std::int64_t number, int width) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i, number /= 10) digits[i] = static_cast<char>('0' + number % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

}  // namespace

std::optional<precision> parse_precision(std::string_view text) {
  if (text == "s") return precision::s;
  if (text == "ms") return precision::ms;
  if (text == "us") return precision::us;
  if (text == "ns") return precision::ns;
  return std::nullopt;
}

tl::expected<std::int64_t, time_fault> read_time(std::string_view text) {
  constexpr auto none = tl::unexpected(time_fault::not_a_time);
  // ISO 8601's expanded years, which are all outside of the range: read as year 4, so that what stands behind is checked.
  const bool is_far = text.size() > 7 && (text[0] == '+' || text[0] == '-');
  field_reader in(is_far ? text.substr(1) : text);
  const unsigned read_year = in.digits(is_far ? 6 : 4);
  const unsigned year = is_far ? 4 : read_year;
  in.expect('-');
  const unsigned month = in.digits(2);
  in.expect('-');
  const unsigned day = in.digits(2);
  if (!in.ok() || !valid_date(year, month, day)) return none;
  // Year 0 is a leap year, as 4 is; neither is within the range.
  std::int64_t seconds = days_from_civil(year == 0 ? 4 : year, month, day) * seconds_per_day;
  unsigned fraction_us = 0;
  if (!in.done()) {
    if (!in.take('T') && !in.take(' ')) in.expect('t');
    const unsigned hour = in.digits(2);
    in.expect(':');
    const unsigned minute = in.digits(2);
    const unsigned second = in.take(':') ? in.digits(2) : 0;
    if (in.take('.')) fraction_us = in.fraction_us();
    if (hour > 23 || minute > 59 || second > 60) return none;
    seconds += hour * 3600 + minute * 60 + second - read_offset(in);
    // A leap second ends a UTC day.
    if (second == 60 && seconds % seconds_per_day != 0) return none;
  }
  if (!in.ok() || !in.done()) return none;
  const auto time_us = is_far ? std::nullopt : detail::in_range(seconds * us_per_second + fraction_us);
  if (!time_us) return tl::unexpected(time_fault::out_of_range);
  return *time_us;
}

std::optional<std::int64_t> parse_time_us(std::string_view text) {
  const auto time_us = read_time(text);
  return time_us ? std::optional(*time_us) : std::nullopt;
}

std::string format_time(std::int64_t time_us) {
  std::int64_t seconds = time_us / us_per_second, fraction = time_us % us_per_second;
  if (fraction < 0) fraction += us_per_second, --seconds;
  std::int64_t days = seconds / seconds_per_day, of_day = seconds % seconds_per_day;
  if (of_day < 0) of_day += seconds_per_day, --days;
  const civil_date date = civil_from_days(days);
  std::string out;
  out.reserve(sizeof "2026-01-19T10:00:00.000000Z");
  append_digits(out, date.year, 4);
  out += '-', append_digits(out, date.month, 2);
  out += '-', append_digits(out, date.day, 2);
  out += 'T', append_digits(out, of_day / 3600, 2);
  out += ':', append_digits(out, of_day / 60 % 60, 2);
  out += ':', append_digits(out, of_day % 60, 2);
  if (fraction != 0) {
    const bool whole_ms = fraction % 1000 == 0;
    out += '.', append_digits(out, whole_ms ? fraction / 1000 : fraction, whole_ms ? 3 : 6);
  }
  return out += 'Z';
}

std::optional<std::int64_t> parse_duration_us(std::string_view text) {
  double number = 0;
  const auto [rest, problem] =
      fast_float::from_chars(text.data(), text.data() + text.size(), number, fast_float::chars_format::fixed);
  if (problem != std::errc{} || text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  double unit_us = 0;
  if (unit == "ms")
    unit_us = 1e3;
  else if (unit == "s" || unit.empty())
    unit_us = 1e6;
  else if (unit == "m")
    unit_us = 60e6;
  else if (unit == "h")
    unit_us = 3600e6;
  else if (unit == "d")
    unit_us = 86400e6;
  const double us = std::round(number * unit_us);
  // 2^53: whole microseconds up to here, 285 years.
  if (!(us >= 1) || us > 9'007'199'254'740'992.0) return std::nullopt;
  return static_cast<std::int64_t>(us);
}

}  // namespace factory
