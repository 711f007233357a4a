#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/alarm/limit_state.hpp"
#include "pipelines/detect/detector_set.hpp"
#include "pipelines/model/event.hpp"
#include "pipelines/spec/expression.hpp"
#include "pipelines/spec/pipeline_id.hpp"
#include "pipelines/spec/pipeline_spec.hpp"
#include "pipelines/stats/statistics.hpp"
#include "pipelines/stream/quantile_sketch.hpp"

/// A pipeline computed the slow way: step by step over the whole sorted set of readings. Shares nothing with the judge but arithmetic.
namespace factory::stream_reference {

using series = std::map<std::int64_t, double>;  ///< of one source, or of results, by time

struct named_row {
  std::map<std::string, double> names;
};

inline std::optional<double> newest(const series& in, std::int64_t time_us, std::int64_t tolerance_us) {
  const auto behind = in.upper_bound(time_us);
  if (behind == in.begin() || std::prev(behind)->first < time_us - tolerance_us) return std::nullopt;
  return std::prev(behind)->second;
}

inline std::optional<double> between(const series& in, std::int64_t time_us, std::int64_t tolerance_us) {
  const auto next = in.lower_bound(time_us);
  if (next == in.end()) return std::nullopt;
  if (next->first == time_us) return next->second;
  if (next == in.begin() || next->first - std::prev(next)->first > tolerance_us) return std::nullopt;
  const auto& [before_us, before] = *std::prev(next);
  const auto share = static_cast<double>(time_us - before_us) / static_cast<double>(next->first - before_us);
  return before + share * (next->second - before);
}

inline std::map<std::int64_t, named_row> join(const pipeline_spec& spec, const std::vector<series>& sources) {
  align_step how;
  for (const auto& each : spec.steps)
    if (const auto* const align = std::get_if<align_step>(&each)) how = *align;
  std::map<std::int64_t, named_row> rows;
  for (const auto& of_source : sources)
    for (const auto& [time_us, value] : of_source) rows[time_us];
  for (auto it = rows.begin(); it != rows.end();) {
    bool whole = true;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto value =
          how.interpolates ? between(sources[i], it->first, how.tolerance_us) : newest(sources[i], it->first, how.tolerance_us);
      whole = whole && value;
      if (value) it->second.names[spec.sources[i].name] = *value;
    }
    it = whole ? std::next(it) : rows.erase(it);
  }
  if (sources.size() == 1)
    for (auto& [time_us, row] : rows) row.names["value"] = row.names[spec.sources[0].name];
  return rows;
}

inline double evaluate(const std::string& text, const named_row& row) {
  std::vector<std::string> names;
  std::vector<double> values;
  for (const auto& [name, value] : row.names) {
    names.push_back(name);
    values.push_back(value);
  }
  return expression::parse(text, names)->of(values);
}

struct one_window {
  std::int64_t begin_us, end_us;
  std::vector<std::pair<std::int64_t, double>> rows;
  std::optional<std::pair<std::int64_t, double>> before;  ///< the newest row before the window
  bool is_sliding = false;
};

inline double integral(one_window in, bool as_state) {
  double sum = 0;
  for (auto& row : in.rows) row.second = as_state ? (row.second != 0 ? 1 : 0) : row.second;
  if (in.before && as_state) in.before->second = in.before->second != 0 ? 1 : 0;
  auto held = in.before;
  for (const auto& row : in.rows) {
    if (held) sum += held->second * (static_cast<double>(row.first - std::max(held->first, in.begin_us)) / 1e6);
    held = row;
  }
  return sum + held->second * (static_cast<double>(in.end_us - held->first) / 1e6);
}

inline double slope(const one_window& in) {
  double n = 0, t = 0, tt = 0, tv = 0;
  summary all;
  for (const auto& [time_us, value] : in.rows) {
    const double x = static_cast<double>(time_us - in.begin_us) / 1e6;
    n += 1, t += x, tt += x * x, tv += x * value;
    all.add(time_us, value);
  }
  const double spread = n * tt - t * t;
  return spread > 0 ? (n * tv - t * all.total()) / spread : 0;
}

