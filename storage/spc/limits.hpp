#pragma once

#include <cstddef>

/// Bounds of control charts; what is beyond is refused with the status.
namespace factory::limits {

inline constexpr std::size_t spc_versions = 1'000;    ///< frozen limits of a sensor: 413
inline constexpr std::size_t spc_readings = 100'000;  ///< of one chart: 400
inline constexpr std::size_t spc_points = 10'000;     ///< of one chart: 400
inline constexpr std::size_t spc_fewest_points = 20;  ///< that limits are frozen from: 400

}  // namespace factory::limits
