#pragma once

#include <cstdint>

/// The constants of the pattern detector, the same for all sensors. They were searched for on NAB (docs/explanation/detectors.md says how, and what
/// constants that were found on other files score).
namespace factory::pattern_tuning {

// novelty memory
inline constexpr double scale_rate = 0.002315;  ///< of median and deviation, a block
inline constexpr double mean_share = 0.395;     ///< of the mean deviation: the least scale
inline constexpr double fast_rate = 0.1332;     ///< of the fast mean, a block
inline constexpr double squash = 18.11;         ///< scales at which a deviation counts half
inline constexpr double weight_mean = 1.861, weight_half = 0.6041, weight_quarter = 0.2729, weight_eighth = 0.79,
                        weight_level = 2.099;
inline constexpr double radius_share = 1.42, usual_rate = 0.01019, least_usual = 0.2343;
inline constexpr double floor_limit = 3.22, peak_share = 1.347, peak_deviation = 0.07114, peak_rate = 0.008519;
inline constexpr double clip = 8.073;  ///< a peak counts up to so many limits

// seasonal residual
inline constexpr std::uint32_t residual_length = 5;
inline constexpr double visit_rate = 0.1083, residual_usual_rate = 0.0005592;
inline constexpr double residual_floor = 2.422, residual_peak_share = 0.9607, residual_peak_deviation = 1.092;

// one-step forecast
inline constexpr double forecast_rate = 0.01958, forecast_floor = 0.9868, forecast_peak_share = 0.6788,
                        forecast_peak_deviation = 6.251;

// holding its tongue
inline constexpr double quiet_share = 0.04686, quiet_least = 13.8, quiet_most = 679.1, breaks_through = 8;

}  // namespace factory::pattern_tuning
