#pragma once

#include <cstdint>

namespace factory {

/// Spans in microseconds, as readings count time.
constexpr std::int64_t second_us = 1'000'000, minute_us = 60 * second_us, hour_us = 60 * minute_us, day_us = 24 * hour_us;

/// 2026-01-19T10:00:00Z, where most tests begin.
constexpr std::int64_t ten_us = 1'768'816'800 * second_us;

}  // namespace factory
