#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipelines/correct/correction.hpp"
#include "pipelines/model/reading.hpp"

namespace factory {

using annotation_id = std::uint32_t;

/// On disk by its number.
enum class annotation_kind : std::uint8_t { planned_stop = 1, tool_change = 2, maintenance = 3, note = 4 };
std::string_view to_text(annotation_kind kind);
std::optional<annotation_kind> parse_annotation_kind(std::string_view text);
bool is_annotation_kind(std::uint8_t stored);

/// What a person has to say of a span of time of a machine or a sensor. Charts show it.
struct annotation {
  annotation_id id = 0;
  machine_id machine = 0;  ///< of all sensors of this machine; 0: of `sensor` alone
  sensor_id sensor = 0;
  annotation_kind kind = annotation_kind::note;
  std::int64_t begin_us = 0;
  std::int64_t end_us = 0;  ///< exclusive
  std::string text, by;
  bool exclude_from_baseline = false;  ///< detectors neither judge nor learn the readings of the span
  correction_id correction = 0;        ///< that brings it about; 0: none does, or there is no sensor
  std::int64_t created_at_us = 0, changed_at_us = 0;
  bool operator==(const annotation&) const = default;
};

}  // namespace factory
