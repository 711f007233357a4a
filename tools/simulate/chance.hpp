#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace factory {

/// Random numbers as a function of keys: no state, and every moment can be computed by itself.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2));
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;  // the finalizer of splitmix64
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Even in [0, 1).
inline double uniform(std::uint64_t key, std::uint64_t counter) { return static_cast<double>(mix(key, counter) >> 11) * 0x1p-53; }

/// Normal with mean 0 and deviation 1 (Box and Muller 1958).
inline double gaussian(std::uint64_t key, std::uint64_t counter) {
  const double radius = std::sqrt(-2 * std::log(1 - uniform(key, 2 * counter)));
  return radius * std::cos(2 * std::numbers::pi * uniform(key, 2 * counter + 1));
}

}  // namespace factory
