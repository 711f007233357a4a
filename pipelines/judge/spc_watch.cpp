#include "pipelines/judge/spc_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipelines/stats/statistics.hpp"

namespace factory {

namespace {

/// Of a rule with a bound in sigmas, how far the peak is beyond it; of a run, how long it is. 1 is the boundary.
double score_of(const runs_rule& rule, double distance, std::uint64_t points) {
  if (rule.beyond > 0) return std::max(1.0, std::abs(distance) / rule.beyond);
  return std::max(1.0, static_cast<double>(points) / rule.looks_back);
}

}  // namespace

void spc_watch::observe(std::int64_t time_us, double value, const spc_rules& how, const control_limits& limits,
                        std::vector<change>& out) {
  newest_us_ = time_us;
  if (how.against.subgroup == 1) return take(time_us, value, how, limits, out);
  group_.push_back(value);
  if (group_.size() < how.against.subgroup) return;
  const double mean = describe(group_).mean;
  group_.clear();
  take(time_us, mean, how, limits, out);
}

void spc_watch::take(std::int64_t time_us, double value, const spc_rules& how, const control_limits& limits,
                     std::vector<change>& out) {
  const double sigma = limits.point_sigma();
  if (!(sigma > 0)) return;
  times_us_[points_++ % times_us_.size()] = time_us;
  const auto broken = runs_.observe((value - limits.center) / sigma);
  if (broken != 0)
    for (std::size_t rule = 0; rule < runs_rule_count; ++rule)
      if ((broken >> rule & 1U) != 0 && how.uses(runs_rules()[rule].set)) join(rule, time_us, limits, out);
  if (!open_.empty()) close_passed(time_us, out);
}

void spc_watch::join(std::size_t rule, std::int64_t time_us, const control_limits& limits, std::vector<change>& out) {
  const auto& broken = runs_rules()[rule];
  const auto looked_at = std::min<std::uint64_t>(points_, broken.looks_back);
  auto at = std::ranges::find(open_, rule, &entry::rule);
  const bool opens = at == open_.end();
  if (opens) {
    open_.push_back({static_cast<std::uint8_t>(rule), {}, points_ - looked_at, 0});
    at = std::prev(open_.end());
    at->is.begin_us = times_us_[at->first % times_us_.size()];
  }
  episode& is = at->is;
  const auto first_new = opens ? at->first : std::max(at->last + 1, points_ - looked_at);
  at->last = points_ - 1;
  is.end_us = time_us;
  is.count = at->last - at->first + 1;
  double farthest = opens ? -1 : std::abs(is.peak.value - limits.center) / limits.point_sigma();
  for (auto point = first_new; point < points_; ++point) {
    const double distance = runs_.back(points_ - 1 - point);
    if (std::abs(distance) <= farthest) continue;
    farthest = std::abs(distance);
    const double band = (broken.beyond > 0 ? broken.beyond : 3) * limits.point_sigma();
    is.peak = {times_us_[point % times_us_.size()], limits.center + distance * limits.point_sigma(), limits.center,
               limits.center - band, limits.center + band};
  }
  is.set_score(std::max(is.score, score_of(broken, farthest, is.count)));
  if (!opens && is.level == severity_of_score(is.amount) && is.score < 1.1 * is.amount) return;
  if (!opens) ++is.updates;
  is.amount = is.score;
  out.push_back({rule, {opens ? episode_change::kind::opened : episode_change::kind::updated, time_us, is}});
}

/// Of which no further point can be part: each would look back to none of theirs.
void spc_watch::close_passed(std::int64_t time_us, std::vector<change>& out) {
  std::erase_if(open_, [&](entry& each) {
    if (points_ - 1 - each.last < runs_rules()[each.rule].looks_back) return false;
    each.is.end_reason = episode::ending::passed;
    out.push_back({each.rule, {episode_change::kind::closed, time_us, each.is}});
    return true;
  });
}

void spc_watch::begin_anew(std::vector<change>& out) {
  for (auto& each : open_) {
    each.is.end_reason = episode::ending::passed;
    out.push_back({each.rule, {episode_change::kind::closed, newest_us_, each.is}});
  }
  *this = {};
}

std::vector<spc_watch::change> spc_watch::open() const {
  std::vector<change> all;
  for (const auto& each : open_) all.push_back({each.rule, {episode_change::kind::opened, each.is.begin_us, each.is}});
  return all;
}

std::vector<spc_watch::change> spc_watch::told() const {
  auto all = open();
  for (auto& each : all) each.what.now.set_score(each.what.now.amount);
  return all;
}

std::string name_of_violation(std::size_t rule) {
  const auto& broken = runs_rules()[rule];
  return fmt::format("{}_{}", to_text(broken.set), broken.number);
}

std::string explain_violation(std::size_t rule, const episode& what, const spc_rules& how, std::string_view unit) {
  const auto& broken = runs_rules()[rule];
  const auto limits = how.against.limits();
  return fmt::format(
             "{} rule {}, {}: {:.6g}{}{} where {:.6g} is the centre line ({:.6g} to {:.6g} are the control limits, version {})",
             broken.set == rule_set::nelson ? "Nelson" : "Western Electric", broken.number, broken.what, what.peak.value,
             unit.empty() ? "" : " ", unit, limits.center, limits.lower, limits.upper, how.against.version) +
         (what.count > 1 ? fmt::format(", {} points", what.count) : "");
}

}  // namespace factory
