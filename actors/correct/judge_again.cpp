#include "actors/correct/judge_again.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/correct/limits.hpp"
#include "pipelines/alarm/anomaly_note.hpp"
#include "pipelines/correct/historical.hpp"
#include "pipelines/correct/twin_judges.hpp"
#include "pipelines/model/same_bits.hpp"

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

std::shared_ptr<const alarm_past> past_of(const live_judges& live, const sensor_config& now) {
  judged_alarms alarms;
  std::string_view in = live.alarms;
  auto past = std::make_shared<alarm_past>();
  if (!in.empty() && alarms.decode(in)) {
    *past = alarms.past();
    return past;
  }
  auto& begin = past->commands.emplace_back();
  begin.config = now;
  begin.config->stream.reset();
  begin.at_us = begin.since_us = INT64_MIN;
  return past;
}

/// Rules whose alarms are judged by more than readings and detectors: they stay as the live side has them.
bool any_about_quality(const alarm_past& past) {
  return std::ranges::any_of(past.commands,
                             [](const alarm_command& each) { return each.config && needs_of(*each.config).quality; });
}
bool any_about_anomalies(const alarm_past& past) {
  return std::ranges::any_of(past.commands,
                             [](const alarm_command& each) { return each.config && needs_of(*each.config).anomalies; });
}

class past_judging {
 public:
  past_judging(const past_parts& parts, const sensor_cut& stored, const past_change& change, const live_judges& live)
      : parts_(parts),
        stored_(stored),
        change_(change),
        edge_(live.edge),
        config_(parts.entities.config_of(stored.sensor)),
        past_(past_of(live, config_)),
        twins_(stored.sensor, *config_.stream.value_or(parts.usual_rules), past_),
        edge_us_(edge_.held_us.value_or(edge_.floor_us == INT64_MIN ? INT64_MIN : edge_.floor_us - 1)) {
    const auto rests = [](const shared_overlay& of) { return of ? of->rests() : std::vector<time_range>(); };
    twins_.rest(rests(change.before), rests(change.after));
  }

  expected<judged_past> run(const std::atomic<bool>& stopping) {
    const auto from_us = learned_from_us();
    if (!from_us) return tl::unexpected(from_us.error());
    auto scanned = parts_.series.scan(stored_, {*from_us, INT64_MAX}, [&](const reading_run& rows) {
      for (std::size_t begin = 0, end = 0; begin < rows.size() && !is_done_; begin = end) {
        end = std::min(rows.size(), begin + rows_a_step);
        if (!is_behind_edge_) end = std::min(end, std::max(begin + 1, first_behind_edge(rows)));
        judge(part_of(rows, begin, end));
      }
      return !is_done_ && !stopping;
    });
    if (!scanned) return tl::unexpected(std::move(scanned.error()));
    if (stopping) return fail(errc::stopping, "stopped before its end");
    out_.reaches_live = !is_done_ && (twins_.differ() || (change_.before != change_.after && change_.range.end_us > edge_us_));
    if (!is_done_) {
      if (!is_behind_edge_) come_to_edge();
      twins_.pass_time(parts_.now_us());
    }
    auto all = twins_.differences();
    if (change_.late_readings_are_new)
      if (auto added = add_told_before(all); !added) return tl::unexpected(std::move(added.error()));
    for (const auto& each : all)
      if (auto told = tell(each); !told) return tl::unexpected(std::move(told.error()));
    return std::move(out_);
  }

