#pragma once

#include <cstdint>

/// The constants of the pattern detector, the same for all sensors. They were searched for on NAB (docs/explanation/detectors.md says how, and what
/// constants that were found on other files score).
namespace factory::pattern_tuning {

// novelty memory
inline constexpr double scale_rate = 0.0034;  ///< of median and deviation, a block
inline constexpr double mean_share = 0.394;   ///< of the mean deviation: the least scale
inline constexpr double fast_rate = 0.17;     ///< of the fast mean, a block
inline constexpr double squash = 21;          ///< scales at which a deviation counts half
inline constexpr double weight_mean = 2.04, weight_half = 0.609, weight_quarter = 0.126, weight_eighth = 0.862,
                        weight_level = 2.13;
inline constexpr double radius_share = 1.3, usual_rate = 0.00928, least_usual = 0.11;
inline constexpr double floor_limit = 3.29, peak_share = 1.34, peak_deviation = 0.105, peak_rate = 0.00102;
inline constexpr double clip = 6.58;  ///< a peak counts up to so many limits

// seasonal residual
inline constexpr std::uint32_t residual_length = 5;
inline constexpr double visit_rate = 0.211, residual_usual_rate = 0.000603;
inline constexpr double residual_floor = 2.02, residual_peak_share = 0.819, residual_peak_deviation = 1.28;

// one-step forecast
inline constexpr double forecast_rate = 0.0333, forecast_floor = 0.482, forecast_peak_share = 0.238,
                        forecast_peak_deviation = 22.8;

// holding its tongue
inline constexpr double more_each = 0.0233, more_forgotten = 3e-5,
                        more_most = 1;  ///< of the boundary: a verdict, a group, at most
inline constexpr double quiet_share = 0.0462, quiet_least = 1, quiet_most = 314, breaks_through = 5.17;

}  // namespace factory::pattern_tuning
