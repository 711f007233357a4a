#include "actors/sensors/sensor_state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "actors/sensors/limits.hpp"
#include "pipelines/correct/taken_over.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

/// No limit, no rule: no value moves an alarm.
bool holds_all(const calm_band& calm) {
  return std::isinf(calm.lowest) && calm.lowest < 0 && std::isinf(calm.highest) && calm.highest > 0;
}

constexpr std::string_view came_late = "a reading came late";
constexpr std::string_view was_corrected = "a reading was corrected";

}  // namespace

sensor_state::sensor_state(sensor_id sensor, const stream_rules& rules) : sensor_(sensor), judged_(sensor_judge(sensor, rules)) {}

sensor_state::findings sensor_state::apply(std::int64_t received_at_us, const reading_batch& readings,
                                           const slice& slice_of_batch) {
  findings found;
  accepted_ += slice_of_batch.size();
  if (slice_of_batch.size() == 0) return found;
  // A thousand sensors are more than the cache holds: these come at once instead of one after the other.
  judged_.fetch_ahead();
  rows().fetch_time_ahead(limits::revisable_readings);
  rows().fetch_time_ahead(limits::time_window_readings);
  body_rows rows(readings, slice_of_batch);
  duplicate_ += rows.repeated;
  corrected_ += rows.corrected;
  const auto corrected_before = corrected_;
  oldest_us_ = std::min(oldest_us_, rows.times_us.front());
  const auto left_out = take_left_out(rows);
  if (is_contradicted(rows, received_at_us)) set_watermark_anew(rows, received_at_us, found);
  std::vector<touched_row> touched;
  leave_out(left_out, received_at_us, touched, found);
  const auto known = out_of_order(rows, received_at_us, touched, found);
  judge_again(touched, corrected_ == corrected_before ? came_late : was_corrected, received_at_us, found);
  const auto future = static_cast<std::size_t>(std::ranges::upper_bound(rows.times_us, received_at_us + rules().future_skew_us) -
                                               rows.times_us.begin());
  if (known < future) in_order(rows, known, future, received_at_us, found);
  for (auto row = std::max(known, future); row < rows.size(); ++row)
    ahead(rows.times_us[row], rows.values[row], rows.flags_at(row));
  if (!corrected_ranges_.empty()) count_as_corrected(rows, received_at_us, found);
  if (tells_quality_) std::ranges::stable_sort(found.alarm_rows, {}, &alarm_row::time_us);  // bad ones stand before others
  if (seen()) settle(received_at_us);
  return found;
}

/// Of a body with flags: takes the rows that are not to be judged out of it.
reading_run sensor_state::take_left_out(body_rows& body) {
  reading_run out;
  for (std::size_t row = 0; row < body.flags.size(); ++row) {
    if (is_left_out(body.flags[row]))
      out.push_back(body.times_us[row], body.values[row], body.flags[row]);
    else if ((body.flags[row] & flag_uncertain) != 0)
      uncertain_until_us_ = std::max(uncertain_until_us_, body.times_us[row]);
  }
  if (!out.empty()) body.keep([&](std::size_t row) { return !is_left_out(body.flags[row]); });
  return out;
}

/// Stored and not judged, whenever it comes. A reading at hand whose place it takes is not judged any more either.
void sensor_state::leave_out(const reading_run& rows_of_body, std::int64_t received_at_us, std::vector<touched_row>& touched,
                             findings& found) {
  for (std::size_t row = 0; row < rows_of_body.size(); ++row) {
    const auto time_us = rows_of_body.event_time_us[row];
    const bool is_late = time_us<judged_.floor_us(), is_ahead = time_us> received_at_us + rules().future_skew_us;
    const unsigned flags = rows_of_body.flags[row] | (is_late ? flag_late : flag_none) | (is_ahead ? flag_future : flag_none);
    const auto before = is_late ? std::nullopt : rows().at(time_us);
    const auto effect = head_.put(time_us, rows_of_body.value[row], static_cast<std::uint8_t>(flags));
    if (effect == head::effect::identical) {
      ++duplicate_;
      continue;
    }
    ++left_out_;
    if (effect == head::effect::replaced || before) ++corrected_;
    newest_left_out_us_ = std::max(newest_left_out_us_, time_us);
    if (before) judged_.take_out(time_us);
    const bool matters = quality_of(rows_of_body.flags[row]) == row_quality::bad;
    if (is_late && matters) {  // to rules about quality, which judge the past again as for any late reading
      found.late_first_us = std::min(found.late_first_us, time_us);
      found.late_last_us = std::max(found.late_last_us, time_us);
    }
    const bool is_told = !is_late && !is_ahead && matters;
    if (before || is_told) touched.push_back({time_us, before, true, is_told ? row_quality::bad : row_quality::as_known});
  }
}