 private:
  expected<std::int64_t> learned_from_us() {
    return parts_.series.read(stored_, {INT64_MIN, change_.range.begin_us}, limits::learned_readings, true, asker::background)
        .map([&](const reading_run& rows) {
          knows_all_ = rows.size() < limits::learned_readings &&
                       (rows.empty() ? change_.range.begin_us : rows.event_time_us.back()) <= edge_.oldest_us;
          return rows.empty() ? change_.range.begin_us : rows.event_time_us.back();
        });
  }
  std::size_t first_behind_edge(const reading_run& rows) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(rows.event_time_us, edge_us_) - rows.event_time_us.begin());
  }

  /// What stands there is what the live judges take over.
  void come_to_edge() {
    is_behind_edge_ = true;
    auto& to = out_.to_live;
    to.reason = change_.reason;
    if (change_.after) to.ranges = change_.after->ranges_behind(edge_us_);
    if (!edge_.held_us) return;
    twins_.come_to(edge_us_);
    to.edge_us = edge_us_;
    takes_detectors_ = knows_all_ && with_detectors_;
    takes_alarms_ = !any_about_quality(*past_) && (takes_detectors_ || !any_about_anomalies(*past_));
    if (takes_detectors_) to.detectors = twins_.second().detectors_at_edge();
    if (takes_alarms_) to.alarms = twins_.second().alarms_at_edge(edge_us_);
  }

  void judge(reading_run stored) {
    if (!is_behind_edge_ && stored.event_time_us.front() > edge_us_) come_to_edge();
    reading_run before = stored, after = stored;
    const bool is_behind = stored.event_time_us.front() >= change_.range.end_us;
    if (change_.late_readings_are_new) leave_out_late(before, change_.range, late_us_);
    const auto as_they_came = before.flags;
    if (change_.before) change_.before->apply(before);
    if (change_.after) change_.after->apply(after);
    hear_what_is_left_out(before, as_they_came);
    hear_what_is_left_out(after, stored.flags);
    first_judged_us_ = std::min(first_judged_us_, before.event_time_us.front());
    last_judged_us_ = before.event_time_us.back();
    twins_.observe(before, after);
    if (is_behind_edge_) note_behind_edge(stored, before, after);
    if (!is_behind) return;
    following_ += before.size();
    if (with_detectors_ && following_ >= limits::following_readings) {
      with_detectors_ = false;
      if (any_about_anomalies(*past_))
        is_done_ = true;
      else
        twins_.leave_detectors();
    }
    if (!is_done_ && !is_behind_edge_) is_done_ = with_detectors_ ? twins_.have_met() : twins_.alarms_have_met();
  }

  /// A gap that a correction makes is no silence: these readings came.
  static void hear_what_is_left_out(reading_run& rows, const std::vector<std::uint8_t>& as_they_came) {
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (is_left_out(rows.flags[row]) && !is_left_out(as_they_came[row])) rows.flags[row] |= flag_heard;
  }

  /// Readings that the live judges have in memory as they came, or as they counted before.
  void note_behind_edge(const reading_run& stored, const reading_run& before, const reading_run& after) {
    const auto differ = [](const reading_run& a, const reading_run& b, std::size_t row) {
      return is_left_out(a.flags[row]) != is_left_out(b.flags[row]) || !same_bits(a.value[row], b.value[row]);
    };
    for (std::size_t row = 0; row < after.size(); ++row) {
      if ((after.flags[row] & flag_future) != 0 || (!differ(before, after, row) && !differ(stored, after, row))) continue;
      const bool is_gone = is_left_out(after.flags[row]);
      out_.to_live.behind.push_back(after.event_time_us[row], is_gone ? 0 : after.value[row], is_gone);
    }
  }

  /// What earlier judging of the range told or took back, and what was told of readings that late ones took the place of: `before` does
  /// not know of these readings.
  expected<void> add_told_before(std::vector<finding_difference>& all) const {
    event_query asked;
    asked.sensor = stored_.sensor;
    asked.range = {change_.range.begin_us, last_judged_us_ == INT64_MIN ? change_.range.end_us : last_judged_us_ + 1};
    asked.limit = limits::following_readings;
    for (std::optional<std::uint64_t> next = UINT64_MAX; next;) {
      asked.before_sequence = *next;
      const auto found = parts_.events.page(asked);
      if (!found) return tl::unexpected(found.error());
      for (const auto& each : found->rows) {
        const auto key = with_kind(each.key, {});
        if (!is_detector(key.source) && !is_of_alarms(key)) continue;
        if (!is_historical(each.key) && !std::ranges::binary_search(late_us_, each.at_us)) continue;
        if (key.event_time_us < first_judged_us_) continue;
        if (std::ranges::find(all, key, &finding_difference::finding) == all.end()) all.push_back({key, {}, twins_.after(key)});
      }
      next = found->next;
    }
    return {};
  }

  /// Up to where what is said of this finding is not the business of the live judges.
  std::int64_t until_us(const finding_difference& each) const {
    const bool is_theirs = edge_.held_us && out_.reaches_live && (is_of_alarms(each.finding) ? takes_alarms_ : takes_detectors_);
    return is_theirs ? edge_us_ : INT64_MAX;
  }

  /// It would be open, and nobody is there who could say when it ends.
  bool is_left_open(const finding_difference& each) const {
    const bool goes_on =
        is_of_alarms(each.finding) ? !edge_.held_us || takes_alarms_ : with_detectors_ && (!edge_.held_us || takes_detectors_);
    return !goes_on && !each.after.empty() && fold_finding(each.after).open();
  }

  expected<void> tell(const finding_difference& each) {
    if (!change_.late_readings_are_new && is_made_gap(each, config_)) return {};
    const auto stored = parts_.events.events_of(each.finding);
    if (!stored) return tl::unexpected(stored.error());
    const bool held = fold_finding(*stored).holds();
    const auto until = until_us(each);
    if (until != INT64_MAX && !each.after.empty() && (each.after.back().at_us > until || fold_finding(each.after).open()))
      for (const auto& one : *stored)
        if (!is_historical(one.key)) out_.to_live.told.push_back({one.key, one.at_us});
    if (is_left_open(each)) return {};
    // The live side judged otherwise, by other settings or from a longer memory: what it did not tell is not touched.
    if (!each.before.empty() && !held) return {};
    const auto whole = told_again(*stored, each.after, change_.reason, change_.recorded_at_us);
    if (whole.empty()) return {};
    const bool holds = !each.after.empty();
    auto& counts = is_detector(each.finding.source) ? out_.changed.anomalies : out_.changed.alerts;
    ++(held && holds ? counts.revised : holds ? counts.raised : counts.withdrawn);
    for (const auto& one : whole) {
      out_.first_us = std::min(out_.first_us, one.at_us);
      out_.last_us = std::max(out_.last_us, one.at_us);
    }
    const auto told = until == INT64_MAX ? whole : told_again(*stored, each.after, change_.reason, change_.recorded_at_us, until);
    out_.events.insert(out_.events.end(), told.begin(), told.end());
    return {};
  }

  const past_parts& parts_;
  const sensor_cut& stored_;
  const past_change& change_;
  judging_edge edge_;
  sensor_config config_;
  std::shared_ptr<const alarm_past> past_;
  twin_judges twins_;
  std::int64_t edge_us_;  ///< up to here the live judges are settled
  bool is_behind_edge_ = false;
  bool knows_all_ = false;                               ///< judged since the sensor's first reading
  bool with_detectors_ = true;                           ///< until limits::following_readings
  bool takes_detectors_ = false, takes_alarms_ = false;  ///< the live judges do
  std::size_t following_ = 0;
  std::int64_t first_judged_us_ = INT64_MAX, last_judged_us_ = INT64_MIN;
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
  auto live = parts.live(stored.sensor);
  if (!live) return tl::unexpected(std::move(live.error()));
  return past_judging(parts, stored, change, *live).run(stopping);
}

}  // namespace factory
