#include "http/gate/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pistache/listener.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

#include "http/edge/limits.hpp"
#include "http/gate/gate_transport.hpp"
#include "http/gate/pistache_members.hpp"

namespace factory {

namespace tcp = Pistache::Tcp;

struct http_listener::impl {
  options how;
  gate_rules& rules;
  std::shared_ptr<gate_shared> shared;
  std::unique_ptr<tcp::Listener> listener;
  std::uint16_t port = 0;
};

namespace {

constexpr int backlog = 1024;

/// Pistache's threads start with all signals blocked, because an EINTR in its accept loop would end the process.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

bool is_ipv4(const std::string& address) {
  in_addr parsed{};
  return inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

}  // namespace

http_listener::http_listener(options how, gate_rules& rules) : impl_(std::make_unique<impl>(std::move(how), rules)) {
  const options& asked = impl_->how;
  const std::size_t most = asked.connections > 0 ? asked.connections : limits::connections;
  const std::size_t of_one = asked.connections_per_address > 0 ? asked.connections_per_address : limits::connections_per_address;
  impl_->shared = std::make_shared<gate_shared>(rules, most, of_one, asked.trusted_proxies);
}

http_listener::~http_listener() { stop(); }

expected<void> http_listener::start() {
  const options& how = impl_->how;
  const std::string where = fmt::format("{}:{}", how.bind, how.port);
  if (!is_ipv4(how.bind)) return fail(errc::invalid, "cannot listen on " + where + ": not an IPv4 address", "bind");
  const signals_blocked for_the_threads;
  try {
    auto listener = std::make_unique<tcp::Listener>();
    using tcp::Options;
    const Pistache::Flags<Options> flags(Options::ReuseAddr | Options::NoDelay | Options::CloseOnExec);
    listener->init(how.threads, flags, how.name, backlog);
    auto handler = std::make_shared<gate_handler>(impl_->shared);
    listener->setHandler(handler);
    listener->setTransportFactory(
        [handler, shared = impl_->shared] { return std::make_shared<gate_transport>(handler, shared); });
    listener->bind(Pistache::Address(how.bind, Pistache::Port(how.port)));
    impl_->port = listener->getPort();
    listener->runThreaded();
    impl_->listener = std::move(listener);
  } catch (const std::exception& e) {
    return fail(errc::unavailable, "cannot listen on " + where + ": " + e.what(), "port");
  }
  return {};
}

void http_listener::stop() {
  if (!impl_->listener) return;
  impl_->rules.draining.store(true);
  tcp::Listener& listener = *impl_->listener;
  (listener.*member(pistache_members::shutdown_fd{})).notify();  // ends the accept thread only
  ::shutdown(listener.*member(pistache_members::listen_fd{}), SHUT_RDWR);
  impl_->shared->wake_all();
  if (!impl_->shared->wait_empty(std::chrono::milliseconds(impl_->how.drain_ms))) {
    spdlog::warn("http: {} connections on port {} were not done in time and are cut", connections(), impl_->port);
  }
  impl_->listener.reset();
}

std::uint16_t http_listener::port() const { return impl_->port; }
std::size_t http_listener::connections() const { return impl_->shared->connections(); }
std::uint64_t http_listener::refused_connections() const { return impl_->shared->refused(); }
std::uint64_t http_listener::looks() const { return impl_->shared->looks.load(); }

}  // namespace factory
