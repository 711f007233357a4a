#pragma once

#include <cstddef>

namespace factory::bench {

struct backtest_options {
  std::size_t sensors = 1'000, readings = 10'000'000;
  double live_seconds = 0;  ///< of ingest at half load, alone and beside a backtest, each; 0: none
};

/// Readings a second of a backtest from stored blocks, default detectors, one rule a sensor, in this process; no server. Prints a line for each of
/// three runs. With `live_seconds` then: how long a body of ten readings of each sensor waits for its answer while ingest runs at half of what it can,
/// alone, and beside backtests one after the other.
void run_backtests(const backtest_options& how);

}  // namespace factory::bench
