#include "pipelines/correct/twin_judges.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace factory {

namespace {

constexpr std::size_t rows_at_once = 256;  ///< so that few rows wait behind those that are looked back at

/// The rows that are judged, as the live side judges them.
struct judged_columns {
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  std::vector<alarm_row> poor;  ///< where rules are about quality
  bool operator==(const judged_columns&) const = default;

  judged_columns(const reading_run& rows, bool with_quality) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const auto time_us = rows.event_time_us[row];
      const auto flags = rows.flags[row];
      if ((flags & flag_future) != 0) continue;
      if (with_quality && (flags & flag_excluded) == 0 && (flags & (flag_bad | flag_uncertain)) != 0)
        poor.push_back({time_us, 0, false, (flags & flag_bad) != 0 ? row_quality::bad : row_quality::uncertain});
      if (is_left_out(flags)) continue;
      times_us.push_back(time_us);
      values.push_back(rows.value[row]);
    }
  }
};

using events_by_finding = std::map<event_key, std::vector<event>>;

events_by_finding by_finding(const std::vector<event>& found) {
  events_by_finding out;
  for (const auto& each : found) out[with_kind(each.key, {})].push_back(each);
  return out;
}

bool is_same(const std::vector<event>& a, const std::vector<event>& b) { return std::ranges::equal(a, b, event_judge::same); }

}  // namespace

history_judges::history_judges(sensor_id sensor, const stream_rules& rules, sensor_config config) : detectors_(sensor, rules) {
  if (!config.thresholds.configured() && config.rules.empty()) return;
  config.stream.reset();
  needs_quality_ = needs_of(config).quality;
  alarm_command begin;
  begin.config = std::move(config);
  begin.at_us = begin.since_us = INT64_MIN;
  alarms_.emplace().apply(begin, 0, found_);
}

void history_judges::observe(std::span<const std::int64_t> times_us, std::span<const double> values,
                             std::span<const alarm_row> poor) {
  for (std::size_t done = 0; done < values.size() || !poor.empty();) {
    const auto count = std::min(rows_at_once, values.size() - done);
    const auto first = rows_.size();
    rows_.append(times_us.subspan(done, count), values.subspan(done, count));
    done += count;
    const auto told = found_.size();
    detectors_.observe(rows_, first, rows_.size(), 0, found_);
    const auto behind =
        done == values.size() ? poor.end() : std::ranges::lower_bound(poor, times_us[done], {}, &alarm_row::time_us);
    const auto of_these = static_cast<std::size_t>(behind - poor.begin());
    if (alarms_) judge_alarms(first, told, poor.first(of_these));
    poor = poor.subspan(of_these);
    if (rows_.size() > sensor_judge::looks_back) rows_.drop_front(rows_.size() - sensor_judge::looks_back);
  }
}

/// Rows from `first_row` on, what the detectors said of them (events from `first_event` on), and those among and between them that are poor.
void history_judges::judge_alarms(std::size_t first_row, std::size_t first_event, std::span<const alarm_row> poor) {
  std::vector<anomaly_change> changes;
  add_changes(std::span(found_).subspan(first_event), changes);
  alarms_->look_up(&notes_);
  if (changes.empty() && poor.empty()) return alarms_->observe(rows_, first_row, rows_.size(), 0, found_);
  std::map<std::int64_t, double> instants;
  for (const auto& each : changes) {
    notes_.anomalies.take(each);
    instants[each.note.at_us] = no_value;
  }
  for (const auto& each : poor) {
    notes_.poor.put(each.time_us, each.quality);
    instants[each.time_us] = no_value;
  }
  for (auto row = first_row; row < rows_.size(); ++row) instants[rows_.times_us()[row]] = rows_.values()[row];
  recent_rows all;
  for (const auto& [time_us, value] : instants) all.append({&time_us, 1}, {&value, 1});
  alarms_->observe(all, 0, all.size(), 0, found_);
  notes_.anomalies.settle(all.newest_us());
  notes_.poor.settle(all.newest_us());
}

void history_judges::pass_time(std::int64_t until_us) {
  if (!alarms_) return;
  alarms_->look_up(&notes_);
  alarm_command instant;
  instant.at_us = until_us;
  alarms_->apply(instant, 0, found_);
}

std::string history_judges::state() const {
  std::string out;
  put_rows(out, rows_);
  detectors_.encode(out);
  if (alarms_) alarms_->encode(out);
  notes_.anomalies.encode(out);
  return out;
}

void twin_judges::observe(const reading_run& before, const reading_run& after) {
  const judged_columns left(before, before_.needs_quality()), right(after, before_.needs_quality());
  if (!after_ && left != right) after_ = before_;
  before_.observe(left.times_us, left.values, left.poor);
  if (after_) after_->observe(right.times_us, right.values, right.poor);
}

void twin_judges::pass_time(std::int64_t until_us) {
  before_.pass_time(until_us);
  if (after_) after_->pass_time(until_us);
}

std::vector<finding_difference> twin_judges::differences() const {
  std::vector<finding_difference> out;
  if (!after_) return out;
  auto left = by_finding(before_.found()), right = by_finding(after_->found());
  for (auto& [finding, events] : left) {
    auto& others = right[finding];
    if (!is_same(events, others)) out.push_back({finding, std::move(events), std::move(others)});
    right.erase(finding);
  }
  for (auto& [finding, events] : right) out.push_back({finding, {}, std::move(events)});
  return out;
}

std::vector<event> twin_judges::after(const event_key& finding) const {
  std::vector<event> out;
  std::ranges::copy_if(after_ ? after_->found() : before_.found(), std::back_inserter(out),
                       [&](const event& each) { return same_finding(each.key, finding); });
  return out;
}

}  // namespace factory
