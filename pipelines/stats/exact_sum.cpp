#include "pipelines/stats/exact_sum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace factory {

namespace {

__extension__ typedef unsigned __int128 four_digits;  // NOLINT(modernize-use-using): __extension__ takes no using
constexpr std::uint64_t digit_mask = 0xffff'ffff;
constexpr std::uint32_t puts_between_carries = 1U << 30U;  ///< each adds less than 2^32 to a digit of 63 bits

}  // namespace

void exact_sum::add(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto exponent = static_cast<std::uint32_t>(bits >> 52U & 0x7ffU);
  auto mantissa = bits & 0xf'ffff'ffff'ffffU;
  if (exponent != 0) mantissa |= 1ULL << 52U;
  if (mantissa == 0) return;
  const auto place = exponent == 0 ? 0U : exponent - 1;  // of the lowest bit, from 2^-1074 up
  const auto first = place / digit_bits, shift = place % digit_bits;
  const auto low = mantissa << shift;  // up to 85 bits
  const auto high = shift == 0 ? 0 : mantissa >> (64 - shift);
  const std::int64_t parts[] = {static_cast<std::int64_t>(low & digit_mask), static_cast<std::int64_t>(low >> digit_bits),
                                static_cast<std::int64_t>(high)};
  const bool negative = (bits >> 63U) != 0;
  for (std::size_t i = 0; i < 3; ++i) digits_[first + i] += negative ? -parts[i] : parts[i];
  begin_ = std::min<std::size_t>(begin_, first);
  end_ = std::max<std::size_t>(end_, first + 3);
  if (++puts_ == puts_between_carries) carry();
}

/// Dekker's product: high + low is exactly value * value.
void exact_sum::put_square(double value, double sign) {
  constexpr double split = 134'217'729;  // 2^27 + 1
  const double scaled = value * split;
  const double upper = scaled - (scaled - value), lower = value - upper;
  const double high = value * value;
  const double low = ((upper * upper - high) + 2 * upper * lower) + lower * lower;
  add(sign * high);
  add(sign * low);
}

void exact_sum::carry() {
  std::int64_t carried = 0;
  for (auto i = begin_; i + 1 < digit_count; ++i) {
    const auto digit = digits_[i] + carried;
    digits_[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(digit) & digit_mask);
    carried = digit >> digit_bits;
  }
  digits_[digit_count - 1] += carried;
  end_ = digit_count;
  puts_ = 0;
}

double exact_sum::value() const {
  if (begin_ >= end_) return 0;
  std::array<std::uint32_t, digit_count + 2> digits{};
  std::int64_t carried = 0;
  const auto end = std::min(end_ + 2, digit_count);
  for (auto i = begin_; i < end; ++i) {
    const auto digit = digits_[i] + carried;
    digits[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(digit) & digit_mask);
    carried = digit >> digit_bits;
  }
  const bool negative = carried < 0;
  if (negative) {
    std::uint64_t borrowed = 1;
    for (auto i = begin_; i < end; ++i) {
      const auto digit = static_cast<std::uint64_t>(static_cast<std::uint32_t>(~digits[i])) + borrowed;
      digits[i] = static_cast<std::uint32_t>(digit & digit_mask);
      borrowed = digit >> digit_bits;
    }
  }
  auto top = end;
  while (top > begin_ && digits[top - 1] == 0) --top;
  if (top == begin_) return 0;
  four_digits newest = 0;
  for (std::size_t i = 1; i <= 4; ++i) newest = newest << digit_bits | (top >= i ? digits[top - i] : 0U);
  bool any_below = false;
  for (auto i = begin_; i + 4 < top; ++i) any_below = any_below || digits[i] != 0;
  if (any_below) newest |= 1;  // so that it does not lie in the middle between two doubles
  const auto exponent = lowest_exponent + digit_bits * (static_cast<int>(top) - 4);
  const double out = std::ldexp(static_cast<double>(newest), exponent);
  const double bounded = std::min(out, std::numeric_limits<double>::max());
  return negative ? -bounded : bounded;
}

}  // namespace factory
