#pragma once

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Milliseconds from posting a reading beyond a rule's limit until a receiver has read the whole webhook of its alert, 100 times a
/// second beside bodies at half the rate that was reached before. Throws when a webhook does not come.
figures run_told(server& target, const workload_options& options);

}  // namespace factory::bench
