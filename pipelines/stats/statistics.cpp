#include "pipelines/stats/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace factory {
namespace {

constexpr double beyond = 0x1p480, below = 0x1p-400;  // magnitudes whose squares, or sums of them, may leave the range of double
constexpr double large_unit = 0x1p600, small_unit = 0x1p-600;

double unit_for(double min, double max) {
  const double magnitude = std::max(std::abs(min), std::abs(max));
  if (magnitude > beyond) return large_unit;
  return magnitude < below && magnitude > 0 ? small_unit : 1;
}

/// Adds `value` to sum + error so that what `sum` rounds away is kept in `error` (Neumaier 1974).
void add_compensated(double& sum, double& error, double value) {
  const double next = sum + value;
  error += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
  sum = next;
}

/// Sum of squared deviations of the values times `scale` from their mean. Corrects the rounding error of the mean
/// (the corrected two-pass algorithm: Chan, Golub, LeVeque 1983).
double squared_deviations(std::span<const double> values, double scale, double mean) {
  double squares = 0, rest = 0;
  for (const double v : values) {
    const double d = v * scale - mean;
    squares += d * d;
    rest += d;
  }
  return std::max(0.0, squares - rest * (rest / static_cast<double>(values.size())));
}

double within_range(double v) {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::clamp(v, -largest, largest);
}

}  // namespace

double summary::unit() const { return unit_for(min, max); }

double summary::mean_in_units() const {
  const double per_unit = 1 / unit();
  if (min == max) return min * per_unit;
  return std::clamp((sum + sum_error) / static_cast<double>(count), min * per_unit, max * per_unit);
}

/// Takes in the extremes of what is about to be added; gives the old unit in new ones. A unit only grows, but from the 1 of nothing but
/// zeros, whose sums are 0.
double summary::widen(double lowest, double highest) {
  const double before = unit();
  min = std::min(min, lowest);
  max = std::max(max, highest);
  if (before == unit()) return 1;
  const double ratio = before / unit();
  sum *= ratio;
  sum_error *= ratio;
  m2 = m2 * ratio * ratio;
  return ratio;
}

void summary::add(std::int64_t time_us, double value) {
  if (count == 0) {
    *this = summarize({&time_us, 1}, {&value, 1});
    return;
  }
  const double old_mean = mean_in_units();
  const double ratio = widen(value, value);
  const double in_units = value / unit();
  const double from_old_mean = in_units - old_mean * ratio;
  ++count;
  add_compensated(sum, sum_error, in_units);
  // A constant run must have no spread at all, even where count * value rounds.
  m2 = min == max ? 0 : m2 + std::max(0.0, from_old_mean * (in_units - mean_in_units()));
  last_us = time_us;
  last = value;
}

void summary::merge(const summary& later) {
  if (later.count == 0) return;
  if (count == 0) {
    *this = later;
    return;
  }
  summary other = later;
  const double other_mean = other.mean_in_units(), this_mean = mean_in_units();
  const double other_ratio = other.widen(min, max), ratio = widen(later.min, later.max);
  const double between = other_mean * other_ratio - this_mean * ratio;
  const double total_count = static_cast<double>(count + other.count);
  const double weight = static_cast<double>(count) / total_count * static_cast<double>(other.count);
  m2 = min == max ? 0 : m2 + other.m2 + between * between * weight;
  count += other.count;
  add_compensated(sum, sum_error, other.sum);
  add_compensated(sum, sum_error, other.sum_error);
  if (later.first_us < first_us) {
    first_us = later.first_us;
    first = later.first;
  }
  if (later.last_us >= last_us) {
    last_us = later.last_us;
    last = later.last;
  }
}

double summary::total() const { return within_range((sum + sum_error) * unit()); }

double summary::mean() const {
  if (min == max) return min;
  return std::clamp(mean_in_units() * unit(), min, max);
}

double summary::std_dev() const { return count < 2 ? 0 : within_range(std::sqrt(m2 / static_cast<double>(count - 1)) * unit()); }

/// All but the times, in two passes.
summary summary::of(std::span<const double> values) {
  summary result;
  if (values.empty()) return result;
  result.count = values.size();
  result.min = result.max = values.front();
  for (const double v : values) {
    result.min = v < result.min ? v : result.min;
    result.max = v >= result.max ? v : result.max;
  }
  const double per_unit = 1 / result.unit();
  for (const double v : values) add_compensated(result.sum, result.sum_error, v * per_unit);
  result.first = values.front();
  result.last = values.back();
  if (result.min != result.max) result.m2 = squared_deviations(values, per_unit, result.mean_in_units());
  return result;
}

summary summarize(std::span<const std::int64_t> times_us, std::span<const double> values) {
  assert(times_us.size() == values.size());
  summary result = summary::of(values);
  if (values.empty()) return result;
  result.first_us = times_us.front();
  result.last_us = times_us.back();
  return result;
}

mean_std_dev describe(std::span<const double> values) {
  if (values.empty()) return {};
  const summary found = summary::of(values);
  return {found.mean(), found.std_dev()};
}

double percentile(std::vector<double>& values, double q) {
  assert(!values.empty() && q >= 0 && q <= 1);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), below, values.end());
  const double fraction = rank - std::floor(rank);
  if (fraction == 0 || below + 1 == values.end()) return *below;
  return std::lerp(*below, *std::min_element(below + 1, values.end()), fraction);
}

}  // namespace factory
