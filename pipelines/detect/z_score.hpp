#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "pipelines/alarm/thresholds.hpp"
#include "pipelines/stats/statistics.hpp"

namespace factory {

inline constexpr double default_z_threshold = 2.0;

/// (value - mean) / std_dev, clamped to the range of double; nullopt when std_dev is 0.
std::optional<double> z_score(double value, const mean_std_dev& stats);
/// |z| above 3 critical, above 2.5 high, else medium. For anomalies only.
severity z_severity(double z);

struct z_anomaly {
  std::size_t index = 0;  ///< into the values analysed
  double z_score = 0;
  severity level{};
};
struct z_analysis {
  mean_std_dev stats;
  std::vector<z_anomaly> anomalies;  ///< in input order
};
/// The anomaly service's analysis: every value against mean and spread of them all; |z| > threshold, strictly.
z_analysis analyze(std::span<const double> values, double threshold);

}  // namespace factory
