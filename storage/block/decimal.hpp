#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

/// Doubles that came from decimal texts, as integers: round(v * scale) with a power of ten as scale.
namespace factory {

/// Powers of ten that a double holds exactly. Dividing by one rounds like reading the decimal text does.
inline constexpr std::array<double, 16> powers_of_ten = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                         1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
/// The magnitude of a decimal is below this. The decimal of every other value, NaN included, is 0.
inline constexpr double largest_decimal = 0x1p51;

namespace detail {
// Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits of the sum, for |v| < 2^51.
inline constexpr double rounder = 0x1.8p52;
inline constexpr auto rounder_bits = std::bit_cast<std::uint64_t>(rounder);
}  // namespace detail

inline std::int64_t to_decimal(double v, double scale) {
  double scaled = v * scale;
  scaled = std::abs(scaled) < largest_decimal ? scaled : 0.0;
  return static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(scaled + detail::rounder) - detail::rounder_bits);
}

inline double from_decimal(std::int64_t decimal, double scale) {
  return (std::bit_cast<double>(static_cast<std::uint64_t>(decimal) + detail::rounder_bits) - detail::rounder) / scale;
}

/// Difference between the bits of `v` and those of that decimal; 0 means equal bit for bit.
inline std::int64_t distance(double v, std::int64_t decimal, double scale) {
  return static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(v) - std::bit_cast<std::uint64_t>(from_decimal(decimal, scale)));
}

}  // namespace factory
