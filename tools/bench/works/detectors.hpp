#pragma once

#include <cstdint>

namespace factory::bench {

struct detector_options {
  std::uint64_t seed = 1'001;  ///< of the simulated plant; the constants were looked at with seeds below 1,000
  std::size_t factories = 2, machines = 6;
  int days = 7;
};

/// The detectors on a simulated plant with faults, without a daemon: for each kind of fault how many were found and how soon, false
/// episodes, and what a reading costs. A fault is found when an episode is open within it (a spike or a silence: one reading later at the latest). An
/// episode is false when it opens neither within a fault nor within an hour after one. Prints tables.
void run_detectors(const detector_options& how);

}  // namespace factory::bench
