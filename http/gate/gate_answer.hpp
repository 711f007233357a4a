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

/// Appends the answer as HTTP/1.1. For an answer with a source, appends the head only: chunked, or for HTTP/1.0 until the connection ends.
/// When a field would break the framing (a control character in name or value), appends a 500 without a source and returns false.
bool append_answer(std::string& out, const http_response& answer, const answer_framing& framing);

/// Length of a chunk's head: the size in eight digits and a line end.
inline constexpr std::size_t chunk_head_bytes = 10;
/// Turns the bytes that follow `begin` + chunk_head_bytes into a chunk; does nothing when there are none.
void close_chunk(std::string& out, std::size_t begin);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace factory
