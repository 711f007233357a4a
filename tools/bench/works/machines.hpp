#pragma once

#include <cstddef>
#include <cstdint>

namespace factory::bench {

struct machine_options {
  std::uint64_t seed = 1'001;  ///< of the runs; the constants were looked at with seeds 1 to 3
  std::size_t runs = 120;
};

/// The machine detector on runs of a simulated pump with eight sensors and one fault each (tools/simulate/pump_rig.hpp), learned from the first
/// 400 rows of each run. Counted row by row over the rows behind these: F1, rows without a fault that were called faulty, faulty rows that were
/// missed, for each kind of fault and for all runs together. Prints a table.
void run_machines(const machine_options& how);

}  // namespace factory::bench
