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
  static constexpr unsigned less_every = 8;   ///< readings from one look for lost noise to the next: its mean is slow
  static constexpr double least_share = 0.1;  ///< of the limit: no sensitivity lets through what is smaller

  struct finding {
    double more = 0, less = 0;  ///< scores
    double times_usual = 1;     ///< spread now over its slow mean
  };
  finding observe(double step) { return observe(step, limit()); }
  /// Of more scatter; stays as it is until is_limit_moved().
  double limit() const { return std::max(peaks_.limit(1.0, 9.0), 1.8 * peaks_.mean()); }
  bool is_limit_moved() const { return peaks_.is_moved(); }
  [[gnu::always_inline]] finding observe(double step, double more_limit) {
    finding found;
    const bool young = seen_ < 4'000;
    const double r = young ? 1.0 / (seen_ + 1) : 1.0 / 4'000;
    ++seen_;
    short_ += std::max(1.0 / 16, r) * (step - short_);
    middle_ += std::max(1.0 / 64, r) * (step - middle_);
    usual_ += r * (std::min(step, seen_ > 100 ? 8 * usual_ : step) - usual_);
    if (seen_ < 100 || usual_ <= 0) return found;
    const bool warm = peaks_.windows() >= 4;
    if (warm && short_ >= least_share * more_limit && more_limit > 0) {
      found.more = short_ / more_limit;
      found.times_usual = short_ / usual_;
    }
    peaks_.learn(short_, 0.05, more_limit);
    if (seen_ % less_every != 0) return found;
    const double inverse = std::min(usual_ / std::max(middle_, 1e-3 * usual_), 1e3);
    const double less_limit = std::max({3.0, troughs_.limit(1.0, 9.0), 3 * troughs_.mean()});
    if (warm && inverse >= least_share * less_limit) {
      found.less = inverse / less_limit;
      if (found.more < 1) found.times_usual = middle_ / usual_;
    }
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
  usual_peaks<160> peaks_;
  usual_peaks<160 / less_every> troughs_;
  std::uint32_t seen_ = 0;
};

}  // namespace factory
