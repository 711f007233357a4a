#include "pipelines/detect/z_score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace factory {

std::optional<double> z_score(double value, const mean_std_dev& stats) {
  if (!(stats.std_dev > 0)) return std::nullopt;
  const double z = (value - stats.mean) / stats.std_dev;
  if (std::isfinite(z)) return z;
  // The difference of two huge values may leave the range of double; halves do not, and their quotient may not.
  constexpr double largest = std::numeric_limits<double>::max();
  return std::clamp((value / 2 - stats.mean / 2) / stats.std_dev * 2, -largest, largest);
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
