#include "pipelines/stats/statistics.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace factory {
namespace {

/// Adds `value` to sum + error so that what `sum` rounds away is kept in `error` (Neumaier 1974).
void add_compensated(double& sum, double& error, double value) {
  const double next = sum + value;
  if (!std::isfinite(next)) {  // past the range of double: the error would turn into NaN
    sum = next;
    error = 0;
    return;
  }
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
  const double m2 = squares - rest * (rest / static_cast<double>(values.size()));
  return std::isnan(m2) ? std::numeric_limits<double>::infinity() : std::max(0.0, m2);
}

/// Mean and spread of the values times `scale`, in two passes.
struct moments {
  double mean = 0, m2 = 0;
};
moments two_pass(std::span<const double> values, double scale) {
  double sum = 0, error = 0;
  for (const double v : values) add_compensated(sum, error, v * scale);
  const double mean = (sum + error) / static_cast<double>(values.size());
  return {mean, squared_deviations(values, scale, mean)};
}

double within_range(double v) {
  constexpr double largest = std::numeric_limits<double>::max();
  return std::clamp(v, -largest, largest);
}

}  // namespace

void summary::add(std::int64_t time_us, double value) {
  if (count == 0) {
    *this = {1, value, value, value, 0, 0, time_us, time_us, value, value};
    return;
  }
  const double from_old_mean = value - mean();
  ++count;
  add_compensated(sum, sum_error, value);
  min = std::min(min, value);
  max = std::max(max, value);
  // A constant run must have no spread at all, even where count * value rounds.
  m2 = min == max ? 0 : m2 + std::max(0.0, from_old_mean * (value - mean()));
  last_us = time_us;
  last = value;
}

void summary::merge(const summary& later) {
  if (later.count == 0) return;
  if (count == 0) {
    *this = later;
    return;
  }
  const double between = later.mean() - mean();
  const double total_count = static_cast<double>(count + later.count);
  const double weight = static_cast<double>(count) / total_count * static_cast<double>(later.count);
  min = std::min(min, later.min);
  max = std::max(max, later.max);
  m2 = min == max ? 0 : m2 + later.m2 + between * between * weight;
  count += later.count;
  add_compensated(sum, sum_error, later.sum);
  add_compensated(sum, sum_error, later.sum_error);
  if (later.first_us < first_us) {
    first_us = later.first_us;
    first = later.first;
  }
  if (later.last_us >= last_us) {
    last_us = later.last_us;
    last = later.last;
  }
}

double summary::mean() const {
  if (min == max) return min;
  return std::clamp(total() / static_cast<double>(count), min, max);
}

double summary::std_dev() const { return count < 2 ? 0 : std::sqrt(m2 / static_cast<double>(count - 1)); }

summary summarize(std::span<const std::int64_t> times_us, std::span<const double> values) {
  assert(times_us.size() == values.size());
  summary result;
  if (values.empty()) return result;
  result.count = values.size();
  result.min = result.max = values.front();
  for (const double v : values) {
    result.min = v < result.min ? v : result.min;
    result.max = v >= result.max ? v : result.max;
  }
  for (const double v : values) add_compensated(result.sum, result.sum_error, v);
  result.first_us = times_us.front();
  result.last_us = times_us.back();
  result.first = values.front();
  result.last = values.back();
  if (result.min == result.max) return result;
  result.m2 = squared_deviations(values, 1, result.mean());
  return result;
}

mean_std_dev describe(std::span<const double> values) {
  if (values.empty()) return {};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return {*low, 0};
  // Squares leave the range of double for values beyond 1e154 or spreads below 1e-154: work in other units then.
  double scale = 1;
  moments found = two_pass(values, scale);
  if (!std::isfinite(found.m2)) {
    scale = 0x1p-600;
    found = two_pass(values, scale);
  } else if (found.m2 < 1e-290 && std::max(std::abs(*low), std::abs(*high)) < 1e100) {
    scale = 0x1p+600;
    found = two_pass(values, scale);
  }
  const double std_dev = std::sqrt(found.m2 / static_cast<double>(values.size() - 1));
  return {std::clamp(found.mean / scale, *low, *high), within_range(std_dev / scale)};
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
