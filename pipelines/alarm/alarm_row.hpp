#pragma once

#include <cstdint>

namespace factory {

/// A reading that can matter to an alarm.
struct alarm_row {
  std::int64_t time_us = 0;
  double value = 0;
  bool operator==(const alarm_row&) const = default;
};

}  // namespace factory
