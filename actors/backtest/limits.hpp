#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of backtests: memory, what is kept, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t backtest_rows = 4'000'000;       ///< read ahead of all sensors together
inline constexpr std::size_t backtest_rows_least = 64;        ///< of one sensor: more sensors than this allows are refused
inline constexpr std::size_t backtest_rows_most = 16'384;     ///< of one sensor: two blocks
inline constexpr std::size_t backtest_in_flight = 1'000'000;  ///< readings with the actors; reading goes on when there are fewer
inline constexpr std::size_t backtest_findings = 300'000;     ///< events that it may bring: it ends, narrow the range
inline constexpr std::size_t backtests_in_line = 8;           ///< that wait for one another: 503
inline constexpr std::size_t backtests_kept = 50;             ///< that are over; the oldest go
inline constexpr std::size_t backtest_result_bytes = 16UL << 20;  ///< of one on disk; a longer one is gone after a restart
inline constexpr std::size_t backtest_drafts = 200;               ///< rules of one: 400
inline constexpr std::size_t backtest_pipelines = 50;             ///< drafts of one: 400
inline constexpr std::size_t backtest_rows_merged =
    1'000'000;  ///< waiting for a draft from which another computes; then the oldest go without it
inline constexpr std::size_t backtest_drafted_shown = 1'000;  ///< sensors that drafts fill, with their figures
inline constexpr std::size_t backtest_faults = 5'000;         ///< known faults of one: 400; a quarter of a plant of 60 sensors has 1,700
inline constexpr std::size_t preview_rows = 3'000'000;  ///< readings that a preview of a rule looks at: 400, narrow the range

static_assert(backtest_rows_most <= backtest_rows);

}  // namespace factory::limits
