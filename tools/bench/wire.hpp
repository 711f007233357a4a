#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace factory::bench {

struct answer {
  unsigned status = 0;
  std::string_view body;
  bool retry_after = false;  ///< the head has Retry-After
};

/// An HTTP/1.1 request on a keep-alive connection, as sent. No content type: no body.
std::string request_text(std::string_view method, std::string_view target, std::string_view content_type = {},
                         std::string_view body = {});

/// Cuts answers out of one connection's bytes with minimal work: it reads status, Content-Length or chunks, nothing else.
/// One answer at a time: the load generator never pipelines.
class answer_reader {
 public:
  /// Room for at least 64 KiB; call filled() with the number of bytes written there.
  char* room();
  static constexpr std::size_t room_bytes = 64UL << 10;
  void filled(std::size_t bytes) { used_ += bytes; }
  /// The whole answer, or nullopt when bytes are missing. Valid until clear(). Throws std::runtime_error on bytes that are no HTTP.
  std::optional<answer> whole();
  void clear();

 private:
  void read_head(std::size_t end);
  std::optional<std::string_view> joined_chunks();

  std::string buffer_;
  std::string joined_;
  std::size_t used_ = 0;
  std::size_t head_bytes_ = 0;  // 0 = head not complete
  std::size_t body_bytes_ = 0;
  unsigned status_ = 0;
  bool chunked_ = false, retry_after_ = false;
};

std::uint64_t occurrences(std::string_view text, std::string_view part);

/// One blocking exchange on a connection of its own, for set-up and checks. `body` is owned.
struct owned_answer {
  unsigned status = 0;
  std::string body;
};
owned_answer ask_once(std::uint16_t port, std::string_view request);
/// A connected TCP socket to 127.0.0.1 without Nagle's delay.
int connect_to(std::uint16_t port);

}  // namespace factory::bench
