#include "pipelines/stats/window_sums.hpp"

#include <algorithm>
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

std::size_t window_sums::join_near(const double* column, std::size_t begin, std::size_t end, std::uint32_t most, double z) {
  constexpr double room = 1 - 1e-9, smallest = 1e-250, largest = 1e290;  // as in may_exceed()
  const double n = most, reach_of_spread = z * z * n / (n - 1) * room;
  auto row = begin;
  auto sums = *this;
  while (row < end) {
    double spread = n * sums.sum_sq_ - sums.sum_ * sums.sum_;
    bool is_sound = true;
    for (; row < end && is_sound; ++row) {
      const double value = column[row], d = value - sums.shift_, reach = reach_of_spread * spread;
      const double distance = std::abs(d * n - sums.sum_) + n * (std::abs(sums.shift_) + std::abs(value)) * 0x1p-51;
      const bool is_near = distance * distance <= reach && reach > smallest && reach < largest;
      if (!is_near && sums.equal_count_ < most) {
        *this = sums;
        return row;
      }
      sums.equal_count_ = column[row - 1] == value ? std::min(sums.equal_count_ + 1, most) : 1;
      const double left = column[row - most] - sums.shift_;
      sums.sum_ = sums.sum_ - left + d;
      sums.sum_sq_ = sums.sum_sq_ - left * left + d * d;
      ++sums.left_count_;
      sums.largest_sum_sq_ = std::max(sums.largest_sum_sq_, sums.sum_sq_);
      spread = n * sums.sum_sq_ - sums.sum_ * sums.sum_;
      is_sound = sums.left_count_ < most && !(spread < worn_ratio * n * sums.largest_sum_sq_);
    }
    *this = sums;
    if (is_sound) continue;
    sum_anew({column + row - most, most});
    sums = *this;
  }
  return row;
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
