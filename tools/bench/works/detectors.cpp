#include "bench/works/detectors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/detect/detector_set.hpp"
#include "simulate/plant.hpp"

namespace factory::bench {
namespace {

constexpr std::int64_t step_us = 10'000'000, hour_us = 3'600'000'000, day_us = 24 * hour_us;
constexpr std::int64_t begin_us = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z, a Thursday
constexpr std::size_t stretch = 2'000;                    // readings timed together

struct row {
  std::int64_t time_us;
  double value;
};

/// An episode and when it was told first.
struct told_episode {
  std::int64_t opened_us = 0;
  episode is;
};

struct kind_figures {
  std::size_t cases = 0, found = 0, found_after_a_day = 0, cases_after_a_day = 0, episodes = 0;
  std::vector<double> delays;  ///< readings
  std::vector<std::size_t> episodes_of_each;
};

struct plant_figures {
  std::map<std::string, kind_figures> kinds;
  std::map<std::string, std::size_t> false_by;
  std::size_t sensors = 0, readings = 0, false_episodes = 0, most_bytes = 0;
};

template <class T>
T median(std::vector<T> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<row> readings_of(const planned_sensor& sensor, const fault_policy& faults, std::int64_t end_us) {
  std::vector<row> out;
  sensor_signal signal(sensor.shape, sensor.key, faults, begin_us, step_us);
  while (signal.next_time_us() < end_us) {
    const std::int64_t time_us = signal.next_time_us();
    if (const auto value = signal.next()) out.push_back({time_us, *value});
  }
  return out;
}

/// As live: a tick comes when the set asks for one.
std::vector<told_episode> watch(const std::vector<row>& rows, std::size_t& most_bytes) {
  detector_set set;
  const detect_settings settings;
  std::vector<told_episode> told;
  std::vector<episode_change> changes;
  const auto note = [&](std::int64_t now_us) {
    for (const auto& each : changes) {
      if (each.what == episode_change::kind::opened) {
        told.push_back({now_us, each.now});
        continue;
      }
      for (auto& known : told)
        if (known.is.begin_us == each.now.begin_us && known.is.opened_by == each.now.opened_by) known.is = each.now;
    }
    changes.clear();
  };
  for (const row& each : rows) {
    if (const auto due_us = set.quiet_until_us(settings); due_us < each.time_us) {
      set.tick(due_us, settings, changes);
      note(due_us);
    }
    set.observe(each.time_us, each.value, settings, changes);
    note(each.time_us);
  }
  most_bytes = std::max(most_bytes, set.memory_bytes());
  return told;
}

void judge_fault(const fault& is, const std::vector<told_episode>& told, kind_figures& to) {
  const bool short_one = is.kind == fault_kind::spike || is.kind == fault_kind::drop_out;
  const std::int64_t until_us = is.end_us + (short_one ? step_us : 0);
  std::int64_t first_us = INT64_MAX;
  std::size_t count = 0;
  for (const auto& each : told) {
    if (each.opened_us >= is.begin_us && each.opened_us < is.end_us + hour_us) {
      ++count;
      if (each.opened_us < until_us) first_us = std::min(first_us, each.opened_us);
    } else if (each.opened_us < is.begin_us && (each.is.is_open() || each.is.end_us >= is.begin_us)) {
      first_us = is.begin_us;
    }
  }
  const bool found = first_us != INT64_MAX, after_a_day = is.begin_us >= begin_us + day_us;
  ++to.cases;
  to.found += found ? 1 : 0;
  to.cases_after_a_day += after_a_day ? 1 : 0;
  to.found_after_a_day += found && after_a_day ? 1 : 0;
  if (found) to.delays.push_back(static_cast<double>(first_us - is.begin_us) / static_cast<double>(step_us));
  to.episodes_of_each.push_back(count);
}

void judge_sensor(const planned_sensor& sensor, const fault_policy& policy, std::int64_t end_us, plant_figures& to) {
  const auto rows = readings_of(sensor, policy, end_us);
  const auto told = watch(rows, to.most_bytes);
  const auto faults = plan_faults(policy, sensor.key, begin_us, end_us, step_us, sensor.shape.fault_scale());
  ++to.sensors;
  to.readings += rows.size();
  for (const fault& each : faults) judge_fault(each, told, to.kinds[std::string(to_text(each.kind))]);
  for (const auto& each : told) {
    const bool explained = std::any_of(faults.begin(), faults.end(), [&](const fault& is) {
      return each.opened_us >= is.begin_us && each.opened_us < is.end_us + hour_us;
    });
    if (explained) continue;
    ++to.false_episodes;
    ++to.false_by[std::string(entry_of(each.is.by).name)];
  }
}

void print(const plant_figures& of, const detector_options& how) {
  fmt::print("{} sensors, {} days, {} readings, seed {}\n", of.sensors, how.days, of.readings, how.seed);
  fmt::print("{:<12} {:>9} {:>18} {:>24} {:>18}\n", "fault", "found", "after day 1", "median delay, readings", "median episodes");
  for (const auto& [name, is] : of.kinds)
    fmt::print("{:<12} {:>4}/{:<4} {:>13}/{:<4} {:>24} {:>18}\n", name, is.found, is.cases, is.found_after_a_day,
               is.cases_after_a_day, median(is.delays), median(is.episodes_of_each));
  const double weeks = static_cast<double>(of.sensors) * how.days / 7;
  fmt::print("false episodes {}: {:.3f} a sensor-week", of.false_episodes, static_cast<double>(of.false_episodes) / weeks);
  for (const auto& [name, count] : of.false_by) fmt::print(", {} {}", name, count);
  fmt::print("\nstate of a sensor: {} bytes at most\n", of.most_bytes);
}

/// ns a reading in the median and in the best stretch: other programs may run.
template <class Observe>
void time_of(const char* name, const std::vector<row>& rows, const Observe& observe) {
  std::vector<double> each;
  for (std::size_t i = 0; i + stretch <= rows.size(); i += stretch) {
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t k = i; k < i + stretch; ++k) observe(rows[k]);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    if (i > rows.size() / 3) each.push_back(took.count() / stretch);
  }
  fmt::print("{:<12} {:>10.1f} {:>10.1f}\n", name, median(each), *std::min_element(each.begin(), each.end()));
}

/// As the daemon observes bodies with several readings of a sensor.
void time_at_once(const char* name, const std::vector<row>& rows, std::size_t at_once) {
  detector_set set;
  const detect_settings settings;
  std::vector<episode_change> changes;
  std::vector<std::int64_t> times_us;
  std::vector<double> values;
  time_of(name, rows, [&](const row& r) {
    times_us.push_back(r.time_us);
    values.push_back(r.value);
    if (values.size() < at_once) return;
    for (std::size_t begin = 0; begin < at_once;)
      begin += set.observe_rows(std::span(times_us).subspan(begin), std::span(values).subspan(begin), settings, changes);
    changes.clear();
    times_us.clear();
    values.clear();
  });
}

void print_costs(const planned_sensor& sensor) {
  const auto rows = readings_of(sensor, {6 * hour_us, 0}, begin_us + 7 * day_us);
  const detect_settings settings;
  std::vector<episode_change> changes;
  double sum = 0;  // keeps the work from being left out
  detector_set set;
  jump_detector jump;
  spread_detector spread;
  baseline usual;
  drift_detector drift;
  stuck_detector stuck;
  silence_detector silence;
  pattern_detector pattern;
  fmt::print("\n{:<12} {:>10} {:>10}\n", "ns a reading", "median", "best");
  time_of("all", rows, [&](const row& r) { set.observe(r.time_us, r.value, settings, changes); });
  time_at_once("10 at once", rows, 10);
  time_of("jump", rows, [&](const row& r) { sum += jump.observe(r.value, false).step; });
  time_of("spread", rows,
          [&](const row& r) { sum += spread.observe(1 + r.value - static_cast<double>(static_cast<int>(r.value))).more; });
  time_of("baseline", rows, [&](const row& r) {
    usual.advance(r.time_us);
    usual.learn(r.value);
  });
  time_of("drift", rows,
          [&](const row& r) { sum += drift.observe(r.time_us, r.value, usual.usual_now(), usual.scatter()).score; });
  time_of("pattern", rows, [&](const row& r) { sum += pattern.observe(r.time_us, r.value, step_us).score; });
  time_of("stuck", rows, [&](const row& r) { sum += stuck.observe(r.time_us, r.value).score; });
  time_of("silent", rows,
          [&](const row& r) { sum += static_cast<double>(silence.observe(r.time_us, silence.limit_us(60'000'000))); });
  if (sum == 0.5) fmt::print(" ");
}

}  // namespace

void run_detectors(const detector_options& how) {
  const auto plant = plan_plant(how.seed, how.factories, how.machines);
  plant_figures figures;
  for (const auto& factory : plant)
    for (const auto& machine : factory.machines)
      for (const auto& sensor : machine.sensors) judge_sensor(sensor, {}, begin_us + how.days * day_us, figures);
  print(figures, how);
  print_costs(plant.front().machines.front().sensors.front());
}

}  // namespace factory::bench
