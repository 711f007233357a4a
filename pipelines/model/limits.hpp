#pragma once

#include <cstddef>
#include <cstdint>

/// Bounds of decoders, windows, labels and selectors, each with its answer at the limit.
namespace factory::limits {

inline constexpr std::size_t readings_per_body = 1'000'000;  ///< 413
inline constexpr unsigned json_depth = 64;                   ///< nested deeper: 400
inline constexpr std::size_t row_errors_per_answer = 100;    ///< further ones are counted only
inline constexpr std::size_t text_row_bytes = 1UL << 20;     ///< a CSV row or line of a file: refused with its line number
inline constexpr std::size_t labels_per_entity = 32;         ///< 400
inline constexpr std::size_t label_key_bytes = 64;           ///< 400
inline constexpr std::size_t label_value_bytes = 128;        ///< 400
inline constexpr std::size_t selector_text_bytes = 256;      ///< machine_type, name, unit of a selector: 400
inline constexpr std::size_t selector_sensors = 1'000;       ///< 400
inline constexpr std::int64_t stream_time_ms = 86'400'000;   ///< lateness, skew and time window of a sensor: 400
inline constexpr double sensitivity_min = 0.1, sensitivity_max = 10;  ///< of a detector: 400
inline constexpr double sensitivity_by_feedback = 0.9;                ///< times, for a false alarm ...
inline constexpr double sensitivity_least_by_feedback = 0.5;          ///< ... until it is this
inline constexpr double z_threshold_most_by_feedback = 8;             ///< likewise of the z-score
inline constexpr std::size_t window_readings = 100;                   ///< the count window
inline constexpr std::size_t time_window_readings = 1'024;            ///< the time window; older ones leave early

}  // namespace factory::limits
