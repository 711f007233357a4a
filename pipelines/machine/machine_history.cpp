#include "pipelines/machine/machine_history.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "pipelines/model/reading_flags.hpp"
#include "pipelines/model/recent_rows.hpp"

namespace factory {

namespace {

machine_recomputation look_at(const machine_judge& judge, const std::vector<sensor_id>& sensors) {
  machine_recomputation out;
  const auto& detector = judge.detector();
  out.at_peak = detector.newest_distances();
  out.learned_rows = detector.learned_rows();
  out.learning_since_us = detector.learning_since_us();
  const auto shares = detector.contributions();
  for (std::size_t i = 0; i < sensors.size() && i < shares.size(); ++i) {
    machine_recomputation::part part;
    part.sensor = sensors[i];
    part.spread = detector.spread_of(i);
    part.is_judged = part.spread > 0;
    part.share = shares[i];
    part.expected = detector.expected_of(i);
    if (const double value = judge.value_of(i); !std::isnan(value)) part.value = value;
    out.sensors.push_back(part);
  }
  std::ranges::stable_sort(out.sensors, std::greater<>(), &machine_recomputation::part::share);
  return out;
}

}  // namespace

void machine_history::add(std::size_t sensor, const reading_run& rows) {
  auto& to = values_[sensor];
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto time_us = rows.event_time_us[row];
    if ((rows.flags[row] & (flag_future | left_out_flags)) != 0) continue;
    if (time_us > machine_cell::most_us || time_us < -machine_cell::most_us) continue;
    const auto cell = machine_cell::of(time_us);
    if (to.empty() || to.back().cell != cell)
      to.push_back({cell, rows.value[row]});
    else
      to.back().value = rows.value[row];
  }
}

std::optional<machine_recomputation> machine_history::recompute(const event_key& any, const machine_settings& how,
                                                                std::int64_t since_us) const {
  return run(machine_judge(any.rule, sensors_, how), any, INT64_MIN, since_us);
}

std::optional<machine_recomputation> machine_history::recompute_from(std::int64_t place, std::string_view state,
                                                                     const event_key& any) const {
  machine_judge judge(any.rule, sensors_, {machine_learn_us, 1});
  if (!judge.decode(state) || !state.empty()) return std::nullopt;
  return run(std::move(judge), any, place, INT64_MIN);
}

std::optional<machine_recomputation> machine_history::run(machine_judge judge, const event_key& any, std::int64_t behind_place,
                                                          std::int64_t since_us) const {
  const auto count = sensors_.size();
  std::vector<std::size_t> next(count, 0);
  std::vector<event> found;
  std::optional<machine_recomputation> peak;
  double highest = 0;
  const auto is_it = [&](const event& each) { return same_finding(each.key, any); };
  for (;;) {
    auto cell = INT64_MAX;
    for (std::size_t i = 0; i < count; ++i)
      if (next[i] < values_[i].size()) cell = std::min(cell, values_[i][next[i]].cell);
    if (cell == INT64_MAX) break;
    recent_rows rows;
    const auto put = [&](std::size_t sensor, double value) {
      const auto place = machine_cell::place(cell, sensor, count);
      if (place > behind_place) rows.append({&place, 1}, {&value, 1});
    };
    for (std::size_t i = 0; i < count; ++i)
      if (next[i] < values_[i].size() && values_[i][next[i]].cell == cell) put(i, values_[i][next[i]++].value);
    if (since_us == INT64_MIN || cell >= machine_cell::of(since_us)) put(count, 0);
    const auto told = found.size();
    judge.observe(rows, 0, rows.size(), 0, found);
    found.erase(std::remove_if(found.begin() + static_cast<std::ptrdiff_t>(told), found.end(), std::not_fn(is_it)), found.end());
    const auto open = judge.detector().episodes().open();
    const bool is_on = !open.empty() && open.front().begin_us == any.event_time_us;
    if (!is_on || judge.detector().newest_score() <= highest) continue;
    highest = judge.detector().newest_score();
    peak = look_at(judge, sensors_);
  }
  if (found.empty() || !peak) return std::nullopt;
  peak->again = fold_finding(found);
  return peak;
}

}  // namespace factory
