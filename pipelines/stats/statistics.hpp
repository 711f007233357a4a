#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace factory {

/// Count, extremes, mean and spread of a set of values; two of them can be merged (Chan, Golub, LeVeque 1979).
/// `m2` is the sum of squared deviations from the mean: unlike a sum of squares it keeps its digits at large offsets.
///
/// Finite values give finite statistics. The sums are those of the values in units of unit(), so no sum and no square leaves the range of
/// double; what itself lies beyond that range (the total of two values of 1e308) is given as the largest double.
struct summary {
  std::uint64_t count = 0;
  double min = 0, max = 0;
  double sum = 0, sum_error = 0;  ///< in units; Neumaier: the exact sum is close to sum + sum_error
  double m2 = 0;                  ///< in squared units
  std::int64_t first_us = 0, last_us = 0;
  double first = 0, last = 0;

  static summary of(std::span<const double> values);  ///< with times 0
  void add(std::int64_t time_us, double value);       ///< in event-time order
  void merge(const summary& later);                   ///< first/last are taken by time, so either order will do
  double unit() const;  ///< 1, or a power of two where the largest magnitude is beyond 2^480 or below 2^-400
  double total() const;
  double mean() const;     ///< REQUIRES: count > 0
  double std_dev() const;  ///< sample (n-1); 0 for fewer than 2

 private:
  double mean_in_units() const;
  double widen(double lowest, double highest);
};
summary summarize(std::span<const std::int64_t> times_us, std::span<const double> values);

struct mean_std_dev {
  double mean = 0, std_dev = 0;
};
/// The contract's statistics: arithmetic mean and sample standard deviation, finite; {0,0} for none, std_dev 0 for one.
mean_std_dev describe(std::span<const double> values);

/// Percentile by linear interpolation between closest ranks (Hyndman-Fan type 7); `q` in [0,1]; reorders `values`.
double percentile(std::vector<double>& values, double q);

}  // namespace factory
