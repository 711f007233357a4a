#pragma once

#include <functional>

#include "workloads.hpp"

namespace factory::bench {

/// What five aggregates over options.range readings of one sensor take, one question at a time, while the history grows to each of
/// `sizes` (readings of all sensors, rising): "history-N" of ranges anywhere in it, "newest-N" of the newest readings.
/// Throws when an answer is wrong or a reading is missing at the end.
void run_history(server& target, const workload_options& options, const std::vector<std::size_t>& sizes,
                 const std::function<void(figures)>& ended);

}  // namespace factory::bench
