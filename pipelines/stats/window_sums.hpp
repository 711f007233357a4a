#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace factory {

/// Running sums of the newest values of a column. A screen: tells in O(1) of nearly every value that it cannot be far from mean and spread
/// of those before. Figures that anybody sees come from the values themselves (describe()), so that they do not depend on what the
/// sums have been through.
///
/// `sum` and `sum_sq` are those of (value - shift). They are made anew, around the mean, when as many values have left as the window
/// holds, and when what has left was so large that rounding would show in the spread.
class window_sums {
 public:
  /// The value at `newest` joins; in front of it in memory are those that joined before it. Of more than `most` the oldest leaves.
  void join(const double* newest, std::uint32_t most) {
    const double value = *newest;
    if (count_ == 0) {
      shift_ = value;
    } else if (newest[-1] != value) {
      equal_count_ = 0;
    }
    if (equal_count_ < most) ++equal_count_;
    if (count_ == most) {
      const double d = newest[-static_cast<std::ptrdiff_t>(most)] - shift_;
      sum_ -= d;
      sum_sq_ -= d * d;
      ++left_count_;
    } else {
      ++count_;
    }
    const double d = value - shift_;
    sum_ += d;
    sum_sq_ += d * d;
    if (sum_sq_ > largest_sum_sq_) largest_sum_sq_ = sum_sq_;
    if (left_count_ >= most || is_worn()) sum_anew({newest + 1 - count_, count_});
  }
  /// Joins the values of rows [begin, end) of a column, up to the first one that may exceed `z`, which does not join; returns its row.
  /// The same as may_exceed() and join() of one after the other, with the sums in registers. REQUIRES: count() == most; z > 0.
  std::size_t join_near(const double* column, std::size_t begin, std::size_t end, std::uint32_t most, double z);
  std::uint32_t count() const { return count_; }
  /// False only when |z_score(value, describe(window))| is certainly not above `z`: asks neither a division nor a root.
  /// REQUIRES z > 0.
  bool may_exceed(double value, double z) const;

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);    ///< false, and anything in it, when damaged

 private:
  /// Below this share of the largest sum of squares, what is left of it has lost too many digits.
  static constexpr double worn_ratio = 1e-4;
  bool is_worn() const {
    const double n = count_;
    return n * sum_sq_ - sum_ * sum_ < worn_ratio * n * largest_sum_sq_;
  }
  void sum_anew(std::span<const double> window);

  double shift_ = 0, sum_ = 0, sum_sq_ = 0;
  double largest_sum_sq_ = 0;  ///< since the sums were made anew: rounding errors are relative to it
  std::uint32_t count_ = 0;
  std::uint32_t left_count_ = 0;   ///< values that left since the sums were made anew
  std::uint32_t equal_count_ = 0;  ///< newest values in a row that are equal
};

}  // namespace factory
