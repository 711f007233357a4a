#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of what a pipeline may say, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t pipeline_text_bytes = 64UL << 10;       ///< a spec: 413
inline constexpr std::size_t pipeline_sources = 16;                  ///< 400
inline constexpr std::size_t pipeline_steps = 16;                    ///< 400
inline constexpr std::size_t pipeline_sinks = 8;                     ///< 400
inline constexpr std::size_t expression_bytes = 1'000;               ///< 400
inline constexpr std::int64_t pipeline_span_ms = 31LL * 86'400'000;  ///< a window, a tolerance: 400
inline constexpr std::int64_t windows_open = 256;                    ///< hopping windows that hold a row: 400
inline constexpr std::uint64_t window_rows = 1'000'000'000;          ///< of a count window: 400

}  // namespace factory::limits
