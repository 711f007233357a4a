#include "pipelines/correct/twin_judges.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace factory {

namespace {

constexpr std::size_t rows_at_once = 256;  ///< so that few rows wait behind those that are looked back at

using events_by_finding = std::map<event_key, std::vector<event>>;

events_by_finding by_finding(const std::vector<event>& found) {
  events_by_finding out;
  for (const auto& each : found) out[with_kind(each.key, {})].push_back(each);
  return out;
}

bool is_same(const std::vector<event>& a, const std::vector<event>& b) { return std::ranges::equal(a, b, event_judge::same); }

}  // namespace

judged_columns::judged_columns(const reading_run& rows, bool with_quality) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto time_us = rows.event_time_us[row];
    const auto flags = rows.flags[row];
    if ((flags & flag_future) != 0) continue;
    if ((flags & flag_heard) != 0) heard_us.push_back(time_us);
    if (with_quality && (flags & flag_excluded) == 0 && (flags & (flag_bad | flag_uncertain)) != 0)
      poor.push_back({time_us, 0, false, (flags & flag_bad) != 0 ? row_quality::bad : row_quality::uncertain});
    if (is_left_out(flags)) continue;
    times_us.push_back(time_us);
    values.push_back(rows.value[row]);
  }
}

history_judges::history_judges(sensor_id sensor, const stream_rules& rules, std::shared_ptr<const alarm_past> past)
    : detectors_(sensor, rules), past_(std::move(past)) {
  const auto watches = [](const alarm_command& each) {
    return each.config && (each.config->thresholds.configured() || !each.config->rules.empty());
  };
  if (std::ranges::any_of(past_->commands, watches)) alarms_.emplace();
  needs_quality_ = std::ranges::any_of(past_->commands,
                                       [](const alarm_command& each) { return each.config && needs_of(*each.config).quality; });
  come_to(INT64_MIN);
}

void history_judges::come_to(std::int64_t time_us) {
  if (!alarms_) return;
  alarms_->look_up(&notes_);
  for (; next_command_ < past_->commands.size() && past_->commands[next_command_].at_us <= time_us; ++next_command_)
    alarms_->apply(past_->commands[next_command_], 0, found_);
}

void history_judges::observe(const judged_columns& rows) {
  const std::span times_us(rows.times_us);
  const std::span values(rows.values);
  std::span<const alarm_row> poor(rows.poor);
  std::size_t row = 0, heard = 0;
  const auto next_row_us = [&] { return row < times_us.size() ? times_us[row] : INT64_MAX; };
  const auto next_heard_us = [&] { return heard < rows.heard_us.size() ? rows.heard_us[heard] : INT64_MAX; };
  while (row < times_us.size() || heard < rows.heard_us.size() || !poor.empty()) {
    const auto next_us = std::min({next_row_us(), next_heard_us(), poor.empty() ? INT64_MAX : poor.front().time_us});
    come_to(next_us - 1);
    if (next_heard_us() == next_us && next_row_us() != next_us) {
      hear(rows.heard_us[heard++]);
      continue;
    }
    auto until_us = next_heard_us();
    if (alarms_ && next_command_ < past_->commands.size())
      until_us = std::min(until_us, past_->commands[next_command_].at_us + 1);
    until_us = std::max(until_us, next_us + 1);
    const auto behind = std::ranges::lower_bound(times_us.subspan(row), until_us) - times_us.begin();
    const auto end = std::min(static_cast<std::size_t>(behind), row + rows_at_once);
    if (end < times_us.size()) until_us = std::min(until_us, times_us[end]);
    const auto of_these =
        static_cast<std::size_t>(std::ranges::lower_bound(poor, until_us, {}, &alarm_row::time_us) - poor.begin());
    observe(times_us.subspan(row, end - row), values.subspan(row, end - row), poor.first(of_these));
    row = end;
    poor = poor.subspan(of_these);
  }
}

void history_judges::observe(std::span<const std::int64_t> times_us, std::span<const double> values,
                             std::span<const alarm_row> poor) {
  const auto first = rows_.size();
  rows_.append(times_us, values);
  const auto told = found_.size();
  if (with_detectors_) detectors_.observe(rows_, first, rows_.size(), 0, found_);
  if (alarms_) judge_alarms(first, told, poor);
  if (rows_.size() > sensor_judge::looks_back) rows_.drop_front(rows_.size() - sensor_judge::looks_back);
}

/// For the rules about silence alone: detectors learn from the readings that count.
void history_judges::hear(std::int64_t time_us) {
  if (!alarms_) return;
  alarms_->look_up(&notes_);
  alarms_->hear(time_us, found_);
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
  come_to(INT64_MAX);
  alarm_command instant;
  instant.at_us = until_us;
  alarms_->apply(instant, 0, found_);
}

std::string history_judges::state_of_alarms() const {
  std::string out;
  if (alarms_) alarms_->encode(out);
  notes_.anomalies.encode(out);
  return out;
}

std::string history_judges::state() const {
  std::string out;
  put_rows(out, rows_);
  auto awake = detectors_;
  awake.rest({});  // both are behind what they rest in
  awake.encode(out);
  return out + state_of_alarms();
}

std::string history_judges::detectors_at_edge() const {
  std::string out;
  detectors_.encode(out);
  put_rows(out, rows_);
  return out;
}

std::string history_judges::alarms_at_edge(std::int64_t edge_us) const {
  std::string out;
  if (!alarms_) return out;
  auto settled = notes_.anomalies;
  settled.settle(edge_us);
  put_alarms(out, *alarms_, settled);
  return out;
}

void twin_judges::observe(const reading_run& before, const reading_run& after) {
  const judged_columns left(before, before_.needs_quality()), right(after, before_.needs_quality());
  if (!after_ && left != right) after_ = before_;
  before_.observe(left);
  if (after_) after_->observe(right);
}

void twin_judges::come_to(std::int64_t time_us) {
  before_.come_to(time_us);
  if (after_) after_->come_to(time_us);
}

void twin_judges::leave_detectors() {
  before_.leave_detectors();
  if (after_) after_->leave_detectors();
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