/// As alarms need to know it.
row_quality sensor_state::quality_of(std::uint8_t flags) const {
  if (!tells_quality_ || (flags & flag_excluded) != 0) return row_quality::as_known;
  return (flags & flag_bad) != 0 ? row_quality::bad : (flags & flag_uncertain) != 0 ? row_quality::uncertain : row_quality::good;
}

/// Whether the same reading is stored already, as far as head and windows tell.
bool sensor_state::is_known(const std::optional<head::stored_value>& stored, const std::optional<double>& judged,
                            const body_rows& body, std::size_t row) const {
  const auto value = body.values[row];
  const auto quality = body.flags_at(row) & quality_flags;
  if (stored) return same_bits(stored->value, value) && (stored->flags & (quality_flags | left_out_flags)) == quality;
  return judged && same_bits(*judged, value) && quality == 0 && body.times_us[row] > uncertain_until_us_;
}

/// Takes in the rows that are not newer than all; returns how many they were.
std::size_t sensor_state::out_of_order(const body_rows& body, std::int64_t received_at_us, std::vector<touched_row>& touched,
                                       findings& found) {
  if (body.size() == 0 || body.times_us.front() > judged_until_us()) return 0;
  const auto newest_us = rows().empty() ? INT64_MIN : rows().newest_us();
  const auto end = static_cast<std::size_t>(std::ranges::upper_bound(body.times_us, judged_until_us()) - body.times_us.begin());
  for (std::size_t row = 0; row < end;) {
    const auto time_us = body.times_us[row];
    const auto stored = head_.find(time_us);
    const auto judged = rows().at(time_us);
    if (is_known(stored, judged, body, row)) {
      ++duplicate_;
      ++row;
    } else if (time_us < judged_.floor_us()) {
      ++late_;
      found.late_first_us = std::min(found.late_first_us, time_us);
      found.late_last_us = std::max(found.late_last_us, time_us);
      head_.put(time_us, body.values[row], static_cast<std::uint8_t>(flag_late | body.flags_at(row)));
      ++row;
    } else if (stored || judged) {
      at_hand(time_us, judged, body.values[row], body.flags_at(row), touched);
      ++row;
    } else {
      row = in_gap(body, row, end, touched);
    }
  }
  if (!rows().empty() && rows().newest_us() > newest_us) received_us_ = received_at_us;
  return end;
}

/// From the first of the touched rows on.
void sensor_state::judge_again(std::vector<touched_row>& touched, std::string_view reason, std::int64_t received_at_us,
                               findings& found) {
  if (touched.empty()) return;
  std::ranges::sort(touched, {}, &touched_row::time_us);
  revisable<sensor_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  tell(differences, reason, received_at_us, found.events);
  add_alarm_rows(touched, found.alarm_rows);
}

/// A correction within the lateness.
void sensor_state::at_hand(std::int64_t time_us, const std::optional<double>& before, double value, std::uint8_t flags,
                           std::vector<touched_row>& touched) {
  ++corrected_;
  if (latest_as_stored_ && latest_as_stored_->event_time_us == time_us) latest_as_stored_.reset();
  head_.put(time_us, value, flags);
  if (flags == flag_none && time_us == uncertain_until_us_) --uncertain_until_us_;
  const bool is_another = !before || !same_bits(*before, value);  // else of another quality
  if (is_another) judged_.put({&time_us, 1}, {&value, 1});
  if (is_another || tells_quality_) touched.push_back({time_us, before, false, quality_of(flags)});
}

/// Takes in rows between the same neighbours in head and windows, a body that was overtaken by another: these need not make room for
/// themselves one by one. Returns where they end.
std::size_t sensor_state::in_gap(const body_rows& body, std::size_t begin, std::size_t end, std::vector<touched_row>& touched) {
  const auto first_us = body.times_us[begin];
  const auto place = rows().lower_bound(first_us);
  const auto until_us = std::min(head_.next_time_us(first_us), place < rows().size() ? rows().times_us()[place] : INT64_MAX);
  auto row = begin;
  for (; row < end && body.times_us[row] < until_us; ++row)
    touched.push_back({body.times_us[row], std::nullopt, false, quality_of(body.flags_at(row))});
  const auto times_us = body.times_us.subspan(begin, row - begin);
  const auto values = body.values.subspan(begin, row - begin);
  out_of_order_ += values.size();
  head_.insert_run(times_us, values, body.flags_between(begin, row));
  judged_.put(times_us, values);
  return row;
}

