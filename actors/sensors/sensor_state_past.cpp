#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/sensors/sensor_state.hpp"
#include "pipelines/correct/taken_over.hpp"
#include "pipelines/model/same_bits.hpp"

/// What a sensor makes of its past, when that has been judged again because of corrections and late readings, and of readings that come into
/// ranges that are corrected.
namespace factory {

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
  auto& is = unusual_.change();
  if (tells_anomalies_) add_changes(differences, is.anomaly_changes);
  found.resize(told);
  auto all = taken_over(past, std::move(settled), differences, judged_.made(), received_at_us, is.book);
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
  auto& ranges = unusual_.change().corrected_ranges;
  ranges.clear();
  std::ranges::remove_copy_if(past.ranges, std::back_inserter(ranges), is_rest);
  at_edge.rest(correction_overlay::rests_of(past.ranges));
  if (seen() || judged_.floor_us() != INT64_MIN) return;
  auto fresh = judged_.now();
  fresh.rest(at_edge.rests());
  judged_ = revisable(std::move(fresh));
}

/// Readings that came into a range that is corrected already. They were judged as they came.
void sensor_state::count_as_corrected(const body_rows& body, std::int64_t received_at_us, findings& found) {
  const auto floor_us = judged_.floor_us();
  auto& ranges = unusual_.change().corrected_ranges;
  std::erase_if(ranges, [floor_us](const changed_range& each) { return each.end_us <= floor_us; });
  reading_run came, counts;
  for (std::size_t row = 0; row < body.size(); ++row)
    if (body.times_us[row] >= floor_us && rows().at(body.times_us[row]))
      came.push_back(body.times_us[row], body.values[row], flag_none);
  counts = came;
  correction_overlay(ranges).apply(counts);
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
  if (stored && (!seen() || rows().newest_us() <= stored->event_time_us)) unusual_.change().latest_as_stored = stored;
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
  correction_overlay(unusual_.read().corrected_ranges).apply(came);
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

}  // namespace factory
