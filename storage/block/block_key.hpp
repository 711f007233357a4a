#pragma once

#include "storage/block/block.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// For this room only: where a block lies in the column family `blocks`.
///
///   sensor:u32 | lane:u8 | first event time:time | number:u32
///
/// The lane is the number of bits of the time that a block spans. So in lane L every block ends less than 2^L us after its first
/// time, and a seek to 2^L before a range finds all blocks that reach into it. An overlap block of any length costs one more
/// lane, not a search through the history.
namespace factory {

struct block_key {
  sensor_id sensor = 0;
  std::uint8_t lane = 0;
  std::int64_t first_us = 0;
  std::uint32_t number = 0;
};
inline constexpr unsigned last_lane = 64;

std::string encode(const block_key& key);
bool decode(std::string_view in, block_key& key);
block_key key_of(const block& b);
/// The earliest first time that a block of the lane can have and still hold rows at `time_us` or later.
std::int64_t earliest_start(std::uint8_t lane, std::int64_t time_us);

}  // namespace factory
