#include "actors/sensors/sensor_state.hpp"

#include <algorithm>
#include <utility>

#include "actors/sensors/limits.hpp"
#include "pipelines/model/limits.hpp"
#include "pipelines/model/same_bits.hpp"

namespace factory {

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
  if (!unusual_.read().corrected_ranges.empty()) count_as_corrected(rows, received_at_us, found);
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
  if (const auto& stored = unusual_.read().latest_as_stored; stored && stored->event_time_us == time_us)
    unusual_.change().latest_as_stored.reset();
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
  const auto now_found = std::span(found.events).subspan(told);
  note_anomalies(now_found);
  if (!unusual_.is_fresh()) unusual_.change().book.tell(now_found);
  end_late_run();
}

void sensor_state::ahead(std::int64_t time_us, double value, std::uint8_t flags) {
  switch (head_.put(time_us, value, static_cast<std::uint8_t>(flag_future | flags))) {
    case head::effect::identical: ++duplicate_; return;
    case head::effect::replaced: ++corrected_; break;
    default: ++future_;
  }
  auto& is = unusual_.change();
  if (is.future_seen && time_us < is.newest_future_us) return;
  is.future_seen = true;
  is.newest_future_us = time_us;
  is.newest_future_value = value;
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
  if (differences.empty()) return;
  auto& is = unusual_.change();
  if (tells_anomalies_) add_changes(differences, is.anomaly_changes);
  is.book.tell(differences, reason, received_at_us, out);
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
  if (!unusual_.is_fresh()) unusual_.change().book.settle(judged_.floor_us());
}

/// Whether this body completes a run of late ones that came as fast as their times go by: a clock that was set back. What a device
/// catches up with comes faster.
bool sensor_state::is_contradicted(const body_rows& body, std::int64_t received_at_us) {
  if (body.size() == 0) return false;
  if (!seen() || body.times_us.back() >= judged_.floor_us()) {
    end_late_run();
    return false;
  }
  auto& run = unusual_.change().late;
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
  anew.detail = watermark_detail{watermark_us_, anew.at_us, unusual_.read().late.count};
  found.events.push_back(std::move(anew));
  found.alarms_restart = true;
  next_matters_ = true;
  calm_from_us_ = INT64_MIN;
  unusual_.change().anomaly_changes.clear();
  watermark_us_ = INT64_MIN;
  end_late_run();
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
  const auto& stored_so = unusual_.read().latest_as_stored;
  if (stored_so && (!seen() || rows().newest_us() <= stored_so->event_time_us)) return stored_so;
  if (!seen()) return std::nullopt;
  const auto newest_us = rows().newest_us();
  const auto stored = head_.find(newest_us);
  const unsigned sealed_flags = newest_us == uncertain_until_us_ ? flag_uncertain : flag_none;
  return reading{sensor_, newest_us, rows().newest_value(),
                 static_cast<std::uint8_t>(stored ? stored->flags & quality_flags : sealed_flags)};
}

}  // namespace factory
