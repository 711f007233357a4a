#pragma once

#include <cstdint>
#include <limits>

namespace factory {

/// How good a reading is, where rules about quality need to know.
enum class row_quality : std::uint8_t { as_known, good, uncertain, bad };

/// A reading that can matter to an alarm, or that none is there any more at this time.
struct alarm_row {
  std::int64_t time_us = 0;
  double value = 0;
  bool gone =
      false;  ///< what alarms have seen at this time does not count; also of a reading of bad quality, which has no value here
  row_quality quality = row_quality::as_known;
  bool operator==(const alarm_row&) const = default;
};

/// At a time at which something else than a value is to be seen: not a number.
inline constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

}  // namespace factory
