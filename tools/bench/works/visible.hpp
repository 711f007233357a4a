#pragma once

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Milliseconds from posting a reading beyond its sensor's limit until GET /api/events shows the alert, 100 times a second beside
/// bodies at half the rate that was reached before. A client asks again as soon as it has an answer.
/// Throws when an event does not come, or when readings are not stored exactly as acknowledged.
figures run_visible(server& target, const workload_options& options);

}  // namespace factory::bench
