#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace factory {

/// Running median and median absolute deviation by stochastic approximation: both move by a bounded step towards what comes, so that
/// one wild value moves them no farther than any other (Robbins and Monro 1951; Huber 1964). The mean absolute deviation stands in
/// where most values are equal and the median deviation is 0.
class robust_scale {
 public:
  void learn(double value, double rate) {
    if (count_ < 1'000'000'000) ++count_;
    if (count_ == 1) {
      median_ = value;
      return;
    }
    const double r = std::max(rate, 1.0 / count_);
    const double off = value - median_, size = std::abs(off);
    if (count_ == 2) deviation_ = mean_deviation_ = size;
    double unit = std::max(deviation_, 0.1 * mean_deviation_);
    if (!(unit > 0)) unit = size;
    median_ += 1.5 * r * std::clamp(off, -unit, unit);
    const double step = std::max(deviation_, 0.05 * mean_deviation_);
    mean_deviation_ += r * (size - mean_deviation_);
    deviation_ = std::max(0.0, deviation_ + 1.5 * r * std::clamp(size - deviation_, -step, step));
  }
  double median() const { return median_; }
  /// Above 0 always; `mean_share` of the mean deviation is the least.
  double scale(double mean_share) const {
    return std::max({deviation_, mean_share * mean_deviation_, 1e-9 * std::abs(median_), 1e-12});
  }
  std::uint32_t count() const { return count_; }

  bool operator==(const robust_scale&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.median_, self.deviation_, self.mean_deviation_, self.count_);
  }

 private:
  double median_ = 0, deviation_ = 0, mean_deviation_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace factory
