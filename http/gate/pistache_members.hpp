#pragma once

#include <pistache/listener.h>
#include <pistache/transport.h>

/// Private members of Pistache 0.0.5. Its public interface lacks three things: to stop accepting while it still answers, to find
/// a connection whose wake-up was lost, and to learn that a client has sent its FIN.
/// An explicit instantiation may name private members ([temp.spec]); each is used in one place.
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

/// Entry exposes reading, writing and hanging up, but not Shutdown. It hides the base that has it; only this cast reaches that base.
inline bool is_shutdown(const Pistache::Aio::FdSet::Entry& entry) {
  return ((const Pistache::Polling::Event&)entry).flags.hasFlag(Pistache::Polling::NotifyOn::Shutdown);
}

}  // namespace factory::pistache_members
