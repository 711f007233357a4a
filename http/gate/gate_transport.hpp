#pragma once

#include <pistache/tcp.h>
#include <pistache/transport.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/edge/client_address.hpp"
#include "http/gate/gate.hpp"
#include "http/gate/gate_bell.hpp"
#include "http/gate/gate_buffer.hpp"
#include "http/gate/gate_connection.hpp"

namespace factory {

using steady_time = std::chrono::steady_clock::time_point;

class gate_transport;

/// State that the threads of one listener share. Thread-safe.
class gate_shared {
 public:
  /// Connections of `trusted_proxies` do not count per address, because many clients share them.
  gate_shared(gate_rules& what, std::size_t most, std::size_t most_of_one, address_list trusted_proxies)
      : rules(what), most_connections(most), most_per_address(most_of_one), proxies(std::move(trusted_proxies)) {}

  /// False when there are too many, in all or of this address. The caller must call left() in either case.
  bool entered(const std::string& address);
  void left(const std::string& address);
  std::size_t connections() const { return count_.load(); }
  std::uint64_t refused() const { return refused_.load(); }  ///< connections that were too many
  /// Waits until no connection is left; false when the time was over first.
  bool wait_empty(std::chrono::milliseconds at_most);

  /// Makes every thread look at its connections now.
  void wake_all();
  void add_timer(int fd);
  void remove_timer(int fd);

  gate_rules& rules;
  const std::size_t most_connections, most_per_address;
  const address_list proxies;
  std::atomic<std::uint64_t> looks{0};  ///< times that a connection was worked on; idle and slow connections must not raise it

 private:
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::mutex mutex_;
  std::condition_variable emptied_;
  std::vector<int> timers_;
  std::unordered_map<std::string, std::size_t> by_address_;
};

/// One socket with its requests, attached to Pistache's peer. Created and destroyed on its thread.
struct gate_session {
  gate_session(gate_shared& all, buffer_pool& buffers, std::string from, std::shared_ptr<const std::function<void()>> wake);
  ~gate_session();
  gate_session(const gate_session&) = delete;
  gate_session& operator=(const gate_session&) = delete;

  bool output_waits() const { return sent_bytes < http.output().size(); }

  gate_shared& shared;
  const std::string address;  ///< of the client, without port
  gate_connection http;
  std::string unread;                ///< received while an answer waited for the client; at most one receive
  std::size_t sent_bytes = 0;        ///< of http.output()
  bool watches_writing = false;      ///< epoll reports when the socket takes bytes again
  bool finished_writing = false;     ///< our FIN is sent; waiting for the client's
  bool drained = false;              ///< the last receive emptied the socket; epoll reports later bytes
  bool client_has_finished = false;  ///< its FIN was part of an event

  /// Sets the deadline of the connection's current stage, counted from the stage's start.
  void set_deadline();
  steady_time deadline, began;
  struct stage {
    bool output_waits;
    gate_connection::phase phase;
    std::uint64_t requests, pieces;
    bool operator==(const stage&) const = default;
  };
  stage timed{};  ///< the stage that `deadline` belongs to
};

/// A Pistache transport (one a thread: its epoll, its accepted peers) that reads and writes its sockets itself, because 0.0.5
/// reads 4 KiB at a time, spins while a client reads slowly, loses write wake-ups that come with input, and knows no draining.
///
///   * Only its own thread touches a session. A handler that blocks delays the connections of its thread, no others.
///   * Answers that wait for the disk wait in `answering_`, while the thread serves others; the committer rings.
///   * While an answer waits for its client nothing more is read from that client: memory per connection is bounded.
///   * The next piece of an answer is made when the socket has taken the last one, a few per event; each piece has an answer's deadline.
///   * Every 500 ms it checks deadlines and connections whose wake-up Pistache lost.
class gate_transport : public Pistache::Tcp::Transport {
 public:
  gate_transport(const std::shared_ptr<Pistache::Tcp::Handler>& handler, std::shared_ptr<gate_shared> shared);
  ~gate_transport() override;

  void registerPoller(Pistache::Polling::Epoll& poller) override;
  void onReady(const Pistache::Aio::FdSet& fds) override;
  std::shared_ptr<Pistache::Aio::Handler> clone() const override;
  buffer_pool& buffers() { return buffers_; }
  const std::shared_ptr<const std::function<void()>>& wake() const { return wake_; }

 private:
  using peer_ptr = std::shared_ptr<Pistache::Tcp::Peer>;
  enum class fate { keep, drop };

  void serve_event(const peer_ptr& peer, bool client_has_finished);
  void serve(const peer_ptr& peer);
  fate work(gate_session& session, int fd);
  fate receive(gate_session& session, int fd, bool& blocked);
  fate consume(gate_session& session, int fd, std::string_view input);
  void finish_answers();
  std::vector<peer_ptr> take_ready();
  void serve_later(const peer_ptr& peer);
  void come_again(gate_session& session, int fd);
  fate flush(gate_session& session, int fd);
  void watch(int fd);
  void finish_writing(gate_session& session, int fd);
  void drop(const peer_ptr& peer);

  void tick();
  bool overdue(const peer_ptr& peer);

  std::shared_ptr<Pistache::Tcp::Handler> handler_;
  std::shared_ptr<gate_shared> shared_;
  buffer_pool buffers_;
  std::vector<char> input_;
  std::vector<peer_ptr> answering_;  ///< each once, in the order in which they were begun; maybe dropped since
  std::shared_ptr<gate_bell> bell_;
  std::shared_ptr<const std::function<void()>> wake_;  ///< rings it
  int timer_fd_ = -1;
};

/// Makes the session of a new peer. Pistache clones one per thread.
class gate_handler : public Pistache::Tcp::Handler {
  PROTOTYPE_OF(Pistache::Tcp::Handler, gate_handler)
 public:
  explicit gate_handler(std::shared_ptr<gate_shared> shared) : shared_(std::move(shared)) {}
  void onConnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
  void onInput(const char*, std::size_t, const std::shared_ptr<Pistache::Tcp::Peer>&) override {}  // the transport reads

 private:
  std::shared_ptr<gate_shared> shared_;
};

}  // namespace factory
