#pragma once

#include <bit>
#include <cstdint>

namespace factory {

/// Whether two doubles are one value to us: -0 is not 0.
inline bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

}  // namespace factory
