#pragma once

#include <memory>
#include <set>
#include <vector>

#include "actors/backtest/backtest_plan.hpp"

namespace factory {

/// For backtest_plan.cpp: drafts of pipelines as they would be live, with sensors that only the backtest has.
struct drafted_pipelines {
  std::vector<backtest_stream> streams;
  std::vector<drafted_sensor> sensors;
  std::set<sensor_id> concerned;  ///< sensors that are there: from which drafts compute, or that belong to what they replace
  std::set<sensor_id> replaced;   ///< likewise, filled by what they replace
  std::unique_ptr<catalog> with_drafts;
};

expected<drafted_pipelines> draft_pipelines(const backtest_request& asked, const backtest_sources& in_force);

}  // namespace factory
