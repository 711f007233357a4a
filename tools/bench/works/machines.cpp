#include "bench/works/machines.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "pipelines/backtest/labelled_rows.hpp"
#include "pipelines/backtest/row_judge.hpp"
#include "pipelines/detect/machine.hpp"
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

}  // namespace

void run_machines(const machine_options& how) {
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
