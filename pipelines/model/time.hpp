#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace factory {

/// Unit of integer times in input; `?precision=`.
enum class precision : std::uint8_t { s, ms, us, ns };

std::optional<precision> parse_precision(std::string_view text);

/// Integer time in `unit` to microseconds (ns truncate toward the past); nullopt when out of range.
/// The range of event times is [min_event_time_us, max_event_time_us]: years 1678 to 2261, so that
/// the same instant also fits int64 nanoseconds.
inline constexpr std::int64_t min_event_time_us = -9'214'560'000'000'000;  // 1678-01-01
inline constexpr std::int64_t max_event_time_us = 9'214'646'400'000'000;   // 2262-01-01, exclusive
inline std::optional<std::int64_t> to_time_us(std::int64_t value, precision unit);

/// RFC 3339 text, or its common relaxations: a space for the T, no seconds fraction, no offset (means UTC),
/// date alone (midnight). Finer than a microsecond is truncated. Leap second 60 is taken as the next second.
/// nullopt for anything else, month 13 and February 30 included.
std::optional<std::int64_t> parse_time_us(std::string_view text);

/// RFC 3339 in UTC with `Z`, fraction of 0, 3 or 6 digits as needed: 2026-01-19T10:00:00Z.
std::string format_time(std::int64_t time_us);

/// `250ms`, `10s`, `5m`, `1h`, `1d`, or plain seconds, to microseconds; nullopt unless positive.
std::optional<std::int64_t> parse_duration_us(std::string_view text);

namespace detail {

inline constexpr std::int64_t us_per_second = 1'000'000;

inline std::optional<std::int64_t> in_range(std::int64_t time_us) {
  if (time_us < min_event_time_us || time_us >= max_event_time_us) return std::nullopt;
  return time_us;
}

}  // namespace detail

/// Inline, because a body of columns calls it for each reading, and returning an optional through memory stalls.
std::optional<std::int64_t> to_time_us(std::int64_t value, precision unit) {
  std::int64_t us = 0;
  switch (unit) {
    case precision::s:
      if (__builtin_mul_overflow(value, detail::us_per_second, &us)) return std::nullopt;
      break;
    case precision::ms:
      if (__builtin_mul_overflow(value, std::int64_t{1000}, &us)) return std::nullopt;
      break;
    case precision::us: us = value; break;
    case precision::ns: us = value / 1000 - (value % 1000 < 0 ? 1 : 0); break;
  }
  return detail::in_range(us);
}

/// INT64_MIN stands for never: there is nothing before it.
inline std::int64_t before(std::int64_t time_us, std::int64_t span_us) {
  return time_us < INT64_MIN + span_us ? INT64_MIN : time_us - span_us;
}

}  // namespace factory
