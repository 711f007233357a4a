#pragma once

#include <functional>

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Times five aggregates over options.range readings of one sensor, one query at a time, while the history grows to each of `sizes`
/// (readings of all sensors, rising): "history-N" for ranges anywhere, "newest-N" for the newest readings.
/// Throws when an answer is wrong or a reading is missing at the end.
void run_history(server& target, const workload_options& options, const std::vector<std::size_t>& sizes,
                 const std::function<void(figures)>& ended);

}  // namespace factory::bench
