#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/model/coding.hpp"

namespace factory {

/// Event times of the first and the last late reading that was not judged yet; first > last: there are none.
struct late_span {
  std::int64_t first_us = INT64_MAX, last_us = INT64_MIN;
  bool empty() const { return first_us > last_us; }
};
/// Behind the sensor's state, where there is something: so it is in what was stored before there was a backlog.
inline void put_late_span(std::string& out, const late_span& span) {
  constexpr std::uint8_t version = 1;
  if (span.empty()) return;
  put_byte(out, version);
  put_zigzag(out, span.first_us);
  put_zigzag(out, span.last_us);
}
/// Reads it from what is left of `in`; false, and anything in it, when damaged.
inline bool get_late_span(std::string_view& in, late_span& span) {
  std::uint8_t version = 0;
  span = {};
  if (in.empty()) return true;
  return get_byte(in, version) && version == 1 && get_zigzag(in, span.first_us) && get_zigzag(in, span.last_us) &&
         !span.empty() && in.empty();
}

/// A stored sensor state: the sensor actor's part, then one of each stage of the analysis chain that keeps state, in the order of the chain. A
/// stage may have seen later entries than the sensor; each part records its own last entry. What was stored before a stage was there
/// has no part of it.
struct saved_state {
  struct part {
    std::uint64_t applied_sequence = 0;
    std::string_view bytes;
  };
  std::string_view sensor;  ///< one byte, 1 when the sensor has limits or rules; then sensor_state::encode;
                            ///< then late_span, where there is one
  std::vector<part> parts;

  /// The part of the threshold stage.
  part board() const { return parts.empty() ? part() : parts.front(); }
};

inline void put_sensor_part(std::string& out, std::string_view sensor) { put_text(out, sensor); }
inline void put_stage_part(std::string& out, std::uint64_t applied_sequence, std::string_view bytes) {
  put_varint(out, applied_sequence);
  put_text(out, bytes);
}

/// Views into `bytes`; throws when they are no saved state.
inline saved_state split_saved(std::string_view bytes) {
  saved_state state;
  bool whole = get_text(bytes, state.sensor);
  while (whole && !bytes.empty()) {
    auto& part = state.parts.emplace_back();
    whole = get_varint(bytes, part.applied_sequence) && get_text(bytes, part.bytes);
  }
  if (!whole || state.parts.empty()) throw std::runtime_error("a stored sensor state is damaged");
  return state;
}

}  // namespace factory
