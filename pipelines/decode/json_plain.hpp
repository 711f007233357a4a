#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "pipelines/decode/batch_builder.hpp"
#include "pipelines/decode/decode.hpp"

/// Bodies as collectors write them: every row spelled like the first one, integers and decimals without exponents, nothing to
/// refuse. They are read without a JSON parser, several times faster; what is not of this kind is left to it.
///
/// Each function gives the number of rows that it appended to an empty `out`, or nullopt with `out` empty: then the body says something
/// else, or something wrong, and the parser decides. What is taken here the parser would have taken as well, with the same rows:
/// every byte is either part of a number or a time that was read, or equal to the first row's punctuation and keys, which were.
namespace factory::json_plain {

/// `[{"sensor_id":1,"value":2.5,"timestamp":1},…]`, members in any order that stays, `timestamp` in all rows or in none.
std::optional<std::uint64_t> read_rows(std::string_view body, const decode_options& options, std::size_t most,
                                       batch_builder& out);
/// The same rows, one a line.
std::optional<std::uint64_t> read_lines(std::string_view body, const decode_options& options, std::size_t most,
                                        batch_builder& out);
/// `{"sensor_id":[…],"timestamp":[…],"value":[…]}` in any order, `timestamp` maybe not at all.
std::optional<std::uint64_t> read_columns(std::string_view body, const decode_options& options, std::size_t most,
                                          batch_builder& out);

}  // namespace factory::json_plain