/// Rows [begin, end) of a body, newer than all that were judged.
void sensor_state::in_order(const body_rows& body, std::size_t begin, std::size_t end, std::int64_t received_at_us,
                            findings& found) {
  const auto times_us = body.times_us.subspan(begin, end - begin);
  const auto values = body.values.subspan(begin, end - begin);
  if (head_.size() == 0 || times_us.front() > head_.rows().event_time_us.back()) {
    head_.append_run(times_us, values, body.flags_between(begin, end));
  } else {  // readings that came from the future before, or that are left out, stand there already
    for (std::size_t i = 0; i < values.size(); ++i)
      if (head_.put(times_us[i], values[i], body.flags_at(begin + i)) == head::effect::replaced) ++corrected_;
  }
  bool matters = next_matters_ || (seen() && !is_calm(rows().size() - 1));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool calm = calm_.contains(values[i]);
    if (!calm || matters) found.alarm_rows.push_back({times_us[i], values[i], false, quality_of(body.flags_at(begin + i))});
    matters = !calm;
  }
  next_matters_ = false;
  received_us_ = received_at_us;
  const auto told = found.events.size();
  judged_.append(times_us, values, received_at_us, found.events);
  if (tells_anomalies_) add_changes(std::span(found.events).subspan(told), anomaly_changes_);
  book_.tell(std::span(found.events).subspan(told));
  late_run_ = {};
}

void sensor_state::ahead(std::int64_t time_us, double value, std::uint8_t flags) {
  switch (head_.put(time_us, value, static_cast<std::uint8_t>(flag_future | flags))) {
    case head::effect::identical: ++duplicate_; return;
    case head::effect::replaced: ++corrected_; break;
    default: ++future_;
  }
  if (future_seen_ && time_us < newest_future_us_) return;
  future_seen_ = true;
  newest_future_us_ = time_us;
  newest_future_value_ = value;
}

/// Calm: can neither raise an alert nor, behind another such, clear one.
bool sensor_state::is_calm(std::size_t row) const {
  return rows().times_us()[row] > calm_from_us_ && calm_.contains(rows().values()[row]);
}

/// Of rows that were put among others or taken out: those that are, or were, or follow on one that is not calm; and what follows on them.
void sensor_state::add_alarm_rows(std::span<const touched_row> touched, std::vector<alarm_row>& out) const {
  const auto add = [&](std::size_t row, row_quality quality = row_quality::as_known) {
    out.push_back({rows().times_us()[row], rows().values()[row], false, quality});
  };
  const bool may_be_watched = !holds_all(calm_) || calm_from_us_ != INT64_MIN || next_matters_;
  for (const auto& [time_us, before, gone, quality] : touched) {
    if (quality == row_quality::bad && !before) {
      out.push_back({time_us, 0, true, quality});
      continue;
    }
    const auto row = rows().lower_bound(time_us);
    const bool was_calm = !before || calm_.contains(*before);
    const bool calm = was_calm && (gone ? time_us > calm_from_us_ : is_calm(row));
    const bool follows_calm = row == 0 ? !next_matters_ : is_calm(row - 1);
    if (calm && follows_calm) {  // alarms may have seen it when it was not so
      if (gone && may_be_watched) out.push_back({time_us, 0, true, quality});
      continue;
    }
    gone ? out.push_back({time_us, 0, true, quality}) : add(row, quality);
    if (const auto next = gone ? row : row + 1; (!calm || gone) && next < rows().size()) add(next);
  }
  const auto told_first = [](const alarm_row& row) { return std::pair(row.time_us, row.quality == row_quality::as_known); };
  std::ranges::sort(out, {}, told_first);
  const auto again = std::ranges::unique(out, {}, &alarm_row::time_us);
  out.erase(again.begin(), again.end());
}

std::int64_t sensor_state::place_us(std::int64_t received_at_us) const {
  if (!seen()) return judged_.floor_us() == INT64_MIN ? INT64_MIN : judged_.floor_us() - 1;
  return std::min(rows().newest_us(), std::max(received_at_us, watermark_us_));
}

