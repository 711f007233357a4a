#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "pipelines/alarm/anomaly_filter.hpp"
#include "pipelines/alarm/weekly_schedule.hpp"

namespace factory {

/// When a breach of a rule becomes an alert, when the alert ends, and what the operator is told. Terms as in ISA-18.2.
/// The defaults are those of a plain limit: raised by the first breach, cleared by the first reading back in range.
struct alarm_options {
  double deadband = 0;                          ///< a reading is back in range when it is inside the limit by at least this much
  bool deadband_in_percent = false;             ///< of |limit|, instead of in the unit of the readings
  std::int64_t on_delay_us = 0;                 ///< the breach must last this long
  std::int64_t off_delay_us = 0;                ///< the return must last this long
  std::uint32_t count = 1, of = 1;              ///< at least `count` of the newest `of` readings must breach
  std::uint32_t priority = 0;                   ///< 1 (most urgent) to 4; 0: as the severity says
  std::string message = {}, instructions = {};  ///< what is wrong; what the operator should do
  bool latch = false;                           ///< what would be cleared stands until an operator resets it
  std::uint32_t suppressed_by = 0;              ///< while this rule of the same sensor is in breach, nobody is told; 0: none
  std::int64_t re_alarm_us = 0;                 ///< an alert that nobody has seen is told again so often; 0: never
  std::int64_t silence_us = 0;                  ///< so long without a reading (NO_DATA), or a good one (STALE_QUALITY)
  double low_low = -std::numeric_limits<double>::infinity();  ///< of LADDER, the outer limits; infinite: there is none
  double high_high = std::numeric_limits<double>::infinity();
  anomaly_filter anomalies = {};  ///< of ANOMALY
  weekly_schedule schedule = {};  ///< outside of it the rule neither raises nor holds an alert

  /// How far inside `limit` a reading must be to be back in range; in the unit of the readings. 0 for an infinite limit.
  double margin_at(double limit) const;
  bool counts_readings() const { return of > 1; }
  bool operator==(const alarm_options&) const = default;
};

/// Appends the bytes of the options (coding.hpp); get_options reads them from the front of `in` and advances it, and returns false,
/// leaving both anywhere, when damaged.
void put_options(std::string& out, const alarm_options& options);
bool get_options(std::string_view& in, alarm_options& options);

}  // namespace factory
