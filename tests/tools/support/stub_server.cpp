#include "tools/support/stub_server.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace factory {

stub_server::stub_server(script answer) : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof place;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 ||
      ::listen(listener_, 16) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&place), &length) != 0) {
    throw std::runtime_error("no socket to listen on");
  }
  port_ = ntohs(place.sin_port);
  thread_ = std::thread([this] { serve(); });
}

stub_server::~stub_server() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  if (const int socket = current_; socket >= 0) ::shutdown(socket, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::vector<stub_server::request> stub_server::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void stub_server::serve() {
  for (int connection = 1; !stopping_; ++connection) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) return;
    current_ = socket;
    if (!stopping_) converse(socket, connection);
    current_ = -1;
    ::close(socket);
  }
}

void stub_server::converse(int socket, int connection) {
  std::string bytes;
  char chunk[65536];
  for (;;) {
    std::size_t head_end, body_size = 0;
    while ((head_end = bytes.find("\r\n\r\n")) == std::string::npos ||
           bytes.size() < head_end + 4 + (body_size = [&] {
                            const std::size_t at = bytes.find("Content-Length: ");
                            return at < head_end ? std::stoul(bytes.substr(at + 16)) : 0UL;
                          }())) {
      const ssize_t got = ::recv(socket, chunk, sizeof chunk, 0);
      if (got <= 0) return;
      bytes.append(chunk, static_cast<std::size_t>(got));
    }
    request r;
    r.head = bytes.substr(0, head_end);
    r.line = r.head.substr(0, r.head.find(" HTTP/"));
    r.body = bytes.substr(head_end + 4, body_size);
    r.connection = connection;
    bytes.erase(0, head_end + 4 + body_size);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(r);
    }
    const std::string answer = answer_(r);
    if (answer.empty() || ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    if (answer.find("Connection: close") != std::string::npos) return;
  }
}

std::string http_text(int status, std::string_view body, std::string_view headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " x\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

}  // namespace factory