void sensor_state::follow(const stream_rules& rules, std::int64_t received_at_us, std::vector<event>& found) {
  if (judged_.now().follows(rules)) return;
  if (!seen() && judged_.floor_us() == INT64_MIN) {
    sensor_judge fresh(sensor_, rules);
    fresh.rest(judged_.now().rests());
    judged_ = revisable(std::move(fresh));
    return;
  }
  revisable<sensor_judge>::differences differences;
  const auto at_us = std::max(place_us(received_at_us), judged_.newest_command_us());
  judged_.apply({rules, 0}, at_us, received_at_us, differences);
  tell(differences, "settings were changed", received_at_us, found);
}

/// All that follows from one change, to who listens and to alarms.
void sensor_state::tell(const revisable<sensor_judge>::differences& differences, std::string_view reason,
                        std::int64_t received_at_us, std::vector<event>& out) {
  if (tells_anomalies_) add_changes(differences, anomaly_changes_);
  book_.tell(differences, reason, received_at_us, out);
}

/// What is settled is open since before all that may still be judged again; what was found since can change.
void sensor_state::begin_to_tell_anomalies() {
  tells_anomalies_ = true;
  for (const auto& open : judged_.settled().detectors().episodes().told())
    anomaly_changes_.push_back({{judged_.settled_us(), open.begin_us, source_of(open.opened_by), event_kind::anomaly_opened, 0,
                                 open.by, open.score, open.level}});
  for (const auto& open : judged_.settled().control_chart().told()) {
    const auto key = key_of_violation(sensor_, open, event_kind::anomaly_opened);
    anomaly_changes_.push_back({{judged_.settled_us(),
                                 key.event_time_us,
                                 key.source,
                                 key.kind,
                                 0,
                                 {},
                                 open.what.now.score,
                                 open.what.now.level,
                                 key.rule}});
  }
  add_changes(judged_.unsettled(), anomaly_changes_);
}

sensor_state::watch_place sensor_state::watch(const alarm_needs& needs, std::int64_t received_at_us) {
  const auto& calm = needs.calm;
  if (needs.anomalies && !tells_anomalies_) begin_to_tell_anomalies();
  tells_quality_ = tells_quality_ || needs.quality;
  watch_place place{place_us(received_at_us), {}};
  if (seen()) {
    for (auto row = rows().upper_bound(place.at_us); row < rows().size(); ++row)
      place.newer.push_back({rows().times_us()[row], rows().values()[row]});
  }
  const bool is_watched = !holds_all(calm) || !holds_all(calm_);
  calm_ = calm;
  if (!is_watched) return place;
  calm_from_us_ = place.at_us;
  next_matters_ = true;
  return place;
}

void sensor_state::watch_again(const alarm_needs& needs) {
  calm_ = needs.calm;
  tells_anomalies_ = needs.anomalies;
  tells_quality_ = needs.quality;
  next_matters_ = true;
}

void sensor_state::hold() {
  if (judged_.floor_us() != INT64_MIN) judged_.hold(judged_.floor_us() - 1);
}

judging_edge sensor_state::edge() const {
  return {judged_.floor_us(), judged_.is_held() ? std::optional(judged_.settled_us()) : std::nullopt, oldest_us_};
}

bool sensor_state::take_over(const hand_over& past, std::int64_t received_at_us, std::vector<event>& found,
                             std::vector<alarm_row>& alarm_rows) {
  std::vector<event> settled;
  std::ranges::copy_if(past.events, std::back_inserter(settled), [](const event& each) { return !is_of_alarms(each.key); });
  const auto told = found.size();
  found.insert(found.end(), settled.begin(), settled.end());
  auto judge = judged_.settled();
  take_over_ranges(past, judge);
  recent_rows before;
  std::string_view in = past.detectors;
  if (!judged_.is_held() || judged_.settled_us() != past.edge_us ||
      (!in.empty() && (!judge.decode(in) || !get_rows(in, before)))) {
    judged_.let_go();
    return false;
  }
  judge.rest(correction_overlay::rests_of(past.ranges));
  const auto stored = latest();
  for (std::size_t i = 0; i < past.behind.size(); ++i) count_behind(past.behind, i);
  const auto since = came_since(past);
  count_behind(since);
  keep_latest(stored);
  revisable<sensor_judge>::differences differences;
  judged_.take_over(std::move(judge), before, received_at_us, differences);
  if (tells_anomalies_) add_changes(differences, anomaly_changes_);
  found.resize(told);
  auto all = taken_over(past, std::move(settled), differences, judged_.made(), received_at_us, book_);
  found.insert(found.end(), all.begin(), all.end());
  for (auto row = rows().upper_bound(past.edge_us); row < rows().size(); ++row)
    alarm_rows.push_back({rows().times_us()[row], rows().values()[row]});
  for (const auto* const points : {&past.behind, &since})
    for (std::size_t i = 0; i < points->size(); ++i)
      if (points->gone[i] != 0) alarm_rows.push_back({points->times_us[i], 0, true});
  std::ranges::stable_sort(alarm_rows, {}, &alarm_row::time_us);
  next_matters_ = true;
  if (seen()) calm_from_us_ = rows().newest_us();
  return true;
}

