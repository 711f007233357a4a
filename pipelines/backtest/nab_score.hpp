#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace factory {

/// What detections of files of the Numenta Anomaly Benchmark are worth, for all files together (Lavin, Ahmad 2015, arXiv:1510.03336).
struct nab_score {
  double hit_worth = 0;    ///< of the earliest detection in each window that has one
  double false_worth = 0;  ///< of the detections outside all windows; 0 and less
  std::size_t windows = 0, hit = 0, false_rows = 0;
  double weeks = 0;  ///< of scored rows

  void operator+=(const nab_score& more);
  double standard() const { return of(1, 0.11); }
  double low_fp() const { return of(1, 0.22); }
  double low_fn() const { return of(2, 0.11); }
  double false_a_week() const { return weeks > 0 ? static_cast<double>(false_rows) / weeks : 0; }

 private:
  double of(double missed_weight, double false_weight) const;
};

/// The windows of one file, and what a detection at each row is worth.
class nab_windows {
 public:
  /// `time_us`: of the rows as they are written. `windows`: first and last time of each, both of a row, in order and apart from each other.
  nab_windows(std::span<const std::int64_t> time_us, const std::vector<std::pair<std::int64_t, std::int64_t>>& windows);
  /// `scores`: one a row; 1 and more is a detection.
  nab_score score(std::span<const double> scores) const;
  std::size_t first_scored() const { return first_scored_; }  ///< the rows before are for learning

 private:
  static constexpr std::size_t none = SIZE_MAX;
  std::size_t windows_ = 0, first_scored_ = 0;
  double weeks_ = 0;
  std::vector<std::size_t> window_of_;
  std::vector<double> worth_;
};

}  // namespace factory
