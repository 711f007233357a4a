#pragma once

#include <cstddef>

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Bodies as of bulk-rows while so many instances of pipelines compute from the sensors: a window of a second over one sensor each.
figures run_pipelines(server& target, std::size_t instances, const workload_options& options);

/// What each kind of step costs a reading, without a daemon. Prints a table.
void run_step_costs();

}  // namespace factory::bench
