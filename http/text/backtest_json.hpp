#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "actors/backtest/backtest_plan.hpp"

namespace factory {

/// What a body may name.
struct backtest_scope {
  const catalog& entities;
  const std::vector<pipeline_entry>& pipelines;
  std::function<bool(const alert_rule&)> is_within = [](const alert_rule&) { return true; };  ///< what the token is limited to
};

/// The body of POST /api/backtests. `invalid`, naming the member, for what cannot be.
expected<backtest_request> read_backtest(std::string_view json, const backtest_scope& scope);

struct preview_request {
  draft_rule draft;
  sensor_id sensor = 0;
  time_range range;
};
/// The body of POST /api/rules/preview. A rule without a sensor is of the one beside it.
expected<preview_request> read_preview(std::string_view json, const backtest_scope& scope);

}  // namespace factory