/// What still comes. A sensor of which nothing is settled yet has no edge: it begins so.
void sensor_state::take_over_ranges(const hand_over& past, sensor_judge& at_edge) {
  if (past.reason.empty()) return;
  const auto is_rest = [](const changed_range& each) { return each.change.action == correction_action::rest; };
  corrected_ranges_.clear();
  std::ranges::remove_copy_if(past.ranges, std::back_inserter(corrected_ranges_), is_rest);
  at_edge.rest(correction_overlay::rests_of(past.ranges));
  if (seen() || judged_.floor_us() != INT64_MIN) return;
  auto fresh = judged_.now();
  fresh.rest(at_edge.rests());
  judged_ = revisable(std::move(fresh));
}

/// Readings that came into a range that is corrected already. They were judged as they came.
void sensor_state::count_as_corrected(const body_rows& body, std::int64_t received_at_us, findings& found) {
  const auto floor_us = judged_.floor_us();
  std::erase_if(corrected_ranges_, [floor_us](const changed_range& each) { return each.end_us <= floor_us; });
  reading_run came, counts;
  for (std::size_t row = 0; row < body.size(); ++row)
    if (body.times_us[row] >= floor_us && rows().at(body.times_us[row]))
      came.push_back(body.times_us[row], body.values[row], flag_none);
  counts = came;
  correction_overlay(corrected_ranges_).apply(counts);
  const auto stored = latest();
  std::vector<touched_row> touched;
  for (std::size_t row = 0; row < came.size(); ++row) {
    const auto time_us = came.event_time_us[row];
    const bool gone = is_left_out(counts.flags[row]);
    if (!gone && same_bits(counts.value[row], came.value[row])) continue;
    if (gone)
      judged_.take_out(time_us);
    else
      judged_.put({&time_us, 1}, {&counts.value[row], 1});
    touched.push_back({time_us, came.value[row], gone});
    std::erase_if(found.alarm_rows, [time_us](const alarm_row& each) { return each.time_us == time_us; });
  }
  keep_latest(stored);
  judge_again(touched, was_corrected, received_at_us, found);
}

/// Of judged readings some count otherwise now; this is the newest that is stored.
void sensor_state::keep_latest(const std::optional<reading>& stored) {
  if (stored && (!seen() || rows().newest_us() <= stored->event_time_us)) latest_as_stored_ = stored;
}

/// Readings behind the edge that came when the past was being judged already: as they count in corrected ranges.
revised_points sensor_state::came_since(const hand_over& past) const {
  constexpr unsigned not_judged = left_out_flags | flag_late | flag_future;
  reading_run came;
  const auto& all = head_.rows();
  for (auto row = static_cast<std::size_t>(std::ranges::upper_bound(all.event_time_us, past.edge_us) - all.event_time_us.begin());
       row < all.size(); ++row)
    if ((all.flags[row] & not_judged) == 0 && !std::ranges::binary_search(past.behind.times_us, all.event_time_us[row]))
      came.push_back(all.event_time_us[row], all.value[row], flag_none);
  correction_overlay(corrected_ranges_).apply(came);
  revised_points out;
  for (std::size_t row = 0; row < came.size(); ++row)
    out.push_back(came.event_time_us[row], came.value[row], is_left_out(came.flags[row]));
  return out;
}

void sensor_state::count_behind(const revised_points& points) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto judged = rows().at(points.times_us[i]);
    if (judged && points.gone[i] == 0 && same_bits(*judged, points.values[i])) continue;
    count_behind(points, i);
  }
}

/// A reading behind the edge, as it counts since it was corrected.
void sensor_state::count_behind(const revised_points& points, std::size_t i) {
  const auto time_us = points.times_us[i];
  const bool is_there = rows().at(time_us).has_value();
  if (points.gone[i] == 0)
    judged_.put({&time_us, 1}, {&points.values[i], 1});
  else if (is_there)
    judged_.take_out(time_us);
}

