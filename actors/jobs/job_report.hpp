#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "actors/jobs/jobs.hpp"

namespace factory {

inline constexpr std::int64_t day_us = 86'400'000'000;

/// Stores a report of the last whole day (UTC) for every factory; says how many. By schedule a day is reported once; by hand what is
/// there is replaced.
expected<std::string> report_yesterday(const job_parts& parts, const report_writer& write, const std::atomic<bool>& stopping,
                                       asked_by who);

/// Makes those reports of the factories anew whose day has a part in the range; returns the begin of each such day, ascending.
expected<std::vector<std::int64_t>> report_again(const job_parts& parts, const report_writer& write,
                                                 const std::set<factory_id>& factories, const time_range& range,
                                                 const std::atomic<bool>& stopping);

}  // namespace factory
