#pragma once

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
  finding observe(std::int64_t time_us, double value, const baseline& usual);
  double short_level() const { return short_; }

  bool operator==(const drift_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.short_, self.sum_, self.since_us_, self.peaks_, self.seen_, self.up_);
  }

 private:
  double short_ = 0, sum_ = 0;
  std::int64_t since_us_ = 0;
  usual_peaks<160> peaks_;
  bool seen_ = false, up_ = false;
};

}  // namespace factory
