#pragma once

#include <atomic>
#include <string>

#include "pipelines/backtest/backtest_result.hpp"
#include "pipelines/model/result.hpp"
#include "replay/options.hpp"

namespace factory::replay {

/// What the rules and detectors of a data directory, as they are in it now, say of its readings of [from, to). Nothing is written there.
struct stored_backtest {
  backtest_result result;
  std::string json, html;
};
expected<stored_backtest> run_stored_backtest(const options& how, const std::atomic<bool>& stop);
/// A table for a terminal.
std::string to_text(const backtest_result& result);

}  // namespace factory::replay
