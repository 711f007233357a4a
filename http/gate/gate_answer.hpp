#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "http/edge/message.hpp"

namespace factory {

struct answer_framing {
  bool head_only = false;  ///< HEAD: everything but the body
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// Appends the answer as bytes of HTTP/1.1; of one with a source the head: in chunks, in HTTP/1.0 until the connection ends. A field that
/// would break the framing (a control in name or value) makes it a 500 without a source: false.
bool append_answer(std::string& out, const http_response& answer, const answer_framing& framing);

/// What stands before the data of a chunk: its size in eight digits and a line end.
inline constexpr std::size_t chunk_head_bytes = 10;
/// Makes what was appended behind `begin` and chunk_head_bytes a chunk; nothing when there is nothing.
void close_chunk(std::string& out, std::size_t begin);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace factory
