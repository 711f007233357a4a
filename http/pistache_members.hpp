#pragma once

#include <pistache/listener.h>
#include <pistache/transport.h>

/// Three private members of Pistache 0.0.5 whose absence from its public face is a fault of that version: it cannot stop
/// accepting without stopping to answer, and a connection whose wake-up was lost waits for the next one. An explicit
/// instantiation may name private members ([temp.spec]); each is used in one place.
namespace factory::pistache_members {

template <class Tag, typename Tag::type Member>
struct expose {
  friend constexpr typename Tag::type member(Tag) { return Member; }
};

struct listen_fd {
  using type = int Pistache::Tcp::Listener::*;
  friend constexpr type member(listen_fd);
};
struct shutdown_fd {
  using type = Pistache::NotifyFd Pistache::Tcp::Listener::*;
  friend constexpr type member(shutdown_fd);
};
struct handle_peer_queue {
  using type = void (Pistache::Tcp::Transport::*)();
  friend constexpr type member(handle_peer_queue);
};

template struct expose<listen_fd, &Pistache::Tcp::Listener::listen_fd>;
template struct expose<shutdown_fd, &Pistache::Tcp::Listener::shutdownFd>;
template struct expose<handle_peer_queue, &Pistache::Tcp::Transport::handlePeerQueue>;

}  // namespace factory::pistache_members
