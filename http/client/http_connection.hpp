#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pipelines/model/result.hpp"

namespace factory {

/// Where a server is.
struct http_place {
  std::string host, port = "80";
  std::string prefix = {};   ///< of every target; does not end with '/'
  std::string text() const;  ///< "host:port"; an IPv6 address stands in brackets
};
/// Of http://host[:port][/prefix]; otherwise invalid, with a sentence that says what is wrong.
expected<http_place> parse_http_url(std::string_view url);

struct http_question {
  std::string_view method, target;
  std::string_view content_type = {};  ///< empty: there is no body
  std::string_view body = {};
  std::string_view token = {};  ///< bearer token, if any
};

struct http_answer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
  std::string retry_after = {};  ///< as sent

  bool ok() const { return status >= 200 && status < 300; }
};

/// A blocking HTTP/1.1 connection to one server, on Boost.Beast. It is opened by a question when it is not open, and kept alive where the
/// server agrees. Not thread-safe.
class http_connection {
 public:
  explicit http_connection(http_place server);
  ~http_connection();
  http_connection(http_connection&&) noexcept;
  http_connection& operator=(http_connection&&) noexcept;

  struct failure {
    enum class step : std::uint8_t {
      find,     ///< the host has no address
      connect,  ///< nobody listens there
      talk,     ///< the connection ended before the answer did; whether the question was carried out is not known
      wait,     ///< likewise: no whole answer within the deadline
      read,     ///< the answer is no HTTP, or longer than `most_bytes`
    } at;
    std::string reason;
  };
  /// One question and its answer, the look-up of the name included, within `deadline`. After a failure the connection is closed.
  tl::expected<http_answer, failure> ask(const http_question& question, std::chrono::milliseconds deadline,
                                         std::uint64_t most_bytes);

  bool is_open() const;
  const http_place& server() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