inline double quantile(const one_window& in, double q) {
  quantile_sketch sketch;
  for (auto row = in.rows.rbegin(); row != in.rows.rend(); ++row) sketch.add(row->second);
  return sketch.quantile(q);
}

inline double changes(const one_window& in) {
  double count = 0;
  auto before = in.before;
  for (const auto& row : in.rows) {
    if (before && before->second != row.second) ++count;
    before = row;
  }
  return count;
}

/// Sums of sliding windows lose nothing: here in 113 digits, more than these values need.
__extension__ typedef __float128 wide;  // NOLINT(modernize-use-using): __extension__ takes no using

inline double wide_integral(const one_window& in, bool as_state) {
  wide sum = 0;
  auto held = in.before;
  for (const auto& row : in.rows) {
    if (held) {
      const double value = as_state ? (held->second != 0 ? 1 : 0) : held->second;
      const double part = value * (static_cast<double>(row.first - std::max(held->first, in.begin_us)) / 1e6);
      sum += part;
    }
    held = row;
  }
  return static_cast<double>(sum);
}

inline std::optional<double> sliding_aggregate(const one_window& in, aggregate_kind kind) {
  const auto n = static_cast<double>(in.rows.size());
  wide sum = 0, squares = 0, times = 0, squared_times = 0, products = 0;
  for (const auto& [time_us, value] : in.rows) {
    const wide since = time_us - in.begin_us;
    times += since, squared_times += since * since, products += since * value;
  }
  const auto spread = static_cast<double>(n * squared_times - times * times);
  for (const auto& [time_us, value] : in.rows) sum += value;
  for (const auto& [time_us, value] : in.rows) squares += (value - sum / n) * (value - sum / n);
  switch (kind) {
    case aggregate_kind::sum: return static_cast<double>(sum);
    case aggregate_kind::mean: return static_cast<double>(sum) / n;
    case aggregate_kind::std: return n < 2 ? 0 : std::sqrt(static_cast<double>(squares * n) / n / (n - 1));
    case aggregate_kind::integral: return wide_integral(in, false);
    case aggregate_kind::time_in_state: return wide_integral(in, true);
    case aggregate_kind::slope: return spread == 0 ? 0 : static_cast<double>(n * products - times * sum) / spread * 1e6;
    default: return std::nullopt;
  }
}

inline double aggregate(const one_window& in, aggregate_kind kind, double q) {
  if (in.is_sliding)
    if (const auto made = sliding_aggregate(in, kind)) return *made;
  summary all;
  for (const auto& [time_us, value] : in.rows) all.add(time_us, value);
  const auto& first = in.rows.front();
  const auto& last = in.rows.back();
  switch (kind) {
    case aggregate_kind::count: return static_cast<double>(in.rows.size());
    case aggregate_kind::sum: return all.total();
    case aggregate_kind::mean: return all.mean();
    case aggregate_kind::std: return all.std_dev();
    case aggregate_kind::min: return all.min;
    case aggregate_kind::max: return all.max;
    case aggregate_kind::first: return first.second;
    case aggregate_kind::last: return last.second;
    case aggregate_kind::median: return quantile(in, 0.5);
    case aggregate_kind::p90: return quantile(in, 0.9);
    case aggregate_kind::p95: return quantile(in, 0.95);
    case aggregate_kind::p99: return quantile(in, 0.99);
    case aggregate_kind::quantile: return quantile(in, q);
    case aggregate_kind::integral: return integral(in, false);
    case aggregate_kind::time_in_state: return integral(in, true);
    case aggregate_kind::duration: return static_cast<double>(in.end_us - in.begin_us) / 1e6;
    case aggregate_kind::slope: return slope(in);
    case aggregate_kind::rate:
      return last.first == first.first ? 0 : (last.second - first.second) / (static_cast<double>(last.first - first.first) / 1e6);
    case aggregate_kind::changes: return changes(in);
  }
  return 0;
}

