#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of judging the past again, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t learned_readings =
    100'000;  ///< judged before a changed range, so that the detectors know the sensor
inline constexpr std::size_t following_readings =
    20'000;  ///< judged behind it, until both histories are judged alike; then it ends so
inline constexpr std::size_t sensors_a_preview = 64;         ///< 413
inline constexpr std::int64_t consequences_wait_ms = 3'000;  ///< an answer waits so long for what follows; then it says `pending`
inline constexpr std::int64_t judge_again_retry_ms = 1'000;  ///< after a failure of the disk

inline constexpr std::size_t revised_readings =
    2'000'000;  ///< derived readings that count otherwise than they are stored; with more, a pipeline is not followed

inline constexpr std::int64_t backlog_quiet_ms = 500;       ///< late readings of a sensor are judged when none came for so long,
inline constexpr std::int64_t backlog_longest_ms = 30'000;  ///< or when the first has waited so long
inline constexpr int turns_until_none_came_late =
    4;  ///< a sensor is judged again when late readings of it came meanwhile; those that come in the last turn are judged by themselves

}  // namespace factory::limits
