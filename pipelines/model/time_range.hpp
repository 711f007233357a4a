#pragma once

#include <cstdint>

namespace factory {

struct time_range {
  std::int64_t begin_us = INT64_MIN;  ///< inclusive
  std::int64_t end_us = INT64_MAX;    ///< exclusive
  bool operator==(const time_range&) const = default;
};

}  // namespace factory
