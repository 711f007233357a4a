#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/edge/rate_limit.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

struct access_token;
struct http_response;

enum class http_method : std::uint8_t { get, head, post, patch, put, delete_, options, other };

/// The result of the checks between a request's head and its body.
struct admittance {
  bool checked = false;                       ///< the caller may do this; false: the handler must check
  std::shared_ptr<const access_token> token;  ///< the caller's token, when `checked`; null: no token was needed
  std::optional<rate_quota> quota;            ///< the client's remaining quota, if a limit applies
  std::function<http_response()> refusal;     ///< the answer to a refused request; its body is not used
};

/// One request as the gate hands it on: framing checked, path and query percent-decoded once. Views live until the handler returns.
struct http_request {
  http_method method = http_method::get;
  std::string path;                                        ///< decoded, without query
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
  std::string_view content_type;                           ///< as sent, "" when absent
  std::string accept;                                      ///< all lines of it as one list
  std::string_view body;
  std::string client;  ///< the client's address
  admittance entry;
  std::uint32_t factory = 0;  ///< the only one whose entities the caller may see and change; 0 = all
  std::function<std::string_view(std::string_view name)> header;  ///< first of that name (any case), "" when absent
  std::function<std::string(std::string_view name)> header_list;  ///< all of that name, with commas between
  /// Call it, from any thread, when an answer under way may have become ready: the connection's thread then checks.
  std::shared_ptr<const std::function<void()>> wake;
};

/// A body that is produced while it is sent. The connection's thread asks for a piece when the socket has taken the one before, so a slow
/// reader costs one piece of memory. Destroyed when the answer has ended or its client has left.
class body_source {
 public:
  virtual ~body_source() = default;
  /// Appends about limits::piece_bytes bytes to `out`; false: these were the last. After an error the connection is reset, so that the
  /// client notices.
  virtual expected<bool> next(std::string& out) = 0;
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Set while the answer is under way: waits for the result and fills in the response. See when_complete().
  std::function<void(http_response&)> finish = {};
  /// With `finish`: true when it would return at once. Empty: it never waits.
  std::function<bool()> ready = {};
  /// Set: the body comes from here, in pieces, and `body` is empty.
  std::shared_ptr<body_source> source = {};
};

/// Runs `then` on the whole answer: now, or once it is complete.
inline http_response when_complete(http_response answer, std::function<void(http_response&)> then) {
  if (!answer.finish) {
    then(answer);
  } else {
    answer.finish = [first = std::move(answer.finish), then = std::move(then)](http_response& whole) {
      first(whole);
      then(whole);
    };
  }
  return answer;
}

/// Waits for an answer under way.
inline http_response complete(http_response answer) {
  answer.ready = {};
  if (const auto finish = std::exchange(answer.finish, {})) finish(answer);
  return answer;
}

/// Answers a request. Called on the Pistache thread that read it, from many threads at once. It may block until a query is done. A handler
/// that must wait for the disk sets `finish` instead, and the thread serves its other connections until the answer is ready.
using http_handler = std::function<http_response(const http_request&)>;
/// Fills in `entry` once the head has come, before the body is received.
using admission = std::function<void(http_request&)>;
/// Largest body of a route, asked before the body is read: 413 above it. 0 = the route takes none.
using body_limit = std::function<std::size_t(http_method, std::string_view path)>;

}  // namespace factory
