#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of what one instance of a pipeline keeps, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t sliding_rows = 4'096;  ///< of a sliding window; with more it has no value
inline constexpr std::size_t stream_rows_revisable =
    1'024;  ///< newest rows of an instance; older ones are late, however short the time
inline constexpr std::size_t stream_rows_kept = 4'096;  ///< of an instance, between two marks; more only for moments
inline constexpr std::uint64_t stream_rows_again =
    10'000'000;  ///< of an instance, to compute a part of the past again; with more it is left as it was told

}  // namespace factory::limits
