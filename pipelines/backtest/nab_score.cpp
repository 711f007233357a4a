#include "pipelines/backtest/nab_score.hpp"

#include <algorithm>
#include <cmath>

namespace factory {
namespace {

constexpr double learned_share = 0.15;
constexpr std::size_t learned_most = 750;
constexpr double week_us = 604'800e6;

/// 1 far before 0, 0 there, -1 far behind.
double nab_sigmoid(double at) { return at > 3 ? -1 : 2 / (1 + std::exp(5 * at)) - 1; }

}  // namespace

void nab_score::operator+=(const nab_score& more) {
  hit_worth += more.hit_worth;
  false_worth += more.false_worth;
  windows += more.windows;
  hit += more.hit;
  false_rows += more.false_rows;
  weeks += more.weeks;
}

/// 100 where each window is hit at its begin and nothing else is said, 0 where nothing is said at all.
double nab_score::of(double missed_weight, double false_weight) const {
  const auto all = static_cast<double>(windows), missed = static_cast<double>(windows - hit);
  const double nothing = -missed_weight * all;
  const double is = hit_worth + false_weight * false_worth - missed_weight * missed;
  return windows == 0 ? 0 : 100 * (is - nothing) / (all - nothing);
}

nab_windows::nab_windows(std::span<const std::int64_t> time_us, const std::vector<std::pair<std::int64_t, std::int64_t>>& windows)
    : windows_(windows.size()), window_of_(time_us.size(), none), worth_(time_us.size(), -1) {
  const auto rows = time_us.size();
  first_scored_ = std::min(static_cast<std::size_t>(learned_share * static_cast<double>(rows)), learned_most);
  if (rows > 0) weeks_ = static_cast<double>(time_us.back() - time_us[first_scored_]) / week_us;
  const auto row_of = [&](std::int64_t at) {
    return static_cast<std::size_t>(std::find(time_us.begin(), time_us.end(), at) - time_us.begin());
  };
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto first = row_of(windows[i].first), last = std::min(row_of(windows[i].second), rows - 1);
    const auto length = static_cast<double>(last - first + 1);
    for (auto row = first; row <= last; ++row) {
      window_of_[row] = i;
      worth_[row] = nab_sigmoid(-static_cast<double>(last - row + 1) / length) / nab_sigmoid(-1);
    }
    // Behind it, a detection costs the more the farther it is; a window of one row gives no measure of far.
    for (auto row = last + 1; row < rows; ++row)
      worth_[row] = length > 1 ? nab_sigmoid(static_cast<double>(row - last) / (length - 1)) : -1;
  }
}

nab_score nab_windows::score(std::span<const double> scores) const {
  nab_score out;
  out.windows = windows_;
  out.weeks = weeks_;
  std::vector<bool> is_hit(windows_, false);
  for (auto row = first_scored_; row < scores.size(); ++row) {
    if (scores[row] < 1) continue;
    const auto window = window_of_[row];
    if (window == none) {
      ++out.false_rows;
      out.false_worth += worth_[row];
    } else if (!is_hit[window]) {
      is_hit[window] = true;
      ++out.hit;
      out.hit_worth += worth_[row];
    }
  }
  return out;
}

}  // namespace factory
