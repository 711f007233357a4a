#pragma once

#include <cstdint>

namespace factory {

/// A reading that can matter to an alarm, or that none is there any more at this time.
struct alarm_row {
  std::int64_t time_us = 0;
  double value = 0;
  bool gone = false;  ///< what alarms have seen at this time does not count
  bool operator==(const alarm_row&) const = default;
};

}  // namespace factory
