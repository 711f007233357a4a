#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/block/plane.hpp"

/// Encodes any run of 64-bit integers exactly, and a regular one in few bytes: divides by the common divisor of its steps, subtracts a
/// simple prediction (a line, the previous number, the previous step), and splits the differences into byte
/// planes. An arithmetic progression (a regular cadence, a constant) takes a few bytes at any length.
/// All arithmetic wraps, so that every run of integers has an encoding.
namespace factory {

void put_integers(std::string& out, std::span<const std::int64_t> values, effort how);
/// Fills `values`; false when the bytes are no such column.
bool get_integers(std::string_view& in, std::span<std::int64_t> values);

}  // namespace factory
