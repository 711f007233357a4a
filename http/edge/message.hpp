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

/// What was found out about a request between its head and its body.
struct admittance {
  bool checked = false;                       ///< who asks may do this; else whoever answers has to look
  std::shared_ptr<const access_token> token;  ///< whose, when `checked`; null: no token was needed
  std::optional<rate_quota> quota;            ///< what the client has left, where there is a limit
  std::function<http_response()> refusal;     ///< the answer, when the request is not let in; its body is not looked at
};

/// One request as the gate hands it on: framing checked, path and query percent-decoded once. Views live until the handler returns.
struct http_request {
  http_method method = http_method::get;
  std::string path;                                        ///< decoded, without query
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
  std::string_view content_type;                           ///< as sent, "" when absent
  std::string_view accept;
  std::string_view body;
  std::string client;  ///< address of who asks
  admittance entry;
  std::uint32_t factory = 0;  ///< the only one whose entities the caller may see and change; 0 = all
  std::function<std::string_view(std::string_view name)> header;  ///< first of that name (any case), "" when absent
  std::function<std::string(std::string_view name)> header_list;  ///< all of that name, with commas between
  /// To be called, from any thread, when an answer that is under way may have become ready: its thread looks then.
  std::shared_ptr<const std::function<void()>> wake;
};

/// A body that is made while it is sent: a piece is asked for when the socket has taken the one before, on the connection's thread, so a
/// slow reader costs one piece. Destroyed when the answer has ended or its client has gone.
class body_source {
 public:
  virtual ~body_source() = default;
  /// Appends some bytes, about limits::piece_bytes of them, to `out`; false: these were the last. After an error the connection is cut,
  /// so that the client can tell.
  virtual expected<bool> next(std::string& out) = 0;
};

struct http_response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Set while the answer is under way: waits for it, and makes the response what it says. See when_complete().
  std::function<void(http_response&)> finish = {};
  /// With `finish`: whether it would return at once. Empty: it need not be waited for.
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

/// Waits for an answer that is under way.
inline http_response complete(http_response answer) {
  answer.ready = {};
  if (const auto finish = std::exchange(answer.finish, {})) finish(answer);
  return answer;
}

/// Answers a request; called on the Pistache thread that read it, from many threads at once. May block until a query is done. A wait for
/// the disk is left to `finish`: the thread goes on with its other connections until the answer is ready.
using http_handler = std::function<http_response(const http_request&)>;
/// Fills in `entry` once the head has come, before the body is received.
using admission = std::function<void(http_request&)>;
/// Largest body of a route, asked before the body is read: 413 above it. 0 = the route takes none.
using body_limit = std::function<std::size_t(http_method, std::string_view path)>;

}  // namespace factory
