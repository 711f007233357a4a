#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace factory {

/// What can go wrong with a simulated sensor.
enum class fault_kind : std::uint8_t {
  spike,        ///< one to three readings off by `size`
  drift,        ///< grows steadily from 0 to `size`, then is gone
  stuck,        ///< repeats its last value
  level_shift,  ///< off by `size` all the while
  drop_out,     ///< no readings
};
std::string_view to_text(fault_kind kind);  ///< "spike" "drift" "stuck" "level_shift" "drop_out"

/// Readings with begin_us <= time < end_us are faulty.
struct fault {
  fault_kind kind{};
  std::int64_t begin_us = 0, end_us = 0;
  double size = 0;  ///< in the sensor's unit; 0 for stuck and drop_out
};

/// How often: time since the epoch is cut into slots, and each sensor has a fault in a slot with this probability.
/// A fault lies within its slot, so faults of one sensor never overlap and any slot can be planned on its own.
struct fault_policy {
  std::int64_t slot_us = 6 * 3'600'000'000LL;
  double probability = 0.08;
};

/// The fault of one sensor in slot `slot` (time / slot_us), or none. Begin and end are multiples of `step_us`.
/// `scale` is the size of a fault that matters, in the sensor's unit.
std::optional<fault> fault_of_slot(const fault_policy& policy, std::uint64_t sensor_key, std::int64_t slot, std::int64_t step_us,
                                   double scale);

/// All faults of one sensor that begin in [begin_us, end_us).
std::vector<fault> plan_faults(const fault_policy& policy, std::uint64_t sensor_key, std::int64_t begin_us, std::int64_t end_us,
                               std::int64_t step_us, double scale);

}  // namespace factory
