#pragma once

#include <array>
#include <cstdint>

namespace factory {

/// A sum of finite doubles without rounding (a long accumulator; Kulisch 1971): values join and leave in any order, and what is told is the
/// sum of those that are in it, to the last bit, whatever it has been through.
class exact_sum {
 public:
  void add(double value);
  void take_away(double value) { add(-value); }
  /// value * value, likewise exact. REQUIRES: its magnitude is 0, or in [2^-480, 2^500].
  void add_square(double value) { put_square(value, 1); }
  void take_square_away(double value) { put_square(value, -1); }

  /// The nearest double; of what lies beyond them the largest.
  double value() const;

 private:
  /// Bit 0 of the first digit is 2^-1074, the smallest double. A digit has its 32 bits, and carries that are not yet passed on.
  static constexpr int digit_bits = 32, lowest_exponent = -1074;
  static constexpr std::size_t digit_count = (1024 + 1074) / digit_bits + 4;

  void put_square(double value, double sign);
  void carry();

  std::array<std::int64_t, digit_count> digits_{};
  std::size_t begin_ = digit_count, end_ = 0;  ///< digits that may not be 0
  std::uint32_t puts_ = 0;                     ///< since carries were passed on
};

}  // namespace factory
