#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "storage/block/plane.hpp"

/// A run of doubles, bit for bit (-0.0, subnormals and NaN payloads too), as columns of integers by one of three mappings:
///   bits        the IEEE 754 bits as they are
///   decimal     round(value * 10^digits), and the distance in bits of each value from that decimal (all zero, and then
///               nothing, when the values came from decimal texts)
///   dictionary  the distinct values in order, and for each value its place among them
namespace factory {

void put_values(std::string& out, std::span<const double> values, effort how);
/// Fills `values`; false when the bytes are no such column.
bool get_values(std::string_view& in, std::span<double> values);

}  // namespace factory
