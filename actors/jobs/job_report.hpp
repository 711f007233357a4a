#pragma once

#include <atomic>
#include <string>

#include "actors/jobs/jobs.hpp"

namespace factory {

/// Stores a report of the last whole day (UTC) for every factory; says how many.
expected<std::string> report_yesterday(const job_parts& parts, const std::atomic<bool>& stopping);

}  // namespace factory
