#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "pipelines/decode/decode.hpp"
#include "pipelines/model/reading_flags.hpp"

/// Readers for the scalars of a plain body. Each takes the place where a value begins and returns the place after it, or nullptr when
/// the value is not plain. REQUIRES: the byte before `end` is no digit, so that a run of digits always stops within the text.
namespace factory::json_plain {

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

/// Eight ASCII digits at once, joined to pairs, fours and eight by a multiplication each; false when one of them is no digit.
inline bool read_eight(const char* at, std::uint64_t& value) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) return false;
  if ((((word + 0x4646464646464646ULL) | (word - 0x3030303030303030ULL)) & 0x8080808080808080ULL) != 0) return false;
  word = (word & 0x0F0F0F0F0F0F0F0FULL) * ((10U << 8U) + 1) >> 8U;
  word = (word & 0x00FF00FF00FF00FFULL) * ((100U << 16U) + 1) >> 16U;
  value = value * 100'000'000 + ((word & 0x0000FFFF0000FFFFULL) * ((10'000ULL << 32U) + 1) >> 32U);
  return true;
}

/// Appends digits up to the first other byte to `value`, which is right only for at most 19 digits.
inline const char* read_digits(const char* at, const char* end, std::uint64_t& value) {
  while (end - at >= 8 && read_eight(at, value)) at += 8;
  while (at != end && is_digit(*at)) value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  return at;
}

/// JSON forbids leading zeros.
inline bool well_begun(const char* begin, const char* end) { return end != begin && (*begin != '0' || end - begin == 1); }

inline const char* read_integer(const char* at, const char* end, std::int64_t& out) {
  constexpr std::ptrdiff_t safe_digits = 18;
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  std::uint64_t magnitude = 0;
  const char* const behind = read_digits(at, end, magnitude);
  if (!well_begun(at, behind) || behind - at > safe_digits) return nullptr;
  out = negative ? -static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  return behind;
}

/// A decimal without exponent whose digits fit a double exactly: then one division by a power of ten, exact up to 10^22, rounds
/// correctly (Clinger 1990).
inline const char* read_decimal(const char* at, const char* end, double& out) {
  static constexpr std::array<double, 19> powers = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  constexpr std::uint64_t exact_below = std::uint64_t{1} << 53U;
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  std::uint64_t digits = 0;
  const char* behind = read_digits(at, end, digits);
  if (!well_begun(at, behind)) return nullptr;
  std::ptrdiff_t count = behind - at, decimals = 0;
  if (behind != end && *behind == '.') {
    const char* const fraction = behind + 1;
    behind = read_digits(fraction, end, digits);
    decimals = behind - fraction;
    if (decimals == 0) return nullptr;
    count += decimals;
  }
  if (count >= static_cast<std::ptrdiff_t>(powers.size()) || digits >= exact_below) return nullptr;
  const double magnitude = static_cast<double>(digits) / powers[static_cast<std::size_t>(decimals)];
  out = negative ? -magnitude : magnitude;
  return behind;
}

inline constexpr std::int64_t year_1971_us = 31'536'000'000'000;

/// Reads the members of readings by what may stand there.
class scalar_reader {
 public:
  explicit scalar_reader(const decode_options& options) : options_(options) {}

  const char* sensor(const char* at, const char* end, sensor_id& out) const {
    std::int64_t id = 0;
    at = read_integer(at, end, id);
    if (at == nullptr || id < 0 || !options_.known->contains(static_cast<std::uint64_t>(id))) return nullptr;
    out = static_cast<sensor_id>(id);
    if (options_.derived != nullptr && options_.derived->contains(out)) return nullptr;
    return at;
  }

  /// The words alone, without escapes.
  static const char* quality(const char* at, const char* end, std::uint8_t& out) {
    if (at == end || *at != '"') return nullptr;
    const char* const begin = ++at;
    while (at != end && *at != '"') ++at;
    if (at == end) return nullptr;
    const auto found = quality_of({begin, static_cast<std::size_t>(at - begin)});
    if (!found) return nullptr;
    out = *found;
    return at + 1;
  }

  const char* time(const char* at, const char* end, std::int64_t& out) {
    if (at != end && *at == '"') return time_text(at + 1, end, out);
    std::int64_t integer = 0;
    at = read_integer(at, end, integer);
    const auto time_us = at != nullptr ? to_time_us(integer, options_.unit) : std::nullopt;
    if (!time_us || (*time_us < year_1971_us && !options_.unit_given)) return nullptr;  // maybe of another unit
    out = *time_us;
    return at;
  }

 private:
  const char* time_text(const char* at, const char* end, std::int64_t& out) {
    const char* const begin = at;
    while (at != end && *at != '"') ++at;
    if (at == end) return nullptr;
    const std::string_view text(begin, static_cast<std::size_t>(at - begin));
    if (text != last_text_ || last_text_.empty()) {
      const auto time_us = parse_time_us(text);  // accepts only text without escapes and non-ASCII bytes
      if (!time_us) return nullptr;
      last_text_ = text;
      last_time_us_ = *time_us;
    }
    out = last_time_us_;
    return at + 1;
  }

  const decode_options& options_;
  std::string_view last_text_;  // rows of a body often share their time; points into the body
  std::int64_t last_time_us_ = 0;
};

}  // namespace factory::json_plain
