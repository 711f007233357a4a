#pragma once

#include "storage/rollups/rollups.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

/// For this room only: how roll-ups lie on disk (docs/reference/storage-format.md). Key spaces of the column family, by first byte:
///   b  sensor, level, start  -> the bucket's summary
///   d  sensor                -> retention has dropped everything before this midnight
///   n  sensor, block number  -> the time that a block covers, not yet rolled up
///   h  sensor                -> how far the roll-ups are
namespace factory {

std::string bucket_key(sensor_id sensor, rollup_level level, std::int64_t start_us);
/// False when the key does not belong to this sensor and level.
bool read_bucket_key(std::string_view key, sensor_id sensor, rollup_level level, std::int64_t& start_us);
std::string encode_bucket(const bucket& b);
/// The sum of a bucket of an older version is NaN where that version could not hold it, and so is what such a bucket is merged into.
/// Its readings answer instead.
inline bool has_sums(const bucket& b) { return !std::isnan(b.values.sum); }
bool decode_bucket(std::string_view in, std::int64_t start_us, bucket& b);

/// First and last event time of a block.
struct covered_time {
  std::int64_t first_us = 0, last_us = 0;
};
std::string note_key(sensor_id sensor, std::uint32_t block_number);
bool read_note_key(std::string_view key, sensor_id sensor, std::uint32_t& block_number);
std::string encode_note(const covered_time& time);
bool decode_note(std::string_view in, covered_time& time);

/// Head rows up to `head_us` are in the roll-ups, and no note exists for a block with number < first_note, so that a search skips deleted
/// notes.
struct rolled_up_to {
  std::int64_t head_us = INT64_MIN;
  std::uint32_t first_note = 0;
};
std::string head_key(sensor_id sensor);
std::string encode_rolled_up(const rolled_up_to& state);
bool decode_rolled_up(std::string_view in, rolled_up_to& state);

std::string kept_key(sensor_id sensor);
std::string encode_kept(std::int64_t from_us);
bool decode_kept(std::string_view in, std::int64_t& from_us);

/// The error for a record that cannot be decoded.
tl::unexpected<error> damaged_rollup();

inline constexpr rollup_level rollup_levels[] = {rollup_level::minute, rollup_level::hour, rollup_level::day};

}  // namespace factory
