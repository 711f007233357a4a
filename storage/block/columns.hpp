#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipelines/model/reading.hpp"
#include "storage/block/plane.hpp"

/// The three columns of a run of readings: times, values, flags. No checksum: the caller that stores them adds one.
namespace factory {

inline constexpr std::size_t most_rows = std::size_t{1} << 20U;

/// Appends rows (REQUIRES 1 to most_rows) so that get_columns returns them bit for bit. Proves this by decoding before it
/// returns, and stores plain copies if the proof fails.
void put_columns(std::string& out, const reading_run& rows, effort how);
/// Replaces `rows` by `count` rows; false when the bytes are no such columns.
bool get_columns(std::string_view& in, std::size_t count, reading_run& rows);

}  // namespace factory
