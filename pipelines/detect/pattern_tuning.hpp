#pragma once

#include <cstdint>

namespace factory {

/// The constants of the pattern detector, the same for all sensors. They were searched for on NAB (docs/explanation/detectors.md says how, and what
/// constants that were found on other files score). `factory-bench nab` searches with others.
struct pattern_constants {
  // novelty memory
  double scale_rate = 0.0034;  ///< of median and deviation, a block
  double mean_share = 0.394;   ///< of the mean deviation: the least scale
  double fast_rate = 0.17;     ///< of the fast mean, a block
  double squash = 21;          ///< scales at which a deviation counts half
  double weight_mean = 2.04, weight_half = 0.609, weight_quarter = 0.126, weight_eighth = 0.862, weight_level = 2.13;
  double radius_share = 1.3, usual_rate = 0.00928, least_usual = 0.11;
  double floor_limit = 3.29, peak_share = 1.34, peak_deviation = 0.105, peak_rate = 0.00102;
  double clip = 6.58;  ///< a peak counts up to so many limits

  // seasonal residual
  std::uint32_t residual_length = 5;
  double visit_rate = 0.211, residual_usual_rate = 0.000603;
  double residual_floor = 2.02, residual_peak_share = 0.819, residual_peak_deviation = 1.28;

  // one-step forecast
  double forecast_rate = 0.0333, forecast_floor = 0.482, forecast_peak_share = 0.238, forecast_peak_deviation = 22.8;

  // holding its tongue
  double more_each = 0.0233, more_forgotten = 3e-5, more_most = 1;  ///< of the boundary: a verdict, a group, at most
  double quiet_share = 0.0462, quiet_least = 1, quiet_most = 314, breaks_through = 5.17;
};

}  // namespace factory
