#pragma once

#include "storage/state/store_writer.hpp"

#include <string>
#include <string_view>

/// For this room only: a sensor's state in the column family `state`, under 's' and its number.
namespace factory {

inline constexpr char sensor_state_prefix = 's';

std::string state_key(sensor_id sensor);
bool read_state_key(std::string_view key, sensor_id& sensor);
std::string encode_state(std::uint64_t applied_sequence, std::string_view state);
expected<state_store::stored> decode_state(sensor_id sensor, std::string_view record);

}  // namespace factory
