#pragma once

#include <array>
#include <cstdint>

#include "pipelines/detect/usual_peaks.hpp"

namespace factory {

struct pattern_constants;

/// One step ahead: the next reading from the last eight, with weights that normalised least mean squares fits (Widrow, Hoff 1960; Nagumo,
/// Noda 1967), each correction clipped so that one wild reading does not bend them. Falling short of the forecast is judged against its usual peaks.
class forecast_residual {
 public:
  static constexpr std::size_t order = 8;
  static constexpr std::uint32_t warm_after = 300;  ///< readings

  /// The score, or -1. `standard`: the reading less the median, in units of the scale.
  double observe(double standard, const pattern_constants& with);

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