/// The windows that have ended once no more rows come, with their rows. A window before that waits for a row, for ever, holds those behind it: no
/// row before `bound_us` is still to come to this one; it becomes what that is behind it.
inline std::vector<one_window> windows_of(const std::map<std::int64_t, named_row>& rows, const window_step& how,
                                          std::int64_t& bound_us) {
  std::vector<one_window> all;
  std::map<std::int64_t, one_window> hopping;
  std::optional<one_window> open;
  std::optional<std::pair<std::int64_t, double>> before;
  const auto end = [&](std::int64_t end_us) {
    open->end_us = end_us;
    if (end_us - open->begin_us >= how.minimum_us) all.push_back(*open);
    open.reset();
  };
  for (const auto& [time_us, row] : rows) {
    const std::pair<std::int64_t, double> it(time_us, row.names.at("value"));
    if (how.kind == window_kind::hopping) {
      const auto first_us = how.shift_us - ((how.shift_us + 10 * how.length_us) / how.every_us + 1) * how.every_us;
      const auto passed = std::max<std::int64_t>(0, (time_us - how.length_us - first_us) / how.every_us);
      for (auto begin_us = first_us + passed * how.every_us; begin_us <= time_us; begin_us += how.every_us)
        if (begin_us + how.length_us > time_us)
          hopping.try_emplace(begin_us, one_window{begin_us, begin_us + how.length_us, {}, before})
              .first->second.rows.push_back(it);
    } else if (how.kind == window_kind::sliding) {
      one_window in{time_us - how.length_us, time_us, {}, {}, true};
      for (const auto& [other_us, other] : rows) {
        if (other_us > time_us) break;
        if (other_us <= in.begin_us)
          in.before = std::pair(other_us, other.names.at("value"));
        else
          in.rows.emplace_back(other_us, other.names.at("value"));
      }
      all.push_back(in);
    } else {
      if (how.kind == window_kind::session && open && time_us - open->rows.back().first >= how.gap_us)
        end(open->rows.back().first);
      if (how.kind == window_kind::state) {
        const double holds = evaluate(how.condition, row);
        if (!std::isfinite(holds)) continue;
        if (holds == 0) {
          if (open) end(time_us);
          before = it;
          continue;
        }
      }
      if (!open) open = one_window{time_us, 0, {}, before};
      open->rows.push_back(it);
      if (how.kind == window_kind::count && open->rows.size() == how.rows) end(time_us);
    }
    before = it;
  }
  if (open && how.kind == window_kind::session && (bound_us == INT64_MAX || open->rows.back().first + how.gap_us <= bound_us))
    end(open->rows.back().first);
  if (open) bound_us = open->begin_us;
  for (const auto& [begin_us, in] : hopping)
    if (in.end_us <= bound_us) all.push_back(in);
  if (how.kind == window_kind::hopping && bound_us != INT64_MAX) {
    auto begin_us = how.shift_us - ((how.shift_us + 10 * how.length_us) / how.every_us + 1) * how.every_us;
    while (begin_us + how.length_us <= bound_us) begin_us += how.every_us;
    bound_us = begin_us;
  }
  return all;
}

inline double beyond(const limit_step& limit, limit_state& state, std::int64_t time_us, double value) {
  const double margin = limit.options.deadband;
  auto how = limit_state::standing::deadband;
  if (value <= limit.above - margin && value >= limit.below + margin) how = limit_state::standing::back;
  if (value > limit.above || value < limit.below) how = limit_state::standing::breach;
  while (state.advance_before(limit.options, time_us).what != limit_state::change::none) continue;
  state.observe(limit.options, time_us, how);
  while (state.advance(limit.options, time_us).what != limit_state::change::none) continue;
  return state.is_raised() ? 1 : 0;
}

inline double score(const detector_step& by, detector_set& state, std::int64_t time_us, double value) {
  detect_settings settings;
  for (auto& each : settings.each) each.on = false;
  settings.of(by.which) = by.how;
  std::vector<episode_change> changes;
  state.observe(time_us, value, settings, changes);
  double highest = state.newest_score();
  for (const auto& each : state.episodes().open()) highest = std::max(highest, each.score);
  return highest;
}

