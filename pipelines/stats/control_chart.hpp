#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// Statistical process control: control charts of individual values (I-MR) and of means of subgroups (X-bar-R), the runs rules of Western
/// Electric and of Nelson, and process capability. Formulas and sources: docs/explanation/control-charts.md.
namespace factory {

inline constexpr std::size_t largest_subgroup = 25;

/// Of the range of `size` (REQUIRES 2 to largest_subgroup) independent normal values with standard deviation 1.
struct range_constants {
  double d2;                          ///< its mean
  double d3;                          ///< its standard deviation
  double a2(std::size_t size) const;  ///< 3 / (d2 sqrt(size)): limits of the mean, in mean ranges
  double lower_range() const;         ///< D3 = max(0, 1 - 3 d3 / d2): limits of the range, in mean ranges
  double upper_range() const;         ///< D4 = 1 + 3 d3 / d2
};
const range_constants& range_constants_of(std::size_t size);

struct control_limits {
  std::uint32_t subgroup = 1;  ///< readings a point; 1: individual values and moving ranges of two
  double center = 0, lower = 0, upper = 0;
  double range_center = 0, range_lower = 0, range_upper = 0;
  double sigma = 0;            ///< of one reading, from the ranges within subgroups: short-term
  double point_sigma() const;  ///< of a point: sigma / sqrt(subgroup)
  bool operator==(const control_limits&) const = default;
};
/// From the mean of all points and the mean range. REQUIRES: subgroup of 1 to largest_subgroup.
control_limits control_limits_from(double center, double mean_range, std::uint32_t subgroup);

/// What a chart shows: one point for each subgroup of readings that follow each other; the last ones that make none are left out.
struct control_points {
  std::vector<std::int64_t> times_us;  ///< of the last reading of each
  std::vector<double> values;          ///< the readings themselves, or means
  std::vector<double> ranges;  ///< within the subgroup; of individuals the distance to the reading before (none for the first)
};
control_points control_points_of(std::span<const std::int64_t> times_us, std::span<const double> values, std::uint32_t subgroup);
/// Nothing for fewer than two points.
std::optional<control_limits> control_limits_of(const control_points& points, std::uint32_t subgroup);

enum class rule_set : std::uint8_t { western_electric, nelson };
struct runs_rule {
  rule_set set{};
  std::uint8_t number = 0;      ///< as published
  std::uint8_t looks_back = 0;  ///< points that it looks at, the newest included
  std::string_view what;
  double beyond = 0;  ///< sigmas that its points are beyond; 0: it is about a run
};
/// Western Electric 1 to 4 (1956), then Nelson 1 to 8 (1984).
inline constexpr std::size_t runs_rule_count = 12;
const std::array<runs_rule, runs_rule_count>& runs_rules();
std::string_view to_text(rule_set set);

/// Looks at one point after the other; each is given as its distance from the centre line in standard deviations of a point.
class runs_watch {
 public:
  static constexpr std::size_t longest = 15;
  /// The rules that the points end in a violation of, as bits by their place in runs_rules().
  std::uint32_t observe(double distance);
  /// So many points before the newest. REQUIRES: fewer than `longest`, and than were observed.
  double back(std::size_t steps) const { return newest_[(count_ - 1 - steps) % longest]; }

  bool operator==(const runs_watch&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.newest_, self.count_);
  }

 private:
  std::array<double, longest> newest_{};  ///< a ring
  std::size_t count_ = 0;                 ///< so far
};

/// Points [begin, end) that break a rule together: those of all the violations that overlap.
struct runs_violation {
  std::size_t rule = 0;  ///< place in runs_rules()
  std::size_t begin = 0, end = 0;
};
/// By rule, then by place. None where the limits have no spread.
std::vector<runs_violation> find_violations(std::span<const double> values, const control_limits& limits);

/// Cp = (max - min) / 6 sigma, Cpk = distance of the centre to the nearer limit / 3 sigma. Cp needs both limits, Cpk one; nothing where
/// sigma is 0.
struct process_capability {
  std::optional<double> cp, cpk;
};
process_capability capability_of(const control_limits& limits, std::optional<double> min, std::optional<double> max);

}  // namespace factory
