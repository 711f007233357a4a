#include "http/support/receiver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace factory::test {

namespace {

/// Reads on until `held` has `length` bytes; false when the other side left.
bool read_to(int fd, std::string& held, std::size_t length) {
  char bytes[16'384];
  while (held.size() < length) {
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    held.append(bytes, static_cast<std::size_t>(got));
  }
  return true;
}

bool read_head(int fd, std::string& held) {
  while (held.find("\r\n\r\n") == std::string::npos)
    if (!read_to(fd, held, held.size() + 1)) return false;
  return true;
}

receiver::request parse_head(const std::string& head) {
  receiver::request out;
  const auto first = head.find(' '), second = head.find(' ', first + 1);
  out.target = head.substr(first + 1, second - first - 1);
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const auto end = std::min(head.find("\r\n", at), head.size()), colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto value = head.find_first_not_of(' ', colon + 1);
    out.headers[name] = value < end ? head.substr(value, end - value) : "";
    at = end + 2;
  }
  return out;
}

}  // namespace

receiver::receiver() {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listening_, 256) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("the receiver cannot listen");
  port_ = ntohs(at.sin_port);
  accepting_ = std::thread([this] { serve(); });
}

receiver::~receiver() {
  ends_ = true;
  ::shutdown(listening_, SHUT_RDWR);
  accepting_.join();
  {
    const std::lock_guard lock(guard_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& talk : talks_) talk.join();
  ::close(listening_);
}

void receiver::serve() {
  while (!ends_) {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(guard_);
    open_.insert(fd);
    talks_.emplace_back([this, fd] { talk(fd); });
  }
}

void receiver::talk(int fd) {
  std::string held;
  while (read_head(fd, held)) {
    const auto body_at = held.find("\r\n\r\n") + 4;
    request got = parse_head(held.substr(0, body_at - 4));
    const std::size_t length = got.headers.contains("content-length") ? std::stoul(got.headers["content-length"]) : 0;
    if (!read_to(fd, held, body_at + length)) break;
    got.body = held.substr(body_at, length);
    held.erase(0, body_at + length);
    const unsigned status = status_;
    const bool silent = silent_;
    {
      const std::lock_guard lock(guard_);
      if (!silent && status < 300) accepted_.push_back(got.headers["webhook-id"]);
      requests_.push_back(std::move(got));
    }
    more_.notify_all();
    if (silent) continue;
    const std::string text = "HTTP/1.1 " + std::to_string(status) + " Told\r\nContent-Length: 0\r\n\r\n";
    if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) break;
  }
  const std::lock_guard lock(guard_);
  open_.erase(fd);
  ::close(fd);
}

std::vector<receiver::request> receiver::requests() const {
  const std::lock_guard lock(guard_);
  return requests_;
}
bool receiver::wait_beyond(std::size_t seen) const {
  std::unique_lock lock(guard_);
  return more_.wait_for(lock, std::chrono::minutes(2), [&] { return requests_.size() > seen; });
}
std::size_t receiver::count() const {
  const std::lock_guard lock(guard_);
  return requests_.size();
}
std::vector<std::string> receiver::accepted() const {
  const std::lock_guard lock(guard_);
  return accepted_;
}

}  // namespace factory::test