/// What no reading that may still be judged needs is forgotten. The watermark never passes the clock of who received it: a reading ahead
/// of it, within the skew, makes no other one late.
void sensor_state::settle(std::int64_t received_at_us) {
  const auto newest_us = rows().newest_us();
  watermark_us_ = std::max(watermark_us_, std::min(newest_us, received_at_us));
  auto floor_us = watermark_us_ - rules().allowed_lateness_us;
  const auto count = rows().size();
  if (count > limits::revisable_readings) floor_us = std::max(floor_us, rows().times_us()[count - limits::revisable_readings]);
  auto window_us = newest_us - rules().time_window_us + 1;
  if (count > limits::time_window_readings)
    window_us = std::max(window_us, rows().times_us()[count - limits::time_window_readings]);
  if (judged_.is_held() && count - rows().upper_bound(judged_.settled_us()) > limits::held_readings) judged_.let_go();
  judged_.settle(floor_us, window_us, limits::kept_readings);
  book_.settle(judged_.floor_us());
}

/// Whether this body completes a run of late ones that came as fast as their times go by: a clock that was set back. What a device
/// catches up with comes faster.
bool sensor_state::is_contradicted(const body_rows& body, std::int64_t received_at_us) {
  if (body.size() == 0) return false;
  if (!seen() || body.times_us.back() >= judged_.floor_us()) {
    late_run_ = {};
    return false;
  }
  auto& run = late_run_;
  if (run.count == 0 || body.times_us.front() <= run.last_us || received_at_us < run.first_received_us)
    run = {0, received_at_us, body.times_us.front(), 0};
  run.count += body.size();
  run.last_us = body.times_us.back();
  const auto passed_us = received_at_us - run.first_received_us, span_us = run.last_us - run.first_us;
  return run.count >= limits::contradicting_readings && passed_us >= limits::contradicting_span_us && span_us >= passed_us / 2 &&
         span_us <= passed_us * 2;
}

void sensor_state::set_watermark_anew(const body_rows& body, std::int64_t received_at_us, findings& found) {
  event anew;
  anew.at_us = body.times_us.back();
  anew.key = {sensor_, anew.at_us, event_source::clock, 0, event_kind::watermark_reanchored};
  anew.recorded_at_us = received_at_us;
  anew.value = body.values.back();
  anew.detail = watermark_detail{watermark_us_, anew.at_us, late_run_.count};
  found.events.push_back(std::move(anew));
  found.alarms_restart = true;
  next_matters_ = true;
  calm_from_us_ = INT64_MIN;
  anomaly_changes_.clear();
  watermark_us_ = INT64_MIN;
  late_run_ = {};
  sensor_judge fresh(sensor_, stream_rules(rules()));
  fresh.rest(judged_.now().rests());
  judged_ = revisable(std::move(fresh));
}

std::int64_t sensor_state::due_us() const {
  if (!seen()) return INT64_MAX;
  const auto quiet_until_us = judged_.now().quiet_until_us();
  const auto newest_us = rows().newest_us();
  if (quiet_until_us == INT64_MAX || received_us_ - newest_us > rules().allowed_lateness_us) return INT64_MAX;
  return std::max(quiet_until_us, received_us_ + (quiet_until_us - newest_us));
}

void sensor_state::advance(std::int64_t now_us, std::vector<event>& found) {
  if (now_us < due_us()) return;
  const auto at_us = judged_.now().quiet_until_us();
  revisable<sensor_judge>::differences differences;
  judged_.apply({std::nullopt, at_us}, std::max(at_us, judged_.newest_command_us()), now_us, differences);
  tell(differences, "time went by", now_us, found);
}

std::optional<reading> sensor_state::latest() const {
  if (latest_as_stored_ && (!seen() || rows().newest_us() <= latest_as_stored_->event_time_us)) return latest_as_stored_;
  if (!seen()) return std::nullopt;
  const auto newest_us = rows().newest_us();
  const auto stored = head_.find(newest_us);
  const unsigned sealed_flags = newest_us == uncertain_until_us_ ? flag_uncertain : flag_none;
  return reading{sensor_, newest_us, rows().newest_value(),
                 static_cast<std::uint8_t>(stored ? stored->flags & quality_flags : sealed_flags)};
}

}  // namespace factory
