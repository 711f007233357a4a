#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "actors/jobs/jobs.hpp"

namespace factory {

inline constexpr std::int64_t day_us = 86'400'000'000;

/// Stores a report of the last whole day (UTC) for every factory; says how many. By schedule a day is reported once; by hand what is
/// there is replaced.
expected<std::string> report_yesterday(const job_parts& parts, const report_writer& write, const std::atomic<bool>& stopping,
                                       asked_by who);

}  // namespace factory
