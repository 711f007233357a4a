#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pipelines/model/coding.hpp"

namespace factory {

/// The two halves of a stored sensor state: the sensor actor's part and the alarm board that the threshold actor added.
/// The board may have seen later entries than the sensor; each half records its own last entry.
struct saved_halves {
  std::string_view sensor;  ///< one byte, 1 when the sensor has limits or rules; then sensor_state::encode
  std::uint64_t board_applied_sequence = 0;
  std::string_view board;
};

inline std::string join_saved(const saved_halves& halves) {
  std::string out;
  put_text(out, halves.sensor);
  put_varint(out, halves.board_applied_sequence);
  put_text(out, halves.board);
  return out;
}

/// Views into `bytes`; throws when they are no saved state.
inline saved_halves split_saved(std::string_view bytes) {
  saved_halves halves;
  if (!get_text(bytes, halves.sensor) || !get_varint(bytes, halves.board_applied_sequence) || !get_text(bytes, halves.board))
    throw std::runtime_error("a stored sensor state is damaged");
  return halves;
}

}  // namespace factory
