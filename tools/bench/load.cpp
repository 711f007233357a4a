#include "bench/load.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr int retry_ms = 10;
constexpr int silence_ms = 60'000;

double seconds_between(clock::time_point from, clock::time_point to) { return std::chrono::duration<double>(to - from).count(); }

double cpu_seconds_of_this_thread() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct connection {
  int fd = -1;
  std::string_view request, unsent;
  clock::time_point started;
  std::optional<clock::time_point> begin_at;  // waits for its turn, or to try again
  answer_reader reader;
};

class loop {
 public:
  loop(std::uint16_t port, std::size_t count, work& what, double seconds, double requests_per_second)
      : what_(what),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        connections_(count),
        limit_seconds_(seconds),
        between_seconds_(requests_per_second > 0 ? 1 / requests_per_second : 0) {
    for (std::size_t i = 0; i < count; ++i) {
      connections_[i].fd = connect_to(port);
      ::fcntl(connections_[i].fd, F_SETFL, O_NONBLOCK);
      epoll_event interest{};
      interest.events = EPOLLIN | EPOLLOUT | EPOLLET;
      interest.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &interest);
    }
  }
  ~loop() {
    for (const connection& c : connections_)
      if (c.fd >= 0) ::close(c.fd);
    ::close(epoll_);
  }
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  load_result run() {
    const double cpu_before = cpu_seconds_of_this_thread();
    start_ = last_answer_ = clock::now();
    for (std::size_t i = 0; i < connections_.size(); ++i) ask(i, start_);
    epoll_event ready[256];
    while (in_flight_ > 0) {
      const timespec patience = until_due();
      const int count = ::epoll_pwait2(epoll_, ready, 256, &patience, nullptr);
      if (count < 0 && errno != EINTR) throw std::runtime_error(std::string("epoll_wait: ") + std::strerror(errno));
      if (count == 0 && waiting_ == 0) throw std::runtime_error("the server has not answered for a minute");
      for (int i = 0; i < count; ++i) serve(ready[i].data.u64);
      if (waiting_ > 0) begin_due();
    }
    result_.seconds = seconds_between(start_, last_answer_);
    result_.client_cpu_seconds = cpu_seconds_of_this_thread() - cpu_before;
    return std::move(result_);
  }

 private:
  void ask(std::size_t i, clock::time_point now) {
    if (limit_seconds_ > 0 && seconds_between(start_, now) >= limit_seconds_) return;
    const auto request = what_.next(i);
    if (!request) return;
    connections_[i].request = *request;
    ++in_flight_;
    const auto due = start_ + std::chrono::duration_cast<clock::duration>(
                                  std::chrono::duration<double>(between_seconds_ * static_cast<double>(asked_++)));
    if (due <= now) return begin(connections_[i], now);
    ++waiting_;
    connections_[i].begin_at = due;
  }

  void begin(connection& c, clock::time_point now) {
    c.unsent = c.request;
    c.started = now;
    send_rest(c);
  }

  void send_rest(connection& c) {
    while (!c.unsent.empty()) {
      const ssize_t sent = ::send(c.fd, c.unsent.data(), c.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (sent < 0) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
      c.unsent.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void serve(std::size_t i) {
    connection& c = connections_[i];
    send_rest(c);
    for (;;) {
      char* room = c.reader.room();
      const ssize_t got = ::recv(c.fd, room, answer_reader::room_bytes, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0) throw std::runtime_error("the server ended a connection");
      c.reader.filled(static_cast<std::size_t>(got));
      if (const auto whole = c.reader.whole()) {
        finish(i, *whole);
        return;  // one request in flight: nothing more can have come, and a new answer raises a new edge
      }
    }
  }

  void finish(std::size_t i, const answer& got) {
    connection& c = connections_[i];
    const auto now = clock::now();
    if (got.status == 503) {
      if (!got.retry_after) throw std::runtime_error("a refusal without Retry-After: " + std::string(got.body));
      ++result_.refused;
      ++waiting_;
      c.begin_at = now + std::chrono::milliseconds(retry_ms);
      c.reader.clear();
      return;
    }
    result_.latency_us.push_back(
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(now - c.started).count()));
    result_.readings += what_.check(i, got);
    ++result_.requests;
    last_answer_ = now;
    c.reader.clear();
    --in_flight_;
    ask(i, now);
  }

  /// The time until the first waiting connection gets its turn. Starting requests in bursts would turn half a load into a full one at times.
  timespec until_due() const {
    auto patience = std::chrono::nanoseconds(std::chrono::milliseconds(silence_ms));
    const auto now = clock::now();
    for (const connection& c : connections_)
      if (c.begin_at) patience = std::clamp(std::chrono::nanoseconds(*c.begin_at - now), std::chrono::nanoseconds(0), patience);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
    return {seconds.count(), (patience - seconds).count()};
  }

  void begin_due() {
    const auto now = clock::now();
    for (connection& c : connections_) {
      if (!c.begin_at || *c.begin_at > now) continue;
      c.begin_at.reset();
      --waiting_;
      begin(c, now);
    }
  }

  work& what_;
  int epoll_;
  std::vector<connection> connections_;
  double limit_seconds_, between_seconds_;
  clock::time_point start_, last_answer_;
  std::uint64_t asked_ = 0;
  std::size_t in_flight_ = 0;  // asked and not answered; those waiting included
  std::size_t waiting_ = 0;
  load_result result_;
};

}  // namespace

load_result run_load(std::uint16_t port, std::size_t connections, work& what, double seconds, double requests_per_second) {
  return loop(port, connections, what, seconds, requests_per_second).run();
}

}  // namespace factory::bench
