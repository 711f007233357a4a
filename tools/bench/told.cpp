#include "told.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "load.hpp"
#include "works.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr double probes_per_second = 100;
constexpr std::size_t watched_sensors = 4;
constexpr auto give_up = std::chrono::seconds(10);
constexpr int beyond_hundredths = 9'500, within_hundredths = 5'000;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// The first number of an answer behind `"id":`.
std::uint32_t made_id(const owned_answer& got) {
  const std::size_t at = got.body.find("\"id\":");
  std::uint32_t id = 0;
  if (got.status == 201 && at != std::string::npos)
    std::from_chars(got.body.data() + at + 5, got.body.data() + got.body.size(), id);
  if (id == 0) throw std::runtime_error(fmt::format("{} {}", got.status, got.body));
  return id;
}

std::uint32_t post_json(const server& to, std::string_view target, std::string_view body) {
  return made_id(ask_once(to.port(), request_text("POST", target, "application/json", body)));
}

/// Takes webhooks and notes when each was there: one thread, a few keep-alive connections.
class webhook_receiver {
 public:
  webhook_receiver() {
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
  ~webhook_receiver() {
    thread_ = {};
    for (const auto& [fd, held] : open_) ::close(fd);
    ::close(listening_);
  }
  webhook_receiver(const webhook_receiver&) = delete;
  webhook_receiver& operator=(const webhook_receiver&) = delete;

  std::uint16_t port() const { return port_; }
  /// By webhook-id: when it was there first.
  std::map<std::string, clock::time_point> seen() const {
    const std::lock_guard lock(guard_);
    return seen_;
  }

 private:
  void serve(const std::stop_token& stop) {
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
  bool take(int fd) {
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

  int listening_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex guard_;
  std::map<std::string, clock::time_point> seen_;
  std::map<int, std::string> open_;
  std::jthread thread_;
};

/// Readings beyond and within the limit, one after the other, of the sensors in turn; keeps when each breach was posted.
class probes : public work {
 public:
  probes(const server& target, std::vector<std::uint32_t> sensors, std::vector<std::uint32_t> rules)
      : target_(target), sensors_(std::move(sensors)), rules_(std::move(rules)) {}

  std::optional<std::string_view> next(std::size_t) override {
    const std::size_t probe = count_ / 2, which = probe % sensors_.size();
    const bool breach = count_++ % 2 == 0;
    target_.single(request_, sensors_[which], breach ? beyond_hundredths : within_hundredths, ++time_ms_);
    if (breach)
      posted[fmt::format("{}-{}000-alert_rule-{}:alert_raised:0", sensors_[which], time_ms_, rules_[which])] = clock::now();
    return request_;
  }
  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, 1); }

  std::map<std::string, clock::time_point> posted;  ///< by webhook-id

 private:
  const server& target_;
  std::vector<std::uint32_t> sensors_, rules_;
  std::string request_;
  std::size_t count_ = 0;
  std::int64_t time_ms_ = now_ms() - 600'000;
};

/// How long each webhook took; waits for those that are still on their way.
std::vector<std::uint32_t> told_after_us(const probes& asked, const webhook_receiver& shift) {
  const auto until = clock::now() + give_up;
  std::vector<std::uint32_t> out;
  auto seen = shift.seen();
  for (const auto& [id, posted] : asked.posted) {
    auto told = seen.find(id);
    while (told == seen.end()) {
      if (clock::now() > until) throw std::runtime_error("no webhook came for " + id);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      seen = shift.seen();
      told = seen.find(id);
    }
    out.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(told->second - posted).count()));
  }
  return out;
}

}  // namespace

figures run_told(server& target, const workload_options& options) {
  const auto full_sensors = target.add_sensors(options.sensors);
  bulk_work full(target, body_shape::rows, full_sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const load_result reached = run_load(target.port(), options.bulk_connections, full, options.seconds);
  target.settle();

  webhook_receiver shift;
  const auto channel = post_json(
      target, "/api/channels",
      fmt::format(R"({{"name":"bench {}","type":"webhook","url":"http://127.0.0.1:{}/","allow_private":true,"digest_above":0,)"
                  R"("damp_chatter":false}})",
                  shift.port(), shift.port()));
  const auto sensors = target.add_sensors(options.sensors);
  const auto watched = target.add_sensors(watched_sensors);
  std::vector<std::uint32_t> rules;
  for (const auto sensor : watched)
    rules.push_back(post_json(
        target, "/api/rules",
        fmt::format(R"({{"sensor_id":{},"name":"hot","condition":"GREATER_THAN","high":90,"channels":[{}]}})", sensor, channel)));
  bulk_work half(target, body_shape::rows, sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const double bodies_per_second = static_cast<double>(reached.requests) / reached.seconds / 2;
  probes asked(target, watched, rules);
  std::vector<std::uint32_t> after_us;
  figures out = measured(target, "ms p99", [&] {
    auto load = std::async(std::launch::async, [&] {
      return run_load(target.port(), options.bulk_connections, half, options.seconds, bodies_per_second);
    });
    run_load(target.port(), 1, asked, options.seconds, 2 * probes_per_second);
    after_us = told_after_us(asked, shift);
    return load.get();
  });
  out.note =
      fmt::format("{} alerts, beside {:.0f} readings/s after {:.0f} at full load", after_us.size(),
                  static_cast<double>(out.readings) / out.seconds, static_cast<double>(reached.readings) / reached.seconds);
  out.requests = after_us.size();
  const auto told = summed_up(std::move(after_us));
  out.p50_us = told.p50_us;
  out.p99_us = told.p99_us;
  out.max_us = told.max_us;
  out.result = told.p99_us / 1e3;
  out.less_is_better = true;
  return out;
}

}  // namespace factory::bench
