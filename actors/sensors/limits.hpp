#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of what a sensor keeps to judge again.
namespace factory::limits {

inline constexpr std::size_t revisable_readings = 448;  ///< newest ones of a sensor; an older one is late, however short the time
inline constexpr std::size_t kept_readings = 1'024;  ///< of a sensor, for its windows and to judge again; more only for moments
inline constexpr std::size_t held_readings =
    200'000;  ///< kept while the past is judged again; with more, what it finds is not taken over by the live side
inline constexpr std::size_t contradicting_readings = 10;  ///< late ones in a row set a watermark anew ...
inline constexpr std::int64_t contradicting_span_us =
    60'000'000;  ///< ... if they came over so long, as fast as their times go by

}  // namespace factory::limits
