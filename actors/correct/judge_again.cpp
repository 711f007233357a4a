#include "actors/correct/judge_again.hpp"

#include <algorithm>
#include <utility>

#include "actors/correct/limits.hpp"
#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/correct/twin_judges.hpp"

namespace factory {

namespace {

constexpr std::size_t rows_a_step = 512;  ///< between two looks whether the states have met

reading_run part_of(const reading_run& rows, std::size_t begin, std::size_t end) {
  const auto part = [&](const auto& column) {
    return std::remove_cvref_t<decltype(column)>(column.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 column.begin() + static_cast<std::ptrdiff_t>(end));
  };
  return {part(rows.event_time_us), part(rows.value), part(rows.flags)};
}

/// Late readings of the range did not count yet. Appends their times.
void leave_out_late(reading_run& rows, const time_range& range, std::vector<std::int64_t>& times_us) {
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto time_us = rows.event_time_us[row];
    if ((rows.flags[row] & flag_late) == 0 || time_us < range.begin_us || time_us >= range.end_us) continue;
    rows.flags[row] |= flag_excluded;
    times_us.push_back(time_us);
  }
}

/// Whether a silence of the sensor raised it.
bool is_raised_by_silence(const std::vector<event>& alert) {
  for (const auto& each : alert) {
    event_key by;
    const auto named = each.key.kind == event_kind::alert_raised ? anomaly_named_in(each.explanation) : std::nullopt;
    if (named && parse_finding_id(*named, by)) return by.source == event_source::silent;
  }
  return false;
}

/// A gap that a correction makes is no silence: readings came.
bool is_made_gap(const finding_difference& each, const sensor_config& config) {
  if (!each.before.empty()) return false;
  if (each.finding.source == event_source::silent || is_raised_by_silence(each.after)) return true;
  const auto rule = std::ranges::find_if(config.rules, [&](const shared_rule& one) { return one->id == each.finding.rule; });
  return each.finding.source == event_source::alert_rule && rule != config.rules.end() &&
         (*rule)->condition == rule_condition::no_data;
}

class past_judging {
 public:
  past_judging(const past_parts& parts, const sensor_cut& stored, const past_change& change)
      : parts_(parts),
        stored_(stored),
        change_(change),
        config_(parts.entities.config_of(stored.sensor)),
        twins_(stored.sensor, *config_.stream.value_or(parts.usual_rules), config_) {}

  expected<judged_past> run(const std::atomic<bool>& stopping) {
    const auto from_us = learned_from_us();
    if (!from_us) return tl::unexpected(from_us.error());
    auto scanned = parts_.series.scan(stored_, {*from_us, INT64_MAX}, [&](const reading_run& rows) {
      for (std::size_t begin = 0; begin < rows.size() && !is_done_; begin += rows_a_step)
        judge(part_of(rows, begin, std::min(rows.size(), begin + rows_a_step)));
      return !is_done_ && !stopping;
    });
    if (!scanned) return tl::unexpected(std::move(scanned.error()));
    if (stopping) return fail(errc::stopping, "stopped before its end");
    if (!is_done_) twins_.pass_time(parts_.now_us());
    auto all = twins_.differences();
    if (change_.late_readings_are_new)
      if (auto added = add_told_before(all); !added) return tl::unexpected(std::move(added.error()));
    for (const auto& each : all)
      if (auto told = tell(each); !told) return tl::unexpected(std::move(told.error()));
    return std::move(out_);
  }

 private:
  expected<std::int64_t> learned_from_us() const {
    return parts_.series.read(stored_, {INT64_MIN, change_.range.begin_us}, limits::learned_readings, true, asker::background)
        .map([&](const reading_run& rows) { return rows.empty() ? change_.range.begin_us : rows.event_time_us.back(); });
  }

  void judge(reading_run before) {
    reading_run after = before;
    const bool is_behind = before.event_time_us.front() >= change_.range.end_us;
    if (change_.late_readings_are_new) leave_out_late(before, change_.range, late_us_);
    if (change_.before) change_.before->apply(before);
    if (change_.after) change_.after->apply(after);
    last_judged_us_ = before.event_time_us.back();
    twins_.observe(before, after);
    if (!is_behind) return;
    following_ += before.size();
    is_done_ = following_ >= limits::following_readings || twins_.have_met();
  }

  /// What an earlier backlog of the range told, and what was told of readings that late ones took the place of: `before` does not know
  /// of these readings.
  expected<void> add_told_before(std::vector<finding_difference>& all) const {
    const auto add = [&](const std::vector<finding>& found) {
      for (const auto& each : found) {
        if (!is_historical(each.stated->key) && !std::ranges::binary_search(late_us_, each.stated->at_us)) continue;
        const auto key = with_kind(each.stated->key, {});
        if (std::ranges::find(all, key, &finding_difference::finding) == all.end()) all.push_back({key, {}, twins_.after(key)});
      }
    };
    const time_range judged{change_.range.begin_us, last_judged_us_ == INT64_MIN ? change_.range.end_us : last_judged_us_ + 1};
    anomaly_query anomalies;
    alert_query alerts;
    anomalies.sensor = alerts.sensor = stored_.sensor;
    anomalies.range = alerts.range = judged;
    anomalies.limit = alerts.limit = limits::following_readings;
    const auto of_anomalies = parts_.events.anomalies(anomalies);
    if (!of_anomalies) return tl::unexpected(of_anomalies.error());
    add(of_anomalies->rows);
    const auto of_alerts = parts_.events.alert_page(alerts);
    if (!of_alerts) return tl::unexpected(of_alerts.error());
    add(of_alerts->rows);
    return {};
  }

  expected<void> tell(const finding_difference& each) {
    if (!change_.late_readings_are_new && is_made_gap(each, config_)) return {};
    const auto stored = parts_.events.events_of(each.finding);
    if (!stored) return tl::unexpected(stored.error());
    const bool held = fold_finding(*stored).holds();
    // The live side judged otherwise, by other settings or from a longer memory: what it did not tell is not touched.
    if (!each.before.empty() && !held) return {};
    const auto told = told_again(*stored, each.after, change_.reason, change_.recorded_at_us);
    if (told.empty()) return {};
    const bool holds = !each.after.empty();
    auto& counts = is_detector(each.finding.source) ? out_.changed.anomalies : out_.changed.alerts;
    ++(held && holds ? counts.revised : holds ? counts.raised : counts.withdrawn);
    for (const auto& one : told) {
      out_.first_us = std::min(out_.first_us, one.at_us);
      out_.last_us = std::max(out_.last_us, one.at_us);
    }
    out_.events.insert(out_.events.end(), told.begin(), told.end());
    return {};
  }

  const past_parts& parts_;
  const sensor_cut& stored_;
  const past_change& change_;
  sensor_config config_;
  twin_judges twins_;
  std::size_t following_ = 0;
  std::int64_t last_judged_us_ = INT64_MIN;
  std::vector<std::int64_t> late_us_;  ///< ascending
  bool is_done_ = false;
  judged_past out_;
};

}  // namespace

consequences consequences_of(const judged_again_detail& told) {
  consequences all;
  all.alerts = {told.alerts_raised, told.alerts_withdrawn, told.alerts_revised};
  all.anomalies = {told.anomalies_raised, told.anomalies_withdrawn, told.anomalies_revised};
  return all;
}

expected<judged_past> judge_again(const past_parts& parts, const sensor_cut& stored, const past_change& change,
                                  const std::atomic<bool>& stopping) {
  return past_judging(parts, stored, change).run(stopping);
}

}  // namespace factory
