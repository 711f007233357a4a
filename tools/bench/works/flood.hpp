#pragma once

#include "bench/works/workloads.hpp"

namespace factory::bench {

/// 10,000 sensors under one rule with a selector, of which all breach again and again. First as fast as the server takes it, told in
/// digests: alarms a second, memory. Then all at once, each alarm told by itself: webhooks a second. Then at half of that rate:
/// milliseconds from posting a reading to its webhook, which is the result. Throws when a webhook does not come.
figures run_flood(server& target, const workload_options& options);

}  // namespace factory::bench
