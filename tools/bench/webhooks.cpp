#include "bench/webhooks.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto give_up = std::chrono::seconds(10);

/// The first number of an answer behind `"id":`.
std::uint32_t made_id(const owned_answer& got) {
  const std::size_t at = got.body.find("\"id\":");
  std::uint32_t id = 0;
  if (got.status == 201 && at != std::string::npos)
    std::from_chars(got.body.data() + at + 5, got.body.data() + got.body.size(), id);
  if (id == 0) throw std::runtime_error(fmt::format("{} {}", got.status, got.body));
  return id;
}

}  // namespace

webhook_receiver::webhook_receiver() {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listening_, 16) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("no socket for the receiver");
  port_ = ntohs(at.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

webhook_receiver::~webhook_receiver() {
  thread_ = {};
  for (const auto& [fd, held] : open_) ::close(fd);
  ::close(listening_);
}

std::optional<clock::time_point> webhook_receiver::seen(const std::string& id) const {
  const std::lock_guard lock(guard_);
  const auto found = seen_.find(id);
  return found == seen_.end() ? std::nullopt : std::optional(found->second);
}

void webhook_receiver::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> sockets{{listening_, POLLIN, 0}};
    for (const auto& [fd, held] : open_) sockets.push_back({fd, POLLIN, 0});
    if (::poll(sockets.data(), sockets.size(), 50) <= 0) continue;
    for (std::size_t i = 1; i < sockets.size(); ++i)
      if (sockets[i].revents != 0 && !take(sockets[i].fd)) {
        ::close(sockets[i].fd);
        open_.erase(sockets[i].fd);
      }
    if (sockets[0].revents != 0)
      if (const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0) open_[fd];
  }
}

bool webhook_receiver::take(int fd) {
  char bytes[16'384];
  const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  std::string& held = open_[fd];
  held.append(bytes, static_cast<std::size_t>(got));
  for (;;) {
    const std::size_t head = held.find("\r\n\r\n"), length_at = held.find("Content-Length: ");
    if (head == std::string::npos || length_at > head) return true;
    const std::size_t whole = head + 4 + std::stoul(held.substr(length_at + 16, 20));
    if (held.size() < whole) return true;
    const std::size_t id = held.find("webhook-id: ") + 12;
    {
      const std::lock_guard lock(guard_);
      seen_.try_emplace(held.substr(id, held.find('\r', id) - id), clock::now());
    }
    held.erase(0, whole);
    constexpr std::string_view taken = "HTTP/1.1 204 No Content\r\n\r\n";
    if (::send(fd, taken.data(), taken.size(), MSG_NOSIGNAL) < 0) return false;
  }
}

std::uint32_t post_json(const server& to, std::string_view target, std::string_view body) {
  return made_id(ask_once(to.port(), request_text("POST", target, "application/json", body)));
}

std::uint32_t add_webhook(const server& to, const webhook_receiver& receiver, std::string_view flood_control) {
  return post_json(to, "/api/channels",
                   fmt::format(R"({{"name":"bench {}","type":"webhook","url":"http://127.0.0.1:{}/","allow_private":true,{}}})",
                               receiver.port(), receiver.port(), flood_control));
}

std::vector<std::uint32_t> told_after_us(const webhook_times& posted, const webhook_receiver& receiver) {
  const auto until = clock::now() + give_up;
  std::vector<std::uint32_t> out;
  for (const auto& [id, posted_at] : posted) {
    auto told = receiver.seen(id);
    for (; !told; told = receiver.seen(id)) {
      if (clock::now() > until) throw std::runtime_error("no webhook came for " + id);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    out.push_back(static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(*told - posted_at).count()));
  }
  return out;
}

}  // namespace factory::bench
