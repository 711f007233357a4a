#pragma once

#include <functional>

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Seconds from starting factoryd until it prints `ready`, with `readings` readings in a data directory of its own: "killed-N" after kill -9,
/// all of them in the journal and in no checkpoint, then "stopped-N" after a stop in order.
/// Throws when a start does not find exactly the acknowledged readings, or the journal does not contain what it should.
void run_startup(const factory_options& daemon, const workload_options& options, std::size_t readings,
                 const std::function<void(figures)>& ended);

}  // namespace factory::bench
