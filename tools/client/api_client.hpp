#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/client/http_connection.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

struct client_config {
  std::string url = "http://127.0.0.1:8080";  ///< http://host[:port][/prefix]
  std::string token = {};                     ///< sent as bearer token; empty: the variable FACTORY_TOKEN, if it is set
  std::int64_t timeout_ms = 30'000;           ///< of one attempt, connecting included
  std::int64_t patience_ms = 60'000;          ///< total time for retrying 503 answers; 0 = no retry
};

/// A blocking HTTP/1.1 client of factoryd on one keep-alive connection. Not thread-safe: one client a thread.
///
///   * A 503 is asked again after its Retry-After (or a pause that doubles from 50 ms) until `patience_ms` is used up; then
///     the 503 is the answer.
///   * A request that is lost with a kept-alive connection is sent again once, on a new one. That is safe: repeated readings are stored
///     once, and creating the same entity again is refused.
///   * errors: unavailable (no server at that address, or no such host), timed_out (outcome unknown), malformed (no HTTP).
class api_client {
 public:
  /// invalid when the URL is not one that the client speaks. Connects with the first request.
  static expected<api_client> open(client_config config);
  ~api_client();
  api_client(api_client&&) noexcept;
  api_client& operator=(api_client&&) noexcept;

  expected<http_answer> get(std::string_view target);
  expected<http_answer> post(std::string_view target, std::string_view body, std::string_view content_type = "application/json");
  expected<http_answer> patch(std::string_view target, std::string_view body, std::string_view content_type = "application/json");

  std::uint64_t retry_count() const;  ///< 503 answers that were retried

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  explicit api_client(std::unique_ptr<impl> opened);
};

/// An answer that is not 2xx as an error: its `error` text, its `errors` rows, and a code that fits the status.
error refusal(const http_answer& answer);

}  // namespace factory
