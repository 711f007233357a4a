#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "pipelines/detect/pattern_tuning.hpp"
#include "pipelines/detect/usual_peaks.hpp"

namespace factory {

/// One step ahead: the next reading from the last eight, with weights that normalised least mean squares fits (Widrow, Hoff 1960; Nagumo,
/// Noda 1967), each correction clipped so that one wild reading does not bend them. Falling short of the forecast is judged against its usual peaks.
class forecast_residual {
 public:
  static constexpr std::size_t order = 8;
  static constexpr std::uint32_t warm_after = 300;  ///< readings

  /// The score, or -1. `standard`: the reading less the median, in units of the scale.
  double observe(double standard) {
    const auto y = static_cast<float>(std::clamp(standard, -50.0, 50.0));
    float error = y, power = 1;
    for (std::size_t i = 0; i < order; ++i) error -= weights_[i] * last_[i];
    for (std::size_t i = 0; i < order; ++i) power += last_[i] * last_[i];
    double score = -1;
    if (seen_ < warm_after) ++seen_;
    if (seen_ > 20) {
      const double under = std::max(0.0F, -error);
      const double limit = pattern_tuning::forecast_floor + peaks_.share_and_deviation(pattern_tuning::forecast_peak_share,
                                                                                       pattern_tuning::forecast_peak_deviation);
      if (seen_ >= warm_after) score = under / limit;
      peaks_.learn(under, 0.05, pattern_tuning::clip * limit);
    }
    const float step = std::clamp(error, -3.0F, 3.0F) * static_cast<float>(pattern_tuning::forecast_rate) / power;
    for (std::size_t i = 0; i < order; ++i) weights_[i] += step * last_[i];
    std::move_backward(last_.begin(), last_.end() - 1, last_.end());
    last_[0] = y;
    return score;
  }

  bool operator==(const forecast_residual&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.weights_, self.last_, self.peaks_, self.seen_);
  }

 private:
  std::array<float, order> weights_{1}, last_{};
  usual_peaks<160> peaks_;
  std::uint32_t seen_ = 0;
};

}  // namespace factory
