#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// An answer without an expected member fails its test, not the whole program.
#define RAPIDJSON_ASSERT(condition) \
  ((condition) ? void() : throw std::runtime_error("the answer is not as expected: " #condition))
#include <rapidjson/document.h>

namespace factory::test {

struct answer {
  unsigned status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  /// The body as JSON; throws when it is none.
  rapidjson::Document json() const;
};

/// The connection was refused, or ended before the whole answer had come: the request may or may not have been executed.
struct connection_lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One blocking keep-alive connection. Connects when first used, and again after connection_lost.
class http_client {
 public:
  explicit http_client(std::uint16_t port);
  ~http_client();
  http_client(http_client&&) noexcept;
  http_client& operator=(http_client&&) noexcept;

  using header_map = std::map<std::string, std::string>;
  answer send(std::string_view method, std::string_view target, std::string_view body = {}, const header_map& headers = {});

  answer get(std::string_view target) { return send("GET", target); }
  answer del(std::string_view target) { return send("DELETE", target); }
  answer post(std::string_view target, std::string_view body) {
    return send("POST", target, body, {{"Content-Type", "application/json"}});
  }
  answer patch(std::string_view target, std::string_view body) {
    return send("PATCH", target, body, {{"Content-Type", "application/json"}});
  }

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory::test
