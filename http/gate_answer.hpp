#pragma once

#include <string>

#include "http/message.hpp"

namespace factory {

struct answer_framing {
  bool head_only = false;  ///< HEAD: everything but the body
  bool keep_alive = true;
  bool http_1_0 = false;
};

/// Appends the answer as bytes of HTTP/1.1. A field that would break the framing (a control in name or value) becomes a 500.
void append_answer(std::string& out, const http_response& answer, const answer_framing& framing);

}  // namespace factory
