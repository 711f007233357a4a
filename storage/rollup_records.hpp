#pragma once

#include "storage/rollups.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// For this room only: how roll-ups lie on disk (storage/README.md). Key spaces of the column family, by first byte:
///   b  sensor, level, start  -> the bucket's summary
///   n  sensor, block number  -> the time that a block covers, not yet rolled up
///   h  sensor                -> head rows up to this time are in the roll-ups
namespace factory {

std::string bucket_key(sensor_id sensor, rollup_level level, std::int64_t start_us);
/// False when the key is none of this sensor and level.
bool read_bucket_key(std::string_view key, sensor_id sensor, rollup_level level, std::int64_t& start_us);
std::string encode_bucket(const bucket& b);
bool decode_bucket(std::string_view in, std::int64_t start_us, bucket& b);

/// First and last event time of a block.
struct covered_time {
  std::int64_t first_us = 0, last_us = 0;
};
std::string note_key(sensor_id sensor, std::uint32_t block_number);
bool read_note_key(std::string_view key, sensor_id sensor, std::uint32_t& block_number);
std::string encode_note(const covered_time& time);
bool decode_note(std::string_view in, covered_time& time);

std::string head_key(sensor_id sensor);

inline constexpr rollup_level rollup_levels[] = {rollup_level::minute, rollup_level::hour, rollup_level::day};

}  // namespace factory
