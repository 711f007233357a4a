#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace factory {

/// Quantiles of a set of values in bounded memory (DDSketch; Masson, Rim, Lee 2019): values are counted in bins whose bounds grow by a fixed
/// ratio. A quantile is within relative_error of a value that has that rank, as long as the values spread over less than most_bins bins (a
/// ratio of 10^17); beyond it the smallest magnitudes are counted as one. Mergeable; the same for any order of the values.
class quantile_sketch {
 public:
  static constexpr double relative_error = 0.01;
  static constexpr std::size_t most_bins = 2'048;

  void add(double value);  ///< REQUIRES: finite
  void merge(const quantile_sketch& other);
  /// One that was added is as if it had not been; false, and nothing is done, where bins were counted as one.
  bool take_away(double value);
  std::uint64_t count() const { return count_; }
  /// The value of rank q * (count - 1), `q` in [0, 1]. REQUIRES: count() > 0.
  double quantile(double q) const;

  void encode(std::string& out) const;  ///< appended
  bool decode(std::string_view& in);
  bool operator==(const quantile_sketch& other) const { return bins_ == other.bins_; }

 private:
  /// Bins in ascending order of the values that they hold: a negative number for negative values.
  using counted_bin = std::pair<std::int32_t, std::uint64_t>;
  static std::int32_t bin_of(double value);
  static double value_of(std::int32_t bin);
  void add_to(std::int32_t bin, std::uint64_t count);
  void collapse();

  std::vector<counted_bin> bins_;
  std::uint64_t count_ = 0;
  bool has_collapsed_ = false;
};

}  // namespace factory
