#include "http/support/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace factory::test {

raw_client::raw_client(std::uint16_t port, int receive_buffer_bytes, const char* from)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{20, 0};
  const int one = 1;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (receive_buffer_bytes > 0) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  if (from != nullptr) {
    sockaddr_in mine{};
    mine.sin_family = AF_INET;
    inet_pton(AF_INET, from, &mine.sin_addr);
    ::bind(fd_, reinterpret_cast<const sockaddr*>(&mine), sizeof mine);
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return;
  ::close(fd_);
  fd_ = -1;
}

raw_client::~raw_client() {
  if (fd_ >= 0) ::close(fd_);
}

bool raw_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void raw_client::finish_sending() { ::shutdown(fd_, SHUT_WR); }

std::size_t raw_client::receive() {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  was_reset_ = got < 0 && errno == ECONNRESET;
  if (got <= 0) return 0;
  held_.append(buffer.data(), static_cast<std::size_t>(got));
  return static_cast<std::size_t>(got);
}

std::string raw_client::read(std::size_t count) {
  while (held_.size() < count && receive() > 0) {
  }
  std::string taken = held_.substr(0, count);
  held_.erase(0, taken.size());
  return taken;
}

std::string raw_client::read_until(std::string_view ending) {
  std::size_t at = 0;
  while ((at = held_.find(ending)) == std::string::npos) {
    if (receive() == 0) return read(held_.size());
  }
  return read(at + ending.size());
}

std::string raw_client::read_to_end() {
  while (receive() > 0) {
  }
  return read(held_.size());
}

std::string raw_client::read_answer() {
  std::string answer = read_until("\r\n\r\n");
  const std::size_t at = answer.find("\r\nContent-Length: ");
  if (at == std::string::npos) return answer;
  return answer + read(std::strtoul(answer.c_str() + at + 18, nullptr, 10));
}

}  // namespace factory::test
