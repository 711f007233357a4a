#include "pipelines/alarm/alarm_performance.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace factory {
namespace {

constexpr std::int64_t minute_us = 60'000'000, span_us = 10 * minute_us, day_us = 24 * 60 * minute_us;
constexpr std::size_t most_frequent = 10;
constexpr std::uint64_t flood_begins_above = 10, flood_ends_below = 5;

/// Half-open.
struct time_span {
  std::int64_t begin_us, end_us;
};

double share_of(double part, double whole) { return whole == 0 ? 0 : part / whole; }

event_key limit_of(const event_key& alert) { return {alert.sensor, 0, alert.source, alert.rule, {}, 0}; }

void rate(alarm_performance& out, const std::vector<std::uint64_t>& spans, const time_span& range) {
  out.per_ten_minutes = share_of(static_cast<double>(out.alarms) * span_us, static_cast<double>(range.end_us - range.begin_us));
  const auto most = std::max_element(spans.begin(), spans.end());
  out.peak = *most;
  out.peak_us = range.begin_us + (most - spans.begin()) * span_us;
  std::size_t above = 0, flooded = 0;
  bool is_flood = false;
  for (const auto count : spans) {
    if (count > flood_begins_above) ++above;
    is_flood = is_flood ? count >= flood_ends_below : count > flood_begins_above;
    if (is_flood) ++flooded;
  }
  out.above_ten_share = share_of(static_cast<double>(above), static_cast<double>(spans.size()));
  out.flood_share = share_of(static_cast<double>(flooded), static_cast<double>(spans.size()));
}

/// Raises of each limit, by time: how many there are, and in how many minutes it chattered.
void load(alarm_performance& out, const std::map<event_key, std::vector<std::int64_t>>& raises) {
  std::vector<limit_load> all;
  for (const auto& [limit, times_us] : raises) {
    limit_load it{limit, times_us.size(), share_of(static_cast<double>(times_us.size()), static_cast<double>(out.alarms)), 0};
    std::map<std::int64_t, std::uint64_t> minutes;
    for (const auto us : times_us) ++minutes[us / minute_us];
    it.chatter = static_cast<std::uint64_t>(
        std::count_if(minutes.begin(), minutes.end(), [](const auto& each) { return each.second >= chattering_in_a_minute; }));
    all.push_back(it);
  }
  std::ranges::stable_sort(all, std::greater(), &limit_load::alarms);
  out.top.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), most_frequent)));
  out.top_share =
      std::accumulate(out.top.begin(), out.top.end(), 0.0, [](double sum, const auto& each) { return sum + each.share; });
  std::ranges::copy_if(all, std::back_inserter(out.chattering), [](const auto& each) { return each.chatter > 0; });
  std::ranges::stable_sort(out.chattering, std::greater(), &limit_load::chatter);
}

/// Alerts that stood more than a day: how many, and how many at once at most.
void standing(alarm_performance& out, const std::vector<alert_facts>& facts, const time_span& range) {
  std::map<std::int64_t, std::int64_t> steps;
  for (const auto& it : facts) {
    const auto end_us = std::min(it.ended_us.value_or(range.end_us), range.end_us);
    const auto stale_us = std::max(it.raised_us + day_us, range.begin_us);
    if (end_us <= stale_us) continue;
    ++out.standing;
    ++steps[stale_us];
    --steps[end_us];
  }
  std::int64_t now = 0, most = 0;
  for (const auto& [us, step] : steps) most = std::max(most, now += step);
  out.standing_per_day = static_cast<std::uint64_t>(most);
}

void acknowledging(alarm_performance& out, std::vector<double> seconds) {
  if (seconds.empty()) return;
  std::ranges::sort(seconds);
  const auto at = [&](double q) { return seconds[static_cast<std::size_t>(q * static_cast<double>(seconds.size() - 1))]; };
  out.acknowledged = seconds.size();
  out.ack_median_s = at(0.5);
  out.ack_p90_s = at(0.9);
}

}  // namespace

std::string_view to_text(alarm_verdict v) {
  return v == alarm_verdict::good ? "good" : v == alarm_verdict::manageable ? "manageable" : "bad";
}

alarm_performance performance_of(const std::vector<alert_facts>& facts, std::int64_t begin_us, std::int64_t end_us) {
  const time_span range{begin_us, end_us};
  alarm_performance out;
  std::vector<std::uint64_t> spans(static_cast<std::size_t>((range.end_us - range.begin_us + span_us - 1) / span_us));
  std::map<event_key, std::vector<std::int64_t>> raises;
  std::vector<double> ack_seconds;
  for (const auto& it : facts) {
    if (it.raised_us < range.begin_us || it.raised_us >= range.end_us) continue;
    if (!it.was_told) {
      ++out.hushed;
      continue;
    }
    ++out.alarms;
    ++spans[static_cast<std::size_t>((it.raised_us - range.begin_us) / span_us)];
    raises[limit_of(it.alert)].push_back(it.raised_us);
    ++out.by_priority[std::clamp(it.priority, 1U, 4U) - 1];
    if (it.acknowledged_us) ack_seconds.push_back(static_cast<double>(*it.acknowledged_us - it.raised_us) / 1e6);
  }
  rate(out, spans, range);
  load(out, raises);
  standing(out, facts, range);
  acknowledging(out, std::move(ack_seconds));
  return out;
}

alarm_verdict verdict_on_average(double per_ten_minutes) {
  return per_ten_minutes <= 1 ? alarm_verdict::good : per_ten_minutes <= 2 ? alarm_verdict::manageable : alarm_verdict::bad;
}
alarm_verdict verdict_on_peak(std::uint64_t peak) {
  return peak <= flood_begins_above ? alarm_verdict::good : alarm_verdict::bad;
}
alarm_verdict verdict_on_share(double share, double good_below, double bad_above) {
  return share < good_below ? alarm_verdict::good : share <= bad_above ? alarm_verdict::manageable : alarm_verdict::bad;
}
alarm_verdict verdict_on_top(const alarm_performance& it) {
  return it.alarms < judged_from ? alarm_verdict::good : verdict_on_share(it.top_share, 0.05, 0.2);
}
alarm_verdict verdict_on_standing(std::uint64_t per_day) { return per_day < 5 ? alarm_verdict::good : alarm_verdict::bad; }

alarm_verdict verdict_on_priorities(const std::array<std::uint64_t, 4>& by_priority) {
  const auto all = static_cast<double>(std::accumulate(by_priority.begin(), by_priority.end(), std::uint64_t{0}));
  if (all < judged_from) return alarm_verdict::good;
  const double urgent = static_cast<double>(by_priority[0]) / all, high = static_cast<double>(by_priority[1]) / all;
  if (urgent <= 0.05 && high <= 0.15) return alarm_verdict::good;
  return urgent <= 0.10 && high <= 0.30 ? alarm_verdict::manageable : alarm_verdict::bad;
}

}  // namespace factory
