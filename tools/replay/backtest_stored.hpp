#pragma once

#include <atomic>
#include <map>
#include <string>

#include "actors/backtest/backtest.hpp"
#include "pipelines/backtest/backtest_result.hpp"
#include "pipelines/model/result.hpp"
#include "replay/options.hpp"

namespace factory::replay {

/// A result and the ways to show it.
struct told_backtest {
  backtest_result result;
  std::string json, html;
};
/// What the rules and detectors of a data directory, as they are in it now, say of its readings of [from, to). Nothing is written there.
expected<told_backtest> run_stored_backtest(const options& how, const std::atomic<bool>& stop);
/// What the detectors, as they are for a new sensor, say of series that are in memory: 1, 2 ... by number; `names` of them.
expected<told_backtest> run_backtest_of(const std::vector<reading_run>& series, const std::vector<std::string>& names,
                                        const time_range& range, const std::atomic<bool>& stop);
/// A table for a terminal.
std::string to_text(const backtest_result& result);

}  // namespace factory::replay
