#pragma once

#include <algorithm>
#include <cstdint>

#include "pipelines/detect/usual_peaks.hpp"

namespace factory {

/// Change of spread, and noise that is gone. Spread is the mean of the last steps from reading to reading (those of jump_detector, a
/// jump itself left aside): over about 16 for more of it, over about 64 for less. More is judged against the peaks it usually
/// has; gone is what falls below a third of all troughs. Neither asks for the level.
class spread_detector {
 public:
  struct finding {
    double more = 0, less = 0;  ///< scores
    double times_usual = 1;     ///< spread now over its slow mean
  };
  finding observe(double step) {
    finding found;
    ++seen_;
    const double r = 1.0 / std::min(seen_, 4'000U);
    short_ += std::max(1.0 / 16, r) * (step - short_);
    middle_ += std::max(1.0 / 64, r) * (step - middle_);
    usual_ += std::max(1.0 / 4'000, r) * (std::min(step, seen_ > 100 ? 8 * usual_ : step) - usual_);
    if (seen_ > 1'000'000'000) --seen_;
    if (seen_ < 100 || usual_ <= 0) return found;
    const double more_limit = std::max(peaks_.limit(1.0, 9.0), 1.8 * peaks_.mean());
    const double inverse = std::min(usual_ / std::max(middle_, 1e-3 * usual_), 1e3);
    const double less_limit = std::max({3.0, troughs_.limit(1.0, 9.0), 3 * troughs_.mean()});
    if (peaks_.windows() >= 4 && more_limit > 0) {
      found.more = short_ / more_limit;
      found.less = inverse / less_limit;
      found.times_usual = (found.more >= 1 ? short_ : middle_) / usual_;
    }
    peaks_.learn(short_, 0.05, more_limit);
    troughs_.learn(inverse, 0.05, less_limit);
    return found;
  }
  double usual_step() const { return usual_; }
  bool warm() const { return peaks_.windows() >= 4; }

  bool operator==(const spread_detector&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.short_, self.middle_, self.usual_, self.peaks_, self.troughs_, self.seen_);
  }

 private:
  double short_ = 0, middle_ = 0, usual_ = 0;
  usual_peaks<160> peaks_, troughs_;
  std::uint32_t seen_ = 0;
};

}  // namespace factory
