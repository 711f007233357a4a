#include "actors/sensors/sensor_state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "actors/sensors/limits.hpp"
#include "pipelines/model/limits.hpp"

namespace factory {

namespace {

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

/// No limit, no rule: no value moves an alarm.
bool holds_all(const calm_band& calm) {
  return std::isinf(calm.lowest) && calm.lowest < 0 && std::isinf(calm.highest) && calm.highest > 0;
}

constexpr std::string_view came_late = "a reading came late";
constexpr std::string_view was_corrected = "a reading was corrected";

}  // namespace

/// Rows of one body by time, each time once: the batch's own where they came so, else copies.
struct sensor_state::sorted_rows {
  std::span<const std::int64_t> times_us;
  std::span<const double> values;
  std::size_t repeated = 0, corrected = 0;  ///< rows of the body that a later one took the place of

  sorted_rows(const reading_batch& readings, const slice& rows) : times_us(readings.times(rows)), values(readings.values(rows)) {
    const auto not_rising = [](std::int64_t a, std::int64_t b) { return a >= b; };
    if (std::ranges::adjacent_find(times_us, not_rising) != times_us.end()) sort();
  }
  sorted_rows(const sorted_rows&) = delete;
  std::size_t size() const { return values.size(); }

 private:
  void sort() {
    std::vector<std::size_t> order(size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [this](std::size_t row) { return times_us[row]; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto row = order[i];
      if (i + 1 < order.size() && times_us[order[i + 1]] == times_us[row]) {
        ++(same_bits(values[row], values[order[i + 1]]) ? repeated : corrected);
        continue;
      }
      own_times_us_.push_back(times_us[row]);
      own_values_.push_back(values[row]);
    }
    times_us = own_times_us_;
    values = own_values_;
  }
  std::vector<std::int64_t> own_times_us_;
  std::vector<double> own_values_;
};

sensor_state::sensor_state(sensor_id sensor, const stream_rules& rules) : sensor_(sensor), judged_(sensor_judge(sensor, rules)) {}

sensor_state::findings sensor_state::apply(std::int64_t received_at_us, const reading_batch& readings,
                                           const slice& slice_of_batch) {
  findings found;
  accepted_ += slice_of_batch.size();
  if (slice_of_batch.size() == 0) return found;
  const sorted_rows rows(readings, slice_of_batch);
  duplicate_ += rows.repeated;
  corrected_ += rows.corrected;
  oldest_us_ = std::min(oldest_us_, rows.times_us.front());
  if (is_contradicted(rows, received_at_us)) set_watermark_anew(rows, received_at_us, found);
  const auto known = out_of_order(rows, received_at_us, found);
  const auto future = static_cast<std::size_t>(std::ranges::upper_bound(rows.times_us, received_at_us + rules().future_skew_us) -
                                               rows.times_us.begin());
  if (known < future)
    in_order(rows.times_us.subspan(known, future - known), rows.values.subspan(known, future - known), received_at_us, found);
  for (auto row = std::max(known, future); row < rows.size(); ++row) ahead(rows.times_us[row], rows.values[row]);
  if (seen()) settle(received_at_us);
  return found;
}

/// Takes in the rows that are not newer than all; returns how many they were.
std::size_t sensor_state::out_of_order(const sorted_rows& body, std::int64_t received_at_us, findings& found) {
  if (!seen() || body.times_us.front() > judged_until_us()) return 0;
  const auto newest_us = rows().newest_us();
  const auto end = static_cast<std::size_t>(std::ranges::upper_bound(body.times_us, judged_until_us()) - body.times_us.begin());
  std::vector<touched_row> touched;
  const auto corrected_before = corrected_;
  for (std::size_t row = 0; row < end;) {
    const auto time_us = body.times_us[row];
    auto known = head_.at(time_us);
    if (!known) known = rows().at(time_us);
    if (known && same_bits(*known, body.values[row])) {
      ++duplicate_;
      ++row;
    } else if (time_us < judged_.floor_us()) {
      ++late_;
      head_.put(time_us, body.values[row++], flag_late);
    } else if (known) {
      at_hand(time_us, *known, body.values[row++], touched);
    } else {
      row = in_gap(body, row, end, touched);
    }
  }
  if (rows().newest_us() > newest_us) received_us_ = received_at_us;
  if (touched.empty()) return end;
  revisable<sensor_judge>::differences differences;
  judged_.revise(received_at_us, differences);
  book_.tell(differences, corrected_ == corrected_before ? came_late : was_corrected, received_at_us, found.events);
  add_alarm_rows(touched, found.alarm_rows);
  return end;
}

/// A correction within the lateness.
void sensor_state::at_hand(std::int64_t time_us, double before, double value, std::vector<touched_row>& touched) {
  ++corrected_;
  head_.put(time_us, value, flag_none);
  judged_.put({&time_us, 1}, {&value, 1});
  touched.push_back({time_us, before});
}

/// Takes in rows between the same neighbours in head and windows, a body that was overtaken by another: these need not make room for
/// themselves one by one. Returns where they end.
std::size_t sensor_state::in_gap(const sorted_rows& body, std::size_t begin, std::size_t end, std::vector<touched_row>& touched) {
  const auto first_us = body.times_us[begin];
  const auto place = rows().lower_bound(first_us);
  const auto until_us = std::min(head_.next_time_us(first_us), place < rows().size() ? rows().times_us()[place] : INT64_MAX);
  auto row = begin;
  for (; row < end && body.times_us[row] < until_us; ++row) touched.push_back({body.times_us[row], std::nullopt});
  const auto times_us = body.times_us.subspan(begin, row - begin);
  const auto values = body.values.subspan(begin, row - begin);
  out_of_order_ += values.size();
  head_.insert_run(times_us, values);
  judged_.put(times_us, values);
  return row;
}

void sensor_state::in_order(std::span<const std::int64_t> times_us, std::span<const double> values, std::int64_t received_at_us,
                            findings& found) {
  if (head_.size() == 0 || times_us.front() > head_.rows().event_time_us.back()) {
    head_.append_run(times_us, values);
  } else {  // readings that came from the future before stand there already
    for (std::size_t i = 0; i < values.size(); ++i)
      if (head_.put(times_us[i], values[i], flag_none) == head::effect::replaced) ++corrected_;
  }
  bool matters = next_matters_ || (seen() && !is_calm(rows().size() - 1));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool calm = calm_.contains(values[i]);
    if (!calm || matters) found.alarm_rows.push_back({times_us[i], values[i]});
    matters = !calm;
  }
  next_matters_ = false;
  received_us_ = received_at_us;
  const auto told = found.events.size();
  judged_.append(times_us, values, received_at_us, found.events);
  book_.tell(std::span(found.events).subspan(told));
  late_run_ = {};
}

void sensor_state::ahead(std::int64_t time_us, double value) {
  switch (head_.put(time_us, value, flag_future)) {
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

/// Of rows that were put among others: those that are, or were, or follow on one that is not calm; and what follows on them.
void sensor_state::add_alarm_rows(std::span<const touched_row> touched, std::vector<alarm_row>& out) const {
  const auto add = [&](std::size_t row) {
    const auto time_us = rows().times_us()[row];
    if (out.empty() || out.back().time_us < time_us) out.push_back({time_us, rows().values()[row]});
  };
  for (const auto& [time_us, before] : touched) {
    const auto row = rows().lower_bound(time_us);
    const bool calm = is_calm(row) && (!before || calm_.contains(*before));
    const bool follows_calm = row == 0 ? !next_matters_ : is_calm(row - 1);
    if (!calm || !follows_calm) add(row);
    if (!calm && row + 1 < rows().size()) add(row + 1);
  }
}

std::int64_t sensor_state::place_us(std::int64_t received_at_us) const {
  return seen() ? std::min(rows().newest_us(), std::max(received_at_us, watermark_us_)) : INT64_MIN;
}

void sensor_state::follow(const stream_rules& rules, std::int64_t received_at_us, std::vector<event>& found) {
  if (judged_.now().follows(rules)) return;
  if (!seen()) {
    judged_ = revisable(sensor_judge(sensor_, rules));
    return;
  }
  revisable<sensor_judge>::differences differences;
  const auto at_us = std::max(place_us(received_at_us), judged_.newest_command_us());
  judged_.apply({rules, 0}, at_us, received_at_us, differences);
  book_.tell(differences, "settings were changed", received_at_us, found);
}

sensor_state::watch_place sensor_state::watch(const calm_band& calm, std::int64_t received_at_us) {
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

void sensor_state::watch_again(const calm_band& calm) {
  calm_ = calm;
  next_matters_ = true;
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
  judged_.settle(floor_us, window_us, limits::kept_readings);
  book_.settle(judged_.floor_us());
}

/// Whether this body completes a run of late ones that came as fast as their times go by: a clock that was set back. What a device
/// catches up with comes faster.
bool sensor_state::is_contradicted(const sorted_rows& body, std::int64_t received_at_us) {
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

void sensor_state::set_watermark_anew(const sorted_rows& body, std::int64_t received_at_us, findings& found) {
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
  watermark_us_ = INT64_MIN;
  late_run_ = {};
  judged_ = revisable(sensor_judge(sensor_, stream_rules(rules())));
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
  book_.tell(differences, "time went by", now_us, found);
}

std::optional<reading> sensor_state::latest() const {
  if (!seen()) return std::nullopt;
  return reading{sensor_, rows().newest_us(), rows().newest_value()};
}

}  // namespace factory
