#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/decode/decode.hpp"

/// Decodes bodies as collectors write them: every row spelled like the first one, integers and decimals without exponents, nothing to
/// refuse. It needs no JSON parser and is several times faster; every other body is left to the parser.
///
/// Each function returns the number of rows that it appended to an empty `out`, or nullopt with `out` empty when the body is of another
/// kind or wrong; then the parser decides. The parser would take every body that these functions take, with the same rows: each byte
/// is part of a number or time that was read, or equals the first row's punctuation and keys, which were read.
namespace factory::json_plain {

/// `[{"sensor_id":1,"value":2.5,"timestamp":1},…]`; members in any order, but the same in all rows; `timestamp` in all rows or none,
/// `quality` likewise.
std::optional<std::uint64_t> read_rows(std::string_view body, const decode_options& options, std::size_t most,
                                       batch_builder& out);
/// The same rows, one a line.
std::optional<std::uint64_t> read_lines(std::string_view body, const decode_options& options, std::size_t most,
                                        batch_builder& out);
/// `{"sensor_id":[…],"timestamp":[…],"value":[…]}` in any order; `timestamp` and `quality` are optional.
std::optional<std::uint64_t> read_columns(std::string_view body, const decode_options& options, std::size_t most,
                                          batch_builder& out);

}  // namespace factory::json_plain
