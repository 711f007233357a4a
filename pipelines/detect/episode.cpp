#include "pipelines/detect/episode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace factory {
namespace {

bool is_health(detector by) { return entry_of(by).kind == finding_kind::health; }

/// A spike that stays is a shift; a course not seen before is whatever else is seen in it.
bool describes_better(detector by, detector than) {
  if (than == detector::spike) return by == detector::level_shift;
  return than == detector::pattern && by != detector::pattern;
}

/// What another verdict of the same reading has told of this episode; null when none has.
episode* update_of(const episode& it, std::int64_t time_us, std::vector<episode_change>& out) {
  for (auto each = out.rbegin(); each != out.rend() && each->at_us == time_us; ++each)
    if (each->what == episode_change::kind::updated && each->now.begin_us == it.begin_us && each->now.opened_by == it.opened_by)
      return &each->now;
  return nullptr;
}

std::string number(double value) { return fmt::format("{:.6g}", value); }

std::string with_unit(double value, std::string_view unit) {
  return unit.empty() ? number(value) : fmt::format("{} {}", number(value), unit);
}

std::string readings(std::uint64_t count) { return count == 1 ? "1 reading" : fmt::format("{} readings", count); }

std::string against_band(const episode& what, std::string_view unit) {
  return fmt::format("{} where {} was expected ({} to {} would have passed)", with_unit(what.peak.value, unit),
                     with_unit(what.peak.expected, unit), number(what.peak.low), number(what.peak.high));
}

std::string duration(double seconds) {
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7'200) return fmt::format("{:.3g} min", seconds / 60);
  return fmt::format("{:.3g} h", seconds / 3'600);
}

std::string sentence(const episode& what, std::string_view unit) {
  switch (what.by) {
    case detector::spike: return "Spike: " + against_band(what, unit);
    case detector::level_shift:
      return fmt::format("Another level at once: {}, for {}", against_band(what, unit), readings(what.count));
    case detector::drift: return "Slow drift away from what this time of day has shown: " + against_band(what, unit);
    case detector::spread:
      return fmt::format("{:.2g} times its usual scatter, around {}", what.amount, with_unit(what.peak.value, unit));
    case detector::pattern: return "A course not seen before: " + against_band(what, unit);
    case detector::out_of_range:
      return fmt::format("{} cannot be: the sensor measures {} to {}", with_unit(what.peak.value, unit), number(what.peak.low),
                         number(what.peak.high));
    case detector::stuck:
      return fmt::format("Stuck at {}: the same value {:.0f} times in a row, more than it ever repeated",
                         with_unit(what.peak.value, unit), what.amount);
    case detector::silent: return fmt::format("No reading for {}, far longer than its usual pause", duration(what.amount));
    case detector::noise_lost:
      return fmt::format("Its usual scatter is gone: {:.2g} of it is left, around {}", what.amount,
                         with_unit(what.peak.value, unit));
    case detector::machine: return "The sensors of the machine do not go together as they do when it runs calmly";
  }
  return {};
}

}  // namespace

std::string explain(const episode& what, std::string_view unit) {
  std::string text = sentence(what, unit);
  if (what.end_reason == episode::ending::learned) text += "; it stayed so long that it is taken as normal from now on";
  return text;
}

episode_book::entry* episode_book::entry_for(detector by) {
  for (auto& each : open_)
    if (is_health(by) ? each.is.by == by : !is_health(each.is.by)) return &each;
  return nullptr;
}

const episode* episode_book::anomaly() const {
  for (const auto& each : open_)
    if (!is_health(each.is.by)) return &each.is;
  return nullptr;
}

std::vector<episode> episode_book::open() const {
  std::vector<episode> all;
  for (const auto& each : open_) all.push_back(each.is);
  return all;
}

std::vector<episode> episode_book::told() const {
  std::vector<episode> all;
  for (const auto& each : open_) all.emplace_back(each.is).set_score(each.told_score);
  return all;
}

bool episode_book::is_open(detector by) const {
  return std::any_of(open_.begin(), open_.end(), [by](const entry& each) { return each.is.by == by; });
}

void episode_book::join(std::int64_t time_us, double value, const verdict& one, bool counts, std::vector<episode_change>& out) {
  entry* at = entry_for(one.by);
  const bool opens = at == nullptr;
  if (opens) {
    at = &open_.emplace_back();
    at->is.by = at->is.opened_by = one.by;
    at->is.begin_us = one.since_us > closed_until_us_ ? one.since_us : time_us;
  }
  episode& is = at->is;
  at->quiet = 0;
  const bool better = describes_better(one.by, is.by);
  if (better) is.by = one.by;
  is.count += counts ? 1 : 0;
  is.end_us = time_us;
  if (one.by == is.by) is.amount = one.amount;
  if (one.score > is.score) {
    is.set_score(one.score);
    is.peak = {time_us, value, one.expected, one.low, one.high};
  }
  const bool grown = is.level != severity_of_score(at->told_score) || is.score >= 1.1 * at->told_score;
  if (!opens && one.by == detector::silent) return;  // its end is all that it has to say
  if (!opens && !better && !grown && is.count < 2 * at->told_count) return;
  at->told_score = is.score;
  at->told_count = is.count;
  if (!opens)
    if (auto* const told = update_of(is, time_us, out)) return void(*told = is);
  if (!opens) ++is.updates;
  out.push_back({opens ? episode_change::kind::opened : episode_change::kind::updated, time_us, is});
}

void episode_book::take_some(std::int64_t time_us, double value, const verdict_list& said, std::vector<episode_change>& out) {
  for (auto& each : open_) ++each.quiet;
  bool anomaly_counted = false;
  for (const verdict& one : said) {
    const bool health = is_health(one.by);
    join(time_us, value, one, health || !anomaly_counted, out);
    anomaly_counted = anomaly_counted || !health;
  }
  for (std::size_t i = 0; i < open_.size();) {
    if (open_[i].quiet < quiet_readings || open_[i].is.by == detector::silent) {
      ++i;
      continue;
    }
    open_[i].is.end_reason = episode::ending::passed;
    closed_until_us_ = std::max(closed_until_us_, open_[i].is.end_us);
    out.push_back({episode_change::kind::closed, time_us, open_[i].is});
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void episode_book::close(detector by, std::int64_t end_us, episode::ending why, std::vector<episode_change>& out) {
  for (std::size_t i = 0; i < open_.size(); ++i) {
    if (open_[i].is.by != by) continue;
    open_[i].is.end_us = end_us;
    open_[i].is.end_reason = why;
    closed_until_us_ = std::max(closed_until_us_, end_us);
    out.push_back({episode_change::kind::closed, end_us, open_[i].is});
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

}  // namespace factory
