#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// A plane is a run of bytes that belong together: one byte of each number of a column, or the flags. Planes are
/// compressed one by one, because each has statistics of its own and zstd keeps one Huffman table for a run as short as ours.
/// Stored as a kind (constant, raw, zstd) and its data. The reader knows the number of bytes.
namespace factory {

/// How hard to try: `quick` for heads sealed while readings arrive; `thorough` tries every codec and keeps the
/// smallest, for the background; `plain` only copies.
enum class effort : std::uint8_t { plain, quick, thorough };

void put_plane(std::string& out, std::span<const std::uint8_t> plane, effort how);
/// Fills `plane`; false when the bytes are no plane of that size.
bool get_plane(std::string_view& in, std::span<std::uint8_t> plane);

}  // namespace factory
