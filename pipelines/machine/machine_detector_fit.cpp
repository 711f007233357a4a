#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "pipelines/machine/machine_detector.hpp"
#include "pipelines/stats/symmetric_eigen.hpp"

namespace factory {
namespace {

/// Of the level, a kept row, the slowest first.
constexpr std::array level_rates{0.003, 0.01, 0.05};
constexpr double ahead_share = 0.2;         ///< of the kept rows: so far ahead are the forecasts that tell the rates apart
constexpr double warm_share = 0.25;         ///< of the kept rows: the first ones, in which levels begin
constexpr double about_as_well = 1.5;       ///< times the squares of the best
constexpr double least_scale = 0.1;         ///< times the deviation of all kept rows
constexpr double variance_explained = 0.9;  ///< by the components of T2
constexpr double limit_margin = 2.4;        ///< times the largest of the calm rows, as an amplitude
constexpr double least_share = 0.9;         ///< of the calm rows in which a sensor that is judged has a value
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

/// From the kept rows to a model, and to levels and limits as of their end.
struct machine_detector::fitting {
  fitting(const rows& of, std::size_t sensors)
      : all(of), width(sensors), count(of.size() / sensors), begin(share_of_rows(warm_share)), ahead(share_of_rows(ahead_share)) {
    made.scale.assign(width, 0.0);
    made.rate.assign(width, 0.0);
    level.assign(width, 0.0);
    for (std::size_t s = 0; s < width; ++s)
      if (fit_level(s)) made.judged.push_back(static_cast<std::uint32_t>(s));
  }
  std::size_t share_of_rows(double share) const { return static_cast<std::size_t>(share * static_cast<double>(count)); }
  double value(std::size_t row, std::size_t sensor) const { return all[row * width + sensor]; }

  struct spread {
    double first = 0, mean = 0, deviation = 0;
  };
  struct forecast {
    std::vector<double> levels;  ///< behind each row
    double error = 0;            ///< mean square of what the level of `ahead` rows before fails by
  };
  std::optional<spread> spread_of(std::size_t sensor) const;
  forecast foretell(std::size_t sensor, double first, double rate) const;
  bool fit_level(std::size_t sensor);
  void fit_components();
  statistics largest();

  const rows& all;
  std::size_t width, count;
  std::size_t begin;  ///< row from which on levels are known
  std::size_t ahead;  ///< rows
  model made;
  std::vector<double> level;  ///< of each sensor, behind the last row
  std::vector<double> z;      ///< of the judged sensors, one after the other: each row from `begin` on; 0: missing
};

/// Nothing where the sensor is not judged.
std::optional<machine_detector::fitting::spread> machine_detector::fitting::spread_of(std::size_t sensor) const {
  double n = 0, sum = 0, squares = 0, first = missing;
  bool is_constant = true;
  for (std::size_t row = 0; row < count; ++row) {
    const double now = value(row, sensor);
    if (std::isnan(now)) continue;
    if (n == 0) first = now;
    is_constant = is_constant && now == first;
    ++n;
    sum += now - first;
    squares += (now - first) * (now - first);
  }
  if (is_constant || n < least_share * static_cast<double>(count)) return std::nullopt;
  return spread{first, first + sum / n, std::sqrt(std::max(squares / n - sum / n * (sum / n), 0.0))};
}

/// The sensor's level with this rate, and how well it foretells.
machine_detector::fitting::forecast machine_detector::fitting::foretell(std::size_t sensor, double first, double rate) const {
  forecast out;
  out.levels.reserve(count);
  double level_now = first, seen = 0, squares = 0, n = 0;
  for (std::size_t row = 0; row < count; ++row) {
    const double now = value(row, sensor);
    if (!std::isnan(now)) level_now += std::max(rate, 1 / ++seen) * (now - level_now);
    out.levels.push_back(level_now);
    if (row < begin + ahead || std::isnan(now)) continue;
    const double off = now - out.levels[row - ahead];
    squares += off * off;
    ++n;
  }
  out.error = n > 0 ? squares / n : std::numeric_limits<double>::infinity();
  return out;
}

/// Whether the sensor is judged. Its level, with the rate that foretells it; its scale; its z.
bool machine_detector::fitting::fit_level(std::size_t sensor) {
  const auto is = spread_of(sensor);
  if (!is) return false;
  std::array<forecast, level_rates.size()> by;
  for (std::size_t i = 0; i < by.size(); ++i) by[i] = foretell(sensor, is->first, level_rates[i]);
  const double best = std::ranges::min(by, {}, &forecast::error).error;
  if (!std::isfinite(best)) return false;
  const auto slowest = std::ranges::find_if(by, [&](const forecast& each) { return each.error <= about_as_well * best; });
  made.rate[sensor] = level_rates[static_cast<std::size_t>(slowest - by.begin())];
  made.scale[sensor] = std::max({std::sqrt(slowest->error), least_scale * is->deviation, 1e-6 * std::abs(is->mean) + 1e-12});
  level[sensor] = slowest->levels.back();
  for (auto row = begin; row < count; ++row) {
    const double off = value(row, sensor) - slowest->levels[row - 1];
    z.push_back(std::isnan(off) ? 0 : off / made.scale[sensor]);
  }
  return true;
}

void machine_detector::fitting::fit_components() {
  const auto judged = made.judged.size(), length = count - begin;
  std::vector<double> correlation(judged * judged);
  for (std::size_t a = 0; a < judged; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = 0;
      for (std::size_t row = 0; row < length; ++row) sum += z[a * length + row] * z[b * length + row];
      correlation[a * judged + b] = correlation[b * judged + a] = sum / static_cast<double>(length);
    }
  decompose_symmetric(correlation, judged, made.variances, made.vectors);
  double total = 0, explained = 0;
  for (const double each : made.variances) total += each;
  while (made.components < judged && explained < variance_explained * total) explained += made.variances[made.components++];
}

/// How far the calm rows go.
machine_detector::statistics machine_detector::fitting::largest() {
  const auto judged = made.judged.size(), length = count - begin;
  statistics out;
  std::vector<double> one(judged);
  for (std::size_t row = 0; row < length; ++row) {
    for (std::size_t i = 0; i < judged; ++i) one[i] = z[i * length + row];
    const auto now = judge(made, one);
    out = {std::max(out.t2, now.t2), std::max(out.q, now.q)};
  }
  return out;
}

/// False where fewer than two sensors can be judged.
bool machine_detector::fit() {
  const auto all = kept_rows();
  fitting of(all, sensors_);
  if (of.made.judged.size() < std::min<std::size_t>(sensors_, 2)) return false;
  of.fit_components();
  const auto largest = of.largest();
  t2_ = q_ = {};
  t2_.limit = std::max(largest.t2 * limit_margin, 3e-5);
  q_.limit = std::max(largest.q * limit_margin, 1e-3);
  level_ = std::move(of.level);
  z_.assign(of.made.judged.size(), 0.0);
  for (double& each : of.made.rate) each /= stride_;
  model_.change() = std::move(of.made);
  return true;
}

}  // namespace factory
