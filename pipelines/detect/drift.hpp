#pragma once

#include <algorithm>
#include <cstdint>

#include "pipelines/detect/baseline.hpp"
#include "pipelines/detect/usual_peaks.hpp"

namespace factory {

/// Slow drift: a level that goes away from what this time of day has shown, too slowly to jump. Page's cumulative sum (Page 1954) of
/// the distance to the usual band, in units of its limit, less an allowance:
///
///   short   mean of about 8 readings;  r = how far it lies outside of the band
///   z = r / (scatter of a half hour + usual peaks of r);   S = max(0, S + z - 0.5), at most 20;   score = S / 10
class drift_detector {
 public:
  struct finding {
    double score = 0;
    double limit = 0;           ///< beyond the band
    std::int64_t since_us = 0;  ///< when the sum left 0
  };
  /// `scatter`: of the readings before.
  [[gnu::always_inline]] finding observe(std::int64_t time_us, double value, const baseline::band& band, double scatter) {
    short_ = seen_ ? short_ + short_rate * (value - short_) : value;
    seen_ = true;
    if (!band.known) {
      sum_ = 0;
      return {};
    }
    const double above = short_ - band.high, below = band.low - short_;
    const double outside = std::max({above, below, 0.0});
    const double limit = scatter_share * scatter + peaks_.limit(drift_peak_share, drift_factor);
    finding found;
    found.limit = limit;
    if (limit > 0) {
      if (sum_ > 0 && outside > 0 && up_ != (above > 0)) sum_ = 0;  // it came from the other side
      if (sum_ == 0) {
        since_us_ = time_us;
        up_ = above > 0;
      }
      sum_ = std::clamp(sum_ + std::min(outside / limit, step_most) - allowance, 0.0, most);
      found.score = sum_ / boundary;
      found.since_us = since_us_;
    }
    if (found.score < 1) peaks_.learn(outside, drift_rate, limit);
    return found;
  }
  double short_level() const { return short_; }

  bool operator==(const drift_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.short_, self.sum_, self.since_us_, self.peaks_, self.seen_, self.up_);
  }

 private:
  static constexpr double short_rate = 1.0 / 8;
  static constexpr double scatter_share = 2.0, drift_peak_share = 1.0, drift_factor = 3.0, drift_rate = 0.05;
  static constexpr double allowance = 0.5, most = 20, boundary = 10, step_most = 4;

  double short_ = 0, sum_ = 0;
  std::int64_t since_us_ = 0;
  usual_peaks<160> peaks_;
  bool seen_ = false, up_ = false;
};

}  // namespace factory