inline series run(const pipeline_spec& spec, const std::vector<series>& sources) {
  auto rows = join(spec, sources);
  std::int64_t bound_us = INT64_MAX;
  for (const auto& each : spec.steps) {
    std::map<std::int64_t, named_row> next;
    if (const auto* const compute = std::get_if<compute_step>(&each)) {
      for (auto& [time_us, row] : rows) {
        const double made = evaluate(compute->expression, row);
        if (!std::isfinite(made)) continue;
        next[time_us] = row;
        next[time_us].names["value"] = made;
      }
    } else if (const auto* const filter = std::get_if<filter_step>(&each)) {
      for (auto& [time_us, row] : rows) {
        const double made = evaluate(filter->expression, row);
        if (std::isfinite(made) && made != 0) next[time_us] = row;
      }
    } else if (const auto* const window = std::get_if<window_step>(&each)) {
      for (const auto& in : windows_of(rows, *window, bound_us))
        next[window->kind == window_kind::sliding ? in.end_us : in.begin_us].names["value"] =
            aggregate(in, window->aggregate, window->quantile);
    } else if (const auto* const total = std::get_if<accumulate_step>(&each)) {
      double sum = 0;
      for (auto it = rows.begin(); it != rows.end(); ++it) {
        if (it != rows.begin())
          sum += std::prev(it)->second.names.at("value") * (static_cast<double>(it->first - std::prev(it)->first) / 1e6);
        if (!total->reset.empty() && evaluate(total->reset, it->second) != 0) sum = 0;
        next[it->first] = it->second;
        next[it->first].names["value"] = sum;
      }
    } else if (const auto* const limit = std::get_if<limit_step>(&each)) {
      limit_state state;
      for (auto& [time_us, row] : rows) {
        next[time_us] = row;
        next[time_us].names["value"] = beyond(*limit, state, time_us, row.names.at("value"));
      }
    } else if (const auto* const by = std::get_if<detector_step>(&each)) {
      detector_set state;
      for (auto& [time_us, row] : rows) {
        next[time_us] = row;
        next[time_us].names["value"] = score(*by, state, time_us, row.names.at("value"));
      }
    } else if (std::holds_alternative<derivative_step>(each)) {
      for (auto it = rows.begin(); it != rows.end(); ++it) {
        if (it == rows.begin()) continue;
        const auto& [before_us, before] = *std::prev(it);
        next[it->first] = it->second;
        next[it->first].names["value"] =
            (it->second.names.at("value") - before.names.at("value")) / (static_cast<double>(it->first - before_us) / 1e6);
      }
    } else if (const auto* const ewma = std::get_if<ewma_step>(&each)) {
      for (auto it = rows.begin(); it != rows.end(); ++it) {
        next[it->first] = it->second;
        if (it == rows.begin()) continue;
        const auto before_us = std::prev(it)->first;
        const auto before = next[before_us].names.at("value");
        const auto weight =
            -std::expm1(-static_cast<double>(it->first - before_us) / static_cast<double>(ewma->time_constant_us));
        next[it->first].names["value"] = before + weight * (it->second.names.at("value") - before);
      }
    } else {
      continue;
    }
    rows = std::move(next);
  }
  series results;
  for (auto& [time_us, row] : rows) results[time_us] = row.names.at("value");
  return results;
}

/// A finding of an event sink.
struct met {
  double value = 0;  ///< where it begins
  std::optional<std::int64_t> end_us = {};
  std::uint64_t count = 0;  ///< of results, known at its end
  bool operator==(const met&) const = default;
};

inline std::map<event_key, met> findings(const pipeline_spec& spec, const series& results) {
  std::map<event_key, met> all;
  for (std::size_t i = 0; i < spec.sinks.size(); ++i) {
    const auto* const sink = std::get_if<event_sink>(&spec.sinks[i]);
    if (sink == nullptr) continue;
    std::map<event_key, met>::iterator open;
    std::uint64_t count = 0;
    for (const auto& [time_us, value] : results) {
      const bool holds = evaluate(sink->when, {{{"value", value}}}) != 0;
      if (holds && count++ == 0)
        open = all.emplace(event_key{0, time_us, event_source::pipeline, pipeline_rule(0, i), {}, 0}, met{value}).first;
      if (holds || count == 0) continue;
      open->second.end_us = time_us;
      open->second.count = std::exchange(count, 0);
    }
  }
  return all;
}

}  // namespace factory::stream_reference
