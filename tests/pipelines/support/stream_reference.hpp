#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/model/event.hpp"
#include "pipelines/stats/statistics.hpp"
#include "pipelines/stream/expression.hpp"
#include "pipelines/stream/pipeline_id.hpp"
#include "pipelines/stream/pipeline_spec.hpp"
#include "pipelines/stream/quantile_sketch.hpp"

/// A pipeline computed the slow way: step by step over the whole sorted set of readings. Shares nothing with the judge but arithmetic.
namespace factory::stream_reference {

using series = std::map<std::int64_t, double>;  ///< of one source, or of results, by time

struct named_row {
  std::map<std::string, double> names;
};

inline std::map<std::int64_t, named_row> join(const pipeline_spec& spec, const std::vector<series>& sources) {
  std::int64_t tolerance_us = 0;
  for (const auto& each : spec.steps)
    if (const auto* const align = std::get_if<align_step>(&each)) tolerance_us = align->tolerance_us;
  std::map<std::int64_t, named_row> rows;
  for (const auto& of_source : sources)
    for (const auto& [time_us, value] : of_source) rows[time_us];
  for (auto it = rows.begin(); it != rows.end();) {
    bool whole = true;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      auto newest = sources[i].upper_bound(it->first);
      const bool there = newest != sources[i].begin() && std::prev(newest)->first >= it->first - tolerance_us;
      whole = whole && there;
      if (there) it->second.names[spec.sources[i].name] = std::prev(newest)->second;
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
};

inline double integral(const one_window& in) {
  double sum = 0;
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

inline double aggregate(const one_window& in, aggregate_kind kind) {
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
    case aggregate_kind::integral: return integral(in);
    case aggregate_kind::slope: return slope(in);
    case aggregate_kind::rate:
      return last.first == first.first ? 0 : (last.second - first.second) / (static_cast<double>(last.first - first.first) / 1e6);
    case aggregate_kind::changes: return changes(in);
  }
  return 0;
}

inline series run(const pipeline_spec& spec, const std::vector<series>& sources) {
  auto rows = join(spec, sources);
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
      std::map<std::int64_t, one_window> windows;
      std::optional<std::pair<std::int64_t, double>> before;
      for (auto& [time_us, row] : rows) {
        auto k = (time_us - window->shift_us) / window->length_us;
        if (k * window->length_us + window->shift_us > time_us) --k;
        const auto begin_us = k * window->length_us + window->shift_us;
        auto& in = windows.try_emplace(begin_us, one_window{begin_us, begin_us + window->length_us, {}, before}).first->second;
        in.rows.emplace_back(time_us, row.names.at("value"));
        before = in.rows.back();
      }
      for (auto& [begin_us, in_window] : windows) next[begin_us].names["value"] = aggregate(in_window, window->aggregate);
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
