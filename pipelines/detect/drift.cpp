#include "pipelines/detect/drift.hpp"

#include <algorithm>

namespace factory {
namespace {

constexpr double short_rate = 1.0 / 8;
constexpr double scatter_share = 2.0, drift_peak_share = 1.0, drift_factor = 3.0, drift_rate = 0.05;
constexpr double allowance = 0.5, most = 20, boundary = 10, step_most = 4;

}  // namespace

drift_detector::finding drift_detector::observe(std::int64_t time_us, double value, const baseline& usual) {
  short_ = seen_ ? short_ + short_rate * (value - short_) : value;
  seen_ = true;
  const auto& band = usual.usual_now();
  if (!band.known) {
    sum_ = 0;
    return {};
  }
  const double above = short_ - band.high, below = band.low - short_;
  const double outside = std::max({above, below, 0.0});
  const double limit = scatter_share * usual.scatter() + peaks_.limit(drift_peak_share, drift_factor);
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

}  // namespace factory
