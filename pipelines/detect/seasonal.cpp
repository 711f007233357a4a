#include "pipelines/detect/seasonal.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/detect/pattern_tuning.hpp"

namespace factory {
namespace {

constexpr std::int64_t half_hour_us = 1'800'000'000, day_us = 48 * half_hour_us;
constexpr std::uint8_t least_visits = 2, most_visits = 250;
constexpr std::uint32_t warm_after = 480;  ///< differences: three windows of peaks

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

void seasonal_residual::enter(std::int64_t time_us, const pattern_constants& with) {
  if (count_ > 0) {
    const double mean = sum_ / count_;
    auto& known = known_.change();
    if (known.means.empty()) {
      known.means.assign(slots, 0);
      known.visits.assign(slots, 0);
      anchor_ = mean;
    }
    auto& visits = known.visits[slot_];
    if (visits < most_visits) ++visits;
    auto& of_slot = known.means[slot_];
    of_slot += static_cast<float>(std::max(with.visit_rate, 1.0 / visits) * (mean - anchor_ - of_slot));
  }
  const std::int64_t half_hour = floor_div(time_us, half_hour_us), day = floor_div(time_us, day_us);
  const std::int64_t weekday = ((day + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 = Sunday
  slot_ = static_cast<std::uint32_t>(half_hour - day * 48 + (weekday == 0 || weekday == 6 ? 48 : 0));
  slot_begin_us_ = half_hour * half_hour_us;
  sum_ = 0;
  count_ = 0;
}

double seasonal_residual::observe(std::int64_t time_us, double value, double scale, const pattern_constants& with) {
  if (slot_begin_us_ == INT64_MIN || time_us < slot_begin_us_ || time_us - slot_begin_us_ >= half_hour_us) enter(time_us, with);
  sum_ += value;
  ++count_;
  const auto& [means, visits] = known_.read();
  if (means.empty() || visits[slot_] < least_visits) {
    filled_ = 0;
    return -1;
  }
  const double off = value - anchor_ - means[slot_];
  if (filled_ < with.residual_length) ++filled_;
  if (filled_ == 1) residual_ = 0;
  residual_ += (off - residual_) / filled_;
  if (filled_ < with.residual_length) return -1;
  const double size = std::abs(residual_);
  usual_.learn(size, with.residual_usual_rate);
  const double times = size / (usual_.median() + 0.05 * scale + 1e-12);
  const double limit = with.residual_floor + peaks_.limit(with.residual_peak_share, with.residual_peak_deviation);
  if (judged_ < warm_after) ++judged_;
  peaks_.learn(times, 0.1, with.clip * limit);
  return judged_ < warm_after ? -1 : times / limit;
}

}  // namespace factory
