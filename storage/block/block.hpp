#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/model/reading.hpp"
#include "pipelines/model/result.hpp"
#include "pipelines/stats/statistics.hpp"
#include "storage/block/plane.hpp"

namespace factory {

/// A compressed run of one sensor as it lies on disk. Layout: docs/reference/storage-format.md.
struct block {
  sensor_id sensor = 0;
  std::uint32_t number = 0;  ///< per sensor, rising from 1; for the same time the block with the higher number wins
  summary values;            ///< from the header, of all rows: answers aggregates without decoding unless has_left_out()
  std::string bytes;         ///< header and columns, checksummed
};

/// Compresses rows (REQUIRES 1 to 2^20, in time order, times unique) and proves the result by decoding it.
block seal(sensor_id sensor, std::uint32_t number, const reading_run& rows, effort how = effort::quick);
/// Header only; corrupt when version or header checksum is wrong.
expected<summary> read_header(std::string_view bytes);
/// Whether some rows are left out of what is computed (left_out_flags). REQUIRES: read_header() succeeded on these bytes.
bool has_left_out(std::string_view bytes);
/// The columns' summary from the header. REQUIRES: read_header() succeeded on these bytes.
std::uint64_t columns_checksum(std::string_view bytes);
/// All rows, bit for bit; corrupt when any checksum is wrong.
expected<reading_run> open_block(std::string_view bytes);

}  // namespace factory
