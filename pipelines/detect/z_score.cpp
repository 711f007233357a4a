#include "pipelines/detect/z_score.hpp"

#include <cmath>

namespace factory {

std::optional<double> z_score(double value, const mean_std_dev& stats) {
  if (!(stats.std_dev > 0)) return std::nullopt;
  // Divide first: the difference of two huge values may leave the range of double, their quotients do not.
  const double z = (value - stats.mean) / stats.std_dev;
  return std::isfinite(z) ? z : value / stats.std_dev - stats.mean / stats.std_dev;
}

severity z_severity(double z) {
  const double size = std::abs(z);
  if (size > 3) return severity::critical;
  return size > 2.5 ? severity::high : severity::medium;
}

z_analysis analyze(std::span<const double> values, double threshold) {
  z_analysis result{describe(values), {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto z = z_score(values[i], result.stats);
    if (z && std::abs(*z) > threshold) result.anomalies.push_back({i, *z, z_severity(*z)});
  }
  return result;
}

}  // namespace factory
