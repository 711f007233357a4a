#include "pipelines/stats/control_chart.hpp"

#include <algorithm>
#include <cmath>

#include "pipelines/stats/statistics.hpp"

namespace factory {

namespace {

/// By integration of the distribution of the range (Tippett 1925); they agree with the published tables to all their digits.
constexpr std::array<range_constants, largest_subgroup - 1> of_two_and_more{{
    {1.1284, 0.8525}, {1.6926, 0.8884}, {2.0588, 0.8798}, {2.3259, 0.8641}, {2.5344, 0.8480}, {2.7044, 0.8332},
    {2.8472, 0.8198}, {2.9700, 0.8078}, {3.0775, 0.7971}, {3.1729, 0.7873}, {3.2585, 0.7785}, {3.3360, 0.7704},
    {3.4068, 0.7630}, {3.4718, 0.7562}, {3.5320, 0.7499}, {3.5879, 0.7441}, {3.6401, 0.7386}, {3.6890, 0.7335},
    {3.7350, 0.7287}, {3.7783, 0.7242}, {3.8194, 0.7199}, {3.8583, 0.7159}, {3.8953, 0.7121}, {3.9306, 0.7084},
}};

constexpr std::array<runs_rule, runs_rule_count> rules{{
    {rule_set::western_electric, 1, 1, "a point beyond three sigma", 3},
    {rule_set::western_electric, 2, 3, "two of three points beyond two sigma on one side", 2},
    {rule_set::western_electric, 3, 5, "four of five points beyond one sigma on one side", 1},
    {rule_set::western_electric, 4, 8, "eight points in a row on one side of the centre"},
    {rule_set::nelson, 1, 1, "a point beyond three sigma", 3},
    {rule_set::nelson, 2, 9, "nine points in a row on one side of the centre"},
    {rule_set::nelson, 3, 6, "six points in a row that rise, or fall"},
    {rule_set::nelson, 4, 14, "fourteen points in a row that alternate up and down"},
    {rule_set::nelson, 5, 3, "two of three points beyond two sigma on one side", 2},
    {rule_set::nelson, 6, 5, "four of five points beyond one sigma on one side", 1},
    {rule_set::nelson, 7, 15, "fifteen points in a row within one sigma"},
    {rule_set::nelson, 8, 8, "eight points in a row beyond one sigma on either side", 1},
}};
static_assert(std::ranges::max(rules, {}, &runs_rule::looks_back).looks_back == runs_watch::longest);

}  // namespace

double range_constants::a2(std::size_t size) const { return 3 / (d2 * std::sqrt(static_cast<double>(size))); }
double range_constants::lower_range() const { return std::max(0.0, 1 - 3 * d3 / d2); }
double range_constants::upper_range() const { return 1 + 3 * d3 / d2; }
const range_constants& range_constants_of(std::size_t size) { return of_two_and_more[size - 2]; }

double control_limits::point_sigma() const { return sigma / std::sqrt(static_cast<double>(subgroup)); }

control_limits control_limits_from(double center, double mean_range, std::uint32_t subgroup) {
  const auto& of_range = range_constants_of(std::max(subgroup, 2U));  // moving ranges are of two readings
  control_limits limits;
  limits.subgroup = subgroup;
  limits.center = center;
  limits.sigma = mean_range / of_range.d2;
  limits.lower = center - 3 * limits.point_sigma();
  limits.upper = center + 3 * limits.point_sigma();
  limits.range_center = mean_range;
  limits.range_lower = of_range.lower_range() * mean_range;
  limits.range_upper = of_range.upper_range() * mean_range;
  return limits;
}

control_points control_points_of(std::span<const std::int64_t> times_us, std::span<const double> values, std::uint32_t subgroup) {
  control_points points;
  for (std::size_t end = subgroup; end <= values.size(); end += subgroup) {
    const auto group = values.subspan(end - subgroup, subgroup);
    points.times_us.push_back(times_us[end - 1]);
    points.values.push_back(subgroup == 1 ? group.front() : describe(group).mean);
    if (subgroup > 1) {
      const auto [low, high] = std::ranges::minmax(group);
      points.ranges.push_back(high - low);
    } else if (end > 1) {
      points.ranges.push_back(std::abs(values[end - 1] - values[end - 2]));
    }
  }
  return points;
}

std::optional<control_limits> control_limits_of(const control_points& points, std::uint32_t subgroup) {
  if (points.values.size() < 2) return std::nullopt;
  const auto limits = control_limits_from(describe(points.values).mean, describe(points.ranges).mean, subgroup);
  return std::isfinite(limits.upper - limits.lower) && std::isfinite(limits.range_upper) ? std::optional(limits) : std::nullopt;
}

const std::array<runs_rule, runs_rule_count>& runs_rules() { return rules; }
std::string_view to_text(rule_set set) { return set == rule_set::nelson ? "nelson" : "western_electric"; }

std::uint32_t runs_watch::observe(double distance) {
  newest_[count_++ % longest] = distance;
  const auto known = std::min(count_, longest);
  /// At least `wanted` of the newest `of` points, the newest among them.
  const auto any_of = [&](std::size_t wanted, std::size_t of, auto holds) {
    if (!holds(back(0))) return false;
    std::size_t found = 0;
    for (std::size_t i = 0; i < std::min(of, known); ++i) found += holds(back(i)) ? 1U : 0U;
    return found >= wanted;
  };
  const auto one_side = [&](std::size_t wanted, std::size_t of, double bound) {
    return any_of(wanted, of, [=](double z) { return z > bound; }) || any_of(wanted, of, [=](double z) { return z < -bound; });
  };
  const auto steps = [&](std::size_t points, auto holds) {  // holds(newer, older, how many steps ago)
    if (known < points) return false;
    for (std::size_t i = 0; i + 1 < points; ++i)
      if (!holds(back(i), back(i + 1), i)) return false;
    return true;
  };
  const auto rises = [](double newer, double older, std::size_t) { return newer > older; };
  const auto falls = [](double newer, double older, std::size_t) { return newer < older; };
  const auto zigzags = [](bool first_up) {
    return [first_up](double newer, double older, std::size_t i) {
      return (i % 2 == 0) == first_up ? newer > older : newer < older;
    };
  };
  const std::array<bool, runs_rule_count> broken{
      one_side(1, 1, 3),
      one_side(2, 3, 2),
      one_side(4, 5, 1),
      one_side(8, 8, 0),
      one_side(1, 1, 3),
      one_side(9, 9, 0),
      steps(6, rises) || steps(6, falls),
      steps(14, zigzags(true)) || steps(14, zigzags(false)),
      one_side(2, 3, 2),
      one_side(4, 5, 1),
      any_of(15, 15, [](double z) { return std::abs(z) < 1; }),
      any_of(8, 8, [](double z) { return std::abs(z) > 1; }),
  };
  std::uint32_t bits = 0;
  for (std::size_t rule = 0; rule < broken.size(); ++rule) bits |= broken[rule] ? 1U << rule : 0U;
  return bits;
}

std::vector<runs_violation> find_violations(std::span<const double> values, const control_limits& limits) {
  std::vector<runs_violation> found;
  const auto sigma = limits.point_sigma();
  if (!(sigma > 0)) return found;
  runs_watch watch;
  std::vector<std::uint32_t> broken;
  broken.reserve(values.size());
  for (const double value : values) broken.push_back(watch.observe((value - limits.center) / sigma));
  for (std::size_t rule = 0; rule < runs_rule_count; ++rule) {
    for (std::size_t i = 0; i < broken.size(); ++i) {
      if ((broken[i] >> rule & 1U) == 0) continue;
      const auto begin = i + 1 - std::min<std::size_t>(i + 1, rules[rule].looks_back);
      if (!found.empty() && found.back().rule == rule && begin < found.back().end)
        found.back().end = i + 1;
      else
        found.push_back({rule, begin, i + 1});
    }
  }
  return found;
}

process_capability capability_of(const control_limits& limits, std::optional<double> min, std::optional<double> max) {
  process_capability found;
  if (!(limits.sigma > 0)) return found;
  if (min && max) found.cp = (*max - *min) / (6 * limits.sigma);
  const auto nearer = [&](std::optional<double> limit, double sign) {
    if (!limit) return;
    const double distance = sign * (*limit - limits.center) / (3 * limits.sigma);
    found.cpk = std::min(found.cpk.value_or(distance), distance);
  };
  nearer(min, -1);
  nearer(max, 1);
  return found;
}

}  // namespace factory
