#include "simulate/pump_rig.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace factory {
namespace {

std::vector<pump_rig::row> run_of(const rig_plan& plan) {
  pump_rig rig(plan);
  std::vector<pump_rig::row> out(plan.rows);
  for (auto& row : out) row = rig.next();
  return out;
}

double mean_of(const std::vector<pump_rig::row>& rows, std::size_t channel, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += rows[i][channel];
  return sum / static_cast<double>(end - begin);
}

TEST(pump_rig, a_run_is_a_function_of_its_plan_and_no_other_is_like_it) {
  EXPECT_EQ(run_of(plan_rig_run(7, 3)), run_of(plan_rig_run(7, 3)));
  EXPECT_NE(run_of(plan_rig_run(7, 3)), run_of(plan_rig_run(8, 3)));
  EXPECT_NE(run_of(plan_rig_run(7, 3)), run_of(plan_rig_run(7, 3 + rig_fault_kinds)));
}

TEST(pump_rig, each_run_is_calm_until_row_520_and_its_fault_ends_with_it_at_the_latest) {
  for (std::size_t index = 0; index < 300; ++index) {
    const auto plan = plan_rig_run(11, index);
    EXPECT_GE(plan.fault.begin_row, 520U);
    EXPECT_LE(plan.fault.begin_row + 200, plan.fault.end_row);
    EXPECT_LE(plan.fault.end_row, plan.rows);
    for (const auto& row : run_of(plan))
      for (const double value : row) ASSERT_TRUE(std::isfinite(value)) << index;
  }
}

TEST(pump_rig, a_closing_valve_takes_flow_and_an_imbalance_shakes_the_pump) {
  auto plan = plan_rig_run(5, static_cast<std::size_t>(rig_fault_kind::outlet_valve));
  plan.fault.size = 0.6;
  const auto closed = run_of(plan);
  EXPECT_LT(mean_of(closed, 7, plan.fault.begin_row + 60, plan.fault.end_row), 0.9 * mean_of(closed, 7, 0, 500));
  plan.fault.kind = rig_fault_kind::imbalance;
  const auto shaken = run_of(plan);
  EXPECT_GT(mean_of(shaken, 0, plan.fault.begin_row + 60, plan.fault.end_row), 1.4 * mean_of(shaken, 0, 0, 500));
}

}  // namespace
}  // namespace factory
