#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of pipelines and of what one instance keeps, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t pipeline_text_bytes = 64UL << 10;       ///< a spec: 413
inline constexpr std::size_t pipeline_sources = 16;                  ///< 400
inline constexpr std::size_t pipeline_steps = 16;                    ///< 400
inline constexpr std::size_t pipeline_sinks = 8;                     ///< 400
inline constexpr std::size_t expression_bytes = 1'000;               ///< 400
inline constexpr std::int64_t pipeline_span_ms = 31LL * 86'400'000;  ///< a window, a tolerance: 400
inline constexpr std::int64_t windows_open = 256;                    ///< hopping windows that hold a row: 400
inline constexpr std::uint64_t window_rows = 1'000'000'000;          ///< of a count window: 400
inline constexpr std::size_t sliding_rows = 4'096;                   ///< of a sliding window; with more it has no value
inline constexpr std::size_t stream_rows_revisable =
    1'024;  ///< newest rows of an instance; older ones are late, however short the time
inline constexpr std::size_t stream_rows_kept = 4'096;  ///< of an instance, between two marks; more only for moments
inline constexpr std::uint64_t stream_rows_again =
    10'000'000;  ///< of an instance, to compute a part of the past again; with more it is left as it was told
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
