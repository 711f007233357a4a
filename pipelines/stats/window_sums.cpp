#include "pipelines/stats/window_sums.hpp"

#include <cmath>

#include "pipelines/model/coding.hpp"

namespace factory {

void window_sums::sum_anew(std::span<const double> window) {
  const double first = window.front();
  double from_first = 0;
  for (const double value : window) from_first += value - first;
  const double mean = first + from_first / static_cast<double>(window.size());
  shift_ = std::isfinite(mean) ? mean : first;
  sum_ = sum_sq_ = 0;
  for (const double value : window) {
    const double d = value - shift_;
    sum_ += d;
    sum_sq_ += d * d;
  }
  largest_sum_sq_ = sum_sq_;
  left_count_ = 0;
}

/// (value - mean)^2 > z^2 * variance, both sides times n^2 (n - 1). The sums have lost less than 1e-11 of the right side to rounding
/// (see worn_ratio), and the mean that z_score() is given is rounded to its own last digit. Squares near the ends of the
/// range of double say nothing.
bool window_sums::may_exceed(double value, double z) const {
  if (equal_count_ >= count_) return false;  // no spread, no score
  constexpr double room = 1 - 1e-9, smallest = 1e-250, largest = 1e300;
  const double n = count_;
  const double rounding = n * (std::abs(shift_) + std::abs(value)) * 0x1p-51;
  const double distance = std::abs((value - shift_) * n - sum_) + rounding;
  const double reach = z * z * n * (n * sum_sq_ - sum_ * sum_) * room;
  const bool sound = reach > smallest && reach < largest;
  return !sound || !(distance * distance * (n - 1) <= reach);
}

void window_sums::encode(std::string& out) const {
  for (const auto count : {count_, left_count_, equal_count_}) put_varint(out, count);
  for (const double sum : {shift_, sum_, sum_sq_, largest_sum_sq_}) put_double(out, sum);
}

bool window_sums::decode(std::string_view& in) {
  for (auto* const count : {&count_, &left_count_, &equal_count_})
    if (!get_varint_as(in, *count)) return false;
  for (auto* const sum : {&shift_, &sum_, &sum_sq_, &largest_sum_sq_})
    if (!get_double(in, *sum)) return false;
  return true;
}

}  // namespace factory
