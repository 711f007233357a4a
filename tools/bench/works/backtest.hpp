#pragma once

#include <cstddef>

namespace factory::bench {

struct backtest_options {
  std::size_t sensors = 1'000, readings = 10'000'000;
};

/// Readings a second of a backtest from stored blocks, default detectors, one rule a sensor, in this process; no server. Prints a line for each of
/// three runs.
void run_backtests(const backtest_options& how);

}  // namespace factory::bench
