#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace factory {

enum class http_method : std::uint8_t { get, head, post, patch, put, delete_, options, other };

/// One request as the gate hands it on: framing checked, path and query percent-decoded once. Views live until the handler returns.
struct http_request {
  http_method method = http_method::get;
  std::string path;                                        ///< decoded, without query
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
  std::string_view content_type;                           ///< as sent, "" when absent
  std::string_view accept;
  std::string_view body;
  std::function<std::string_view(std::string_view name)> header;  ///< first of that name (any case), "" when absent
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Answers a request; called on the Pistache thread that read it, from many threads at once. May block until a commit or query is done.
using http_handler = std::function<http_response(const http_request&)>;
/// Largest body of a route, asked before the body is read: 413 above it. 0 = the route takes none.
using body_limit = std::function<std::size_t(http_method, std::string_view path)>;

}  // namespace factory
