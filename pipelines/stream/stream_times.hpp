#pragma once

#include <cstdint>

namespace factory {

/// How event time is read; as for sensors.
struct stream_times {
  std::int64_t allowed_lateness_us = 60'000'000;
  std::int64_t future_skew_us = 300'000'000;
};

}  // namespace factory
