#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "actors/jobs/jobs.hpp"

namespace factory {

inline constexpr std::int64_t day_us = 86'400'000'000;

/// Stores a report of the last whole day (UTC) for every factory; says how many.
expected<std::string> report_yesterday(const job_parts& parts, const std::atomic<bool>& stopping);

}  // namespace factory
