#pragma once

#include <cstddef>
#include <cstdint>

namespace factory {

/// The first of `count` rows in time order whose time, `time_us_of(row)`, is not below `time_us`; `count` when there is none. Searches
/// back from the end in doubling strides, because a reading out of order usually belongs among the newest, which are still in the cache.
template <class TimeOf>
std::size_t lower_bound_near_end(std::size_t count, std::int64_t time_us, TimeOf time_us_of) {
  std::size_t low = 0, high = count;
  for (std::size_t stride = 1; high > 0; stride *= 2) {
    const std::size_t probe = high > stride ? high - stride : 0;
    if (time_us_of(probe) < time_us) {
      low = probe + 1;
      break;
    }
    high = probe;
  }
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (time_us_of(middle) < time_us)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace factory
