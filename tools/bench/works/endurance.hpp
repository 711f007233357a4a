#pragma once

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Offers at any instant ten times as many readings as the engine may hold (--in-flight-readings). Many connections ask again 10 ms
/// after a 503, while others query. Throws when a reading that was acknowledged is not stored, a refusal has no Retry-After,
/// a query is answered wrongly, or memory grows.
figures run_overload(server& target, const workload_options& options);
/// The in-flight readings that a server for run_overload is started with.
std::size_t overload_in_flight(const workload_options& options);

/// A long load at about half of what the engine can do: bodies, single readings, queries and catalog changes at steady rates, with new
/// connections for each stretch. Throws like run_overload, and when descriptors grow.
figures run_soak(server& target, const workload_options& options);

/// What grew between the second and the last quarter of the stretches, in words; empty when nothing did or there are too few to tell.
std::string grown(const std::vector<stretch>& stretches);

/// A stretch as a line.
std::string stretch_line(const stretch& of);

}  // namespace factory::bench
