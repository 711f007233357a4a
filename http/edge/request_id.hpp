#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string_view>

#include "http/edge/message.hpp"

namespace factory {

/// The id of the request that this thread answers now; "" outside of one. Problems and the log carry it.
std::string_view current_request_id();

/// One answered request, for the access log.
struct access_record {
  std::string_view request_id;
  http_method method;
  std::string_view path;    ///< decoded: may hold any byte
  std::string_view client;  ///< its address
  unsigned status;
  std::size_t body_bytes;  ///< of the answer
  std::chrono::nanoseconds took;
  bool whole = true;  ///< false: cut off by an error, or the client left
};
/// Called on the thread that answers, while current_request_id() still stands.
using access_log = std::function<void(const access_record&)>;

/// Gives each request an id and its answer the header X-Request-Id. The id is the request's own X-Request-Id if it has 1 to
/// limits::request_id_bytes letters, digits and -_.:+/=@, otherwise a new one. `log` may be empty; it is called when the whole answer was
/// made. Answers under way must end before the handler is destroyed.
http_handler with_request_id(http_handler inner, access_log log);

}  // namespace factory
