#include "bench/wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace factory::bench {

namespace {

/// The value of header `name` (as a lower-case text) in a head, "" when absent.
std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
    at += 2;
    if (head.size() <= at + name.size() || head[at + name.size()] != ':') continue;
    if (::strncasecmp(head.data() + at, name.data(), name.size()) != 0) continue;
    std::string_view value = head.substr(at + name.size() + 1);
    value = value.substr(0, value.find("\r\n"));
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return {};
}

template <class Number>
Number number(std::string_view text, int base = 10) {
  Number out{};
  if (std::from_chars(text.data(), text.data() + text.size(), out, base).ec != std::errc{})
    throw std::runtime_error(fmt::format("an answer has \"{}\" where a number belongs", text));
  return out;
}

struct socket_closer {
  int fd;
  ~socket_closer() { ::close(fd); }
};

}  // namespace

std::string request_text(std::string_view method, std::string_view target, std::string_view content_type, std::string_view body) {
  std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n", method, target);
  if (const char* token = std::getenv("FACTORY_TOKEN"); token != nullptr)
    out += fmt::format("Authorization: Bearer {}\r\n", token);
  if (!content_type.empty()) out += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", content_type, body.size());
  out += "\r\n";
  out += body;
  return out;
}

std::uint64_t occurrences(std::string_view text, std::string_view part) {
  std::uint64_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

char* answer_reader::room() {
  if (buffer_.size() - used_ < room_bytes) buffer_.resize(used_ + 2 * room_bytes);
  return buffer_.data() + used_;
}

void answer_reader::read_head(std::size_t end) {
  const std::string_view head(buffer_.data(), end);
  if (!head.starts_with("HTTP/1.1 ")) throw std::runtime_error("an answer is no HTTP/1.1: " + std::string(head.substr(0, 100)));
  status_ = number<unsigned>(head.substr(9, 3));
  head_bytes_ = end + 4;
  const std::string_view length = header(head, "content-length");
  chunked_ = length.empty() && header(head, "transfer-encoding") == "chunked";
  retry_after_ = !header(head, "retry-after").empty();
  body_bytes_ = length.empty() ? 0 : number<std::size_t>(length);
}

std::optional<std::string_view> answer_reader::joined_chunks() {
  joined_.clear();
  std::string_view rest(buffer_.data() + head_bytes_, used_ - head_bytes_);
  for (;;) {
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos) return std::nullopt;
    const auto bytes = number<std::size_t>(rest.substr(0, line), 16);
    if (rest.size() < line + 2 + bytes + 2) return std::nullopt;
    if (bytes == 0) return joined_;
    joined_ += rest.substr(line + 2, bytes);
    rest.remove_prefix(line + 2 + bytes + 2);
  }
}

std::optional<answer> answer_reader::whole() {
  if (head_bytes_ == 0) {
    const std::size_t end = std::string_view(buffer_.data(), used_).find("\r\n\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    read_head(end);
  }
  if (chunked_) {
    const auto body = joined_chunks();
    if (!body) return std::nullopt;
    return answer{status_, *body, retry_after_};
  }
  if (used_ < head_bytes_ + body_bytes_) return std::nullopt;
  return answer{status_, {buffer_.data() + head_bytes_, body_bytes_}, retry_after_};
}

void answer_reader::clear() { used_ = head_bytes_ = body_bytes_ = 0; }

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    const std::string reason = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    throw std::runtime_error(fmt::format("cannot connect to 127.0.0.1:{}: {}", port, reason));
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

owned_answer ask_once(std::uint16_t port, std::string_view request) {
  const socket_closer connection{connect_to(port)};
  while (!request.empty()) {
    const ssize_t sent = ::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::runtime_error(fmt::format("cannot send to port {}: {}", port, std::strerror(errno)));
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
  answer_reader reader;
  for (;;) {
    char* room = reader.room();
    const ssize_t got = ::recv(connection.fd, room, answer_reader::room_bytes, 0);
    if (got <= 0) throw std::runtime_error(fmt::format("the server at port {} ended the connection without an answer", port));
    reader.filled(static_cast<std::size_t>(got));
    if (const auto whole = reader.whole()) return {whole->status, std::string(whole->body)};
  }
}

}  // namespace factory::bench
