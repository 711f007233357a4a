#pragma once

#include <cstdint>

namespace factory {

/// What one instance of a pipeline has seen and made. Readings, but for the last three.
struct stream_counts {
  std::uint64_t in = 0;         ///< taken in, repeated ones included
  std::uint64_t duplicate = 0;  ///< same time and value as one in memory
  std::uint64_t corrected = 0;  ///< same time as one in memory, other value
  std::uint64_t late = 0;       ///< older than what can still be judged: left out
  std::uint64_t future = 0;     ///< ahead of the clock by more than the skew: left out
  std::uint64_t out = 0;        ///< results told, each once
  std::uint64_t revised = 0;    ///< results told again with another value, or taken back
  std::uint64_t faulty = 0;     ///< times at which a step had no finite value
};

/// The newest fault, for people.
struct stream_fault {
  std::int64_t time_us = 0;
  std::uint8_t step = 0;  ///< from 1
};

}  // namespace factory
