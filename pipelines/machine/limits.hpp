#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of the watch over one machine, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::int64_t machine_lateness_us =
    120'000'000;  ///< of a machine's rows at most, however long its sensors' lateness; what comes later is late for the machine
inline constexpr std::size_t watch_settings_kept =
    64;  ///< changes of a machine's sensitivity; the past before them is judged with the oldest
inline constexpr std::int64_t watch_mark_us =
    4 * 3'600'000'000LL;                        ///< of event time between two states that a watch stores to judge the past from
inline constexpr std::size_t watch_marks = 32;  ///< of them; with more, those far back become fewer
inline constexpr std::uint64_t watch_rows_again =
    100'000'000;  ///< readings of a machine, to judge its past again; with more it is left as it was told
inline constexpr std::uint64_t watch_rows_previewed = 10'000'000;  ///< of all machines of a preview, likewise
inline constexpr std::size_t watch_events_again = 100'000;         ///< that come of it, likewise

}  // namespace factory::limits
