#pragma once

#include <cstddef>
#include <cstdint>

namespace factory::bench {

struct machine_options {
  std::uint64_t seed = 1'001;  ///< of the runs; the constants were looked at with seeds 1 to 3
  std::size_t runs = 120;
  int plant_days = 0;  ///< more than 0: the machines of a simulated plant instead
};

/// The machine detector on runs of a simulated pump with eight sensors and one fault each (tools/simulate/pump_rig.hpp), learned from the first
/// 400 rows of each run. Counted row by row over the rows behind these: F1, rows without a fault that were called faulty, faulty rows that were
/// missed, for each kind of fault and for all runs together. Or, as the daemon watches them, 24 machines of a simulated plant, once without faults and
/// once with those of single sensors: states that were found, and those that open neither within a fault nor within an hour after one. Prints tables.
void run_machines(const machine_options& how);

}  // namespace factory::bench
