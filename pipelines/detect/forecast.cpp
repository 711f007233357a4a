#include "pipelines/detect/forecast.hpp"

#include <algorithm>

#include "pipelines/detect/pattern_tuning.hpp"

namespace factory {

double forecast_residual::observe(double standard, const pattern_constants& with) {
  const auto y = static_cast<float>(std::clamp(standard, -50.0, 50.0));
  float error = y, power = 1;
  for (std::size_t i = 0; i < order; ++i) error -= weights_[i] * last_[i];
  for (std::size_t i = 0; i < order; ++i) power += last_[i] * last_[i];
  double score = -1;
  if (seen_ < warm_after) ++seen_;
  if (seen_ > 20) {
    const double under = std::max(0.0F, -error);
    const double limit = with.forecast_floor + peaks_.share_and_deviation(with.forecast_peak_share, with.forecast_peak_deviation);
    if (seen_ >= warm_after) score = under / limit;
    peaks_.learn(under, 0.05, with.clip * limit);
  }
  const float step = std::clamp(error, -3.0F, 3.0F) * static_cast<float>(with.forecast_rate) / power;
  for (std::size_t i = 0; i < order; ++i) weights_[i] += step * last_[i];
  std::move_backward(last_.begin(), last_.end() - 1, last_.end());
  last_[0] = y;
  return score;
}

}  // namespace factory
