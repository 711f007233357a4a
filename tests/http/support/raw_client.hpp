#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace factory::test {

/// A TCP connection to 127.0.0.1 that sends and reads bytes as they are. Every wait ends after 20 s: a test that hangs fails.
class raw_client {
 public:
  /// `from` is an address of the loopback network to connect from.
  explicit raw_client(std::uint16_t port, int receive_buffer_bytes = 0, const char* from = nullptr);
  ~raw_client();
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;

  bool connected() const { return fd_ >= 0; }
  bool send(std::string_view bytes);    ///< false when the other side has reset
  void finish_sending();                ///< FIN
  std::string read(std::size_t count);  ///< exactly that many, fewer at the end of the stream
  std::string read_until(std::string_view ending);
  std::string read_to_end();                     ///< until the other side closes
  bool was_reset() const { return was_reset_; }  ///< the end of what was read was a reset, not a FIN
  /// One answer with its body (of Content-Length).
  std::string read_answer();

 private:
  std::size_t receive();
  int fd_ = -1;
  bool was_reset_ = false;
  std::string held_;
};

}  // namespace factory::test
