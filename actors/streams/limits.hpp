#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of the pipelines' instances at work.
namespace factory::limits {

inline constexpr std::uint64_t stream_queued_readings = 65'536;  ///< of one instance; then it catches up from the journal instead
inline constexpr std::uint64_t stream_queued_readings_of_all = 4'000'000;  ///< of all instances; likewise, for any that gets more
inline constexpr std::uint64_t stream_line_readings =
    1'000'000;  ///< committed and not yet given to instances; then they get them from the journal
inline constexpr std::uint64_t stream_catch_up_entries = 256;       ///< read from the journal at once, at most
inline constexpr std::uint64_t stream_catch_up_readings = 500'000;  ///< given to instances of them, about
inline constexpr std::size_t derived_readings_per_entry = 65'536;   ///< of all instances, in one entry of the journal
inline constexpr std::uint64_t derived_readings_waiting =
    1'000'000;  ///< of all instances, not yet committed; then no instance gets anything until there is room
inline constexpr std::size_t stream_results_waiting =
    65'536;  ///< while it is restored; then they are written before the end of that
inline constexpr std::size_t stream_restarts_in_a_row = 3;  ///< without a new entry applied; then the instance stays down
inline constexpr std::size_t stream_instances = 100'000;    ///< of all pipelines: 409
inline constexpr std::size_t watched_sensors_least = 2;     ///< of a machine; one with fewer is not watched
inline constexpr std::int64_t stream_pause_wait_ms =
    2'000;  ///< for one that catches up, before its past is computed again; then a preview is 503, and what follows from a correction is tried again
/// What comes for a watch waits until it is worth a message: a cell is complete ten seconds after it began at the earliest, so nobody sees it.
inline constexpr std::size_t watch_parts_held = 512;  ///< of one watch; then they are sent
inline constexpr std::int64_t watch_held_ms = 200;    ///< at most

}  // namespace factory::limits
