#include "bench/works/machines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/backtest/labelled_rows.hpp"
#include "pipelines/backtest/row_judge.hpp"
#include "pipelines/machine/machine_detector.hpp"
#include "simulate/plant.hpp"
#include "simulate/pump_rig.hpp"

namespace factory::bench {
namespace {

constexpr std::int64_t row_us = 1'000'000;

labelled_rows judge_run(const rig_plan& plan) {
  pump_rig rig(plan);
  row_judge judge{machine_detector(pump_rig::channels)};
  labelled_rows out;
  for (std::size_t row = 0; row < plan.rows; ++row) {
    const auto score = judge.score(static_cast<std::int64_t>(row) * row_us, rig.next());
    if (judge.judged() <= machine_detector::learn_rows) continue;
    out.count(row >= plan.fault.begin_row && row < plan.fault.end_row, score >= 1);
  }
  return out;
}

void print_rows(std::string_view name, const labelled_rows& is) {
  fmt::print("{:<14} {:>8} {:>8} {:>8.3f} {:>9.1f} {:>9.1f}\n", name, is.rows(), is.faulty(), is.f1(), 100 * is.wrong_share(),
             100 * is.missed_share());
}

constexpr std::int64_t step_us = 10'000'000, hour_us = 3'600'000'000, day_us = 24 * hour_us;
constexpr std::int64_t plant_begin_us = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
constexpr std::size_t plant_factories = 4, plant_machines = 6;

std::vector<episode> watch(const planned_machine& machine, const fault_policy& faults, std::int64_t end_us) {
  std::vector<sensor_signal> signals;
  for (const auto& each : machine.sensors) signals.emplace_back(each.shape, each.key, faults, plant_begin_us, step_us);
  machine_detector detector(signals.size());
  const machine_settings how{machine_learn_us, 1};
  std::vector<double> row(signals.size());
  std::vector<episode> states;
  std::vector<episode_change> changes;
  for (auto now_us = plant_begin_us; now_us < end_us; now_us += step_us) {
    for (std::size_t i = 0; i < signals.size(); ++i)
      row[i] = signals[i].next().value_or(std::numeric_limits<double>::quiet_NaN());
    if (std::ranges::count_if(row, [](double value) { return !std::isnan(value); }) < 2) continue;
    detector.observe(now_us, row, how, changes);
    for (const auto& each : changes) {
      if (each.what == episode_change::kind::opened)
        states.push_back(each.now);
      else if (!states.empty())
        states.back() = each.now;
    }
    changes.clear();
  }
  return states;
}

struct found_of_kind {
  std::size_t faults = 0, found = 0;
};

void print_plant(std::string_view name, const machine_options& how, const fault_policy& policy) {
  const auto end_us = plant_begin_us + how.plant_days * day_us, from_us = plant_begin_us + 2 * machine_learn_us;
  std::map<std::string_view, found_of_kind> kinds;
  std::size_t all = 0, unexplained = 0, machines = 0;
  double open_us = 0;
  for (const auto& factory : plan_plant(how.seed, plant_factories, plant_machines))
    for (const auto& machine : factory.machines) {
      std::vector<fault> faults;
      for (const auto& each : machine.sensors)
        std::ranges::copy(plan_faults(policy, each.key, plant_begin_us, end_us, step_us, each.shape.fault_scale()),
                          std::back_inserter(faults));
      const auto states = watch(machine, policy, end_us);
      ++machines;
      all += states.size();
      for (const auto& state : states) {
        open_us += static_cast<double>((state.is_open() ? end_us : state.end_us) - state.begin_us);
        unexplained += std::ranges::none_of(
            faults, [&](const fault& is) { return state.begin_us >= is.begin_us && state.begin_us < is.end_us + hour_us; });
      }
      for (const auto& is : faults) {
        if (is.begin_us < from_us) continue;
        auto& of = kinds[to_text(is.kind)];
        ++of.faults;
        of.found += std::ranges::any_of(states, [&](const episode& state) {
          return state.begin_us < is.end_us && (state.is_open() || state.end_us >= is.begin_us);
        });
      }
    }
  fmt::print(
      "{}: {} machines, {} days, seed {}: {} states, {} of them unexplained ({:.3f} a machine-week), open {:.2f} % of the time\n",
      name, machines, how.plant_days, how.seed, all, unexplained,
      static_cast<double>(unexplained) / static_cast<double>(machines) / how.plant_days * 7,
      100 * open_us / static_cast<double>(machines) / static_cast<double>(end_us - plant_begin_us));
  for (const auto& [kind, of] : kinds) fmt::print("  {:<12} {:>4} of {:<4} found\n", kind, of.found, of.faults);
}

}  // namespace

void run_machines(const machine_options& how) {
  if (how.plant_days > 0) {
    print_plant("without faults", how, {fault_policy{}.slot_us, 0});
    print_plant("with faults of single sensors", how, {});
    return;
  }
  std::array<labelled_rows, rig_fault_kinds> kinds;
  labelled_rows all;
  for (std::size_t run = 0; run < how.runs; ++run) {
    const auto plan = plan_rig_run(how.seed, run);
    const auto rows = judge_run(plan);
    kinds.at(static_cast<std::size_t>(plan.fault.kind)) += rows;
    all += rows;
  }
  fmt::print("{} runs of eight sensors, seed {}\n\n", how.runs, how.seed);
  fmt::print("{:<14} {:>8} {:>8} {:>8} {:>9} {:>9}\n", "fault", "rows", "faulty", "F1", "false %", "missed %");
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) print_rows(to_text(static_cast<rig_fault_kind>(kind)), kinds[kind]);
  print_rows("all", all);
}

}  // namespace factory::bench
