#include "http/gate/gate_transport.hpp"

#include <pistache/peer.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "http/edge/limits.hpp"
#include "http/gate/pistache_members.hpp"

namespace factory {

namespace {

namespace tcp = Pistache::Tcp;
using Pistache::Polling::Event;
using Pistache::Polling::NotifyOn;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string session_key = "gate";
constexpr std::size_t receive_bytes = 64UL << 10;
constexpr unsigned turns_per_event = 32;  ///< then the thread's other connections get their turn
constexpr unsigned waits_per_event = 4;   ///< the same for turns that wait for commits
constexpr unsigned pieces_per_event = 4;  ///< the same for pieces of an answer
constexpr itimerspec every_half_second{{0, 500'000'000}, {0, 500'000'000}};
constexpr itimerspec now_and_every_half_second{{0, 500'000'000}, {0, 1}};

gate_session* session_of(const std::shared_ptr<tcp::Peer>& peer) {
  return static_cast<gate_session*>(peer->tryGetData(session_key).get());
}

/// Turns closing into a reset when an answer is incomplete: in HTTP/1.0 an answer without a length would otherwise look complete.
void cut_off(const std::shared_ptr<tcp::Peer>& peer) {
  const gate_session* session = session_of(peer);
  if (session == nullptr) return;
  if (!session->output_waits() && session->http.now() != gate_connection::phase::streaming) return;
  const linger at_once{1, 0};
  ::setsockopt(peer->fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK; }

}  // namespace

bool gate_shared::entered(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const std::size_t of_address = ++by_address_[address];
  const bool welcome = ++count_ <= most_connections && (of_address <= most_per_address || proxies.contains(address));
  if (!welcome) ++refused_;
  return welcome;
}

void gate_shared::left(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_address_.find(address); --found->second == 0) by_address_.erase(found);
  if (--count_ == 0) emptied_.notify_all();
}

bool gate_shared::wait_empty(milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, at_most, [&] { return count_.load() == 0; });
}

void gate_shared::wake_all() {
  const std::lock_guard lock(mutex_);
  for (const int fd : timers_) timerfd_settime(fd, 0, &now_and_every_half_second, nullptr);
}

void gate_shared::add_timer(int fd) {
  const std::lock_guard lock(mutex_);
  timers_.push_back(fd);
}

void gate_shared::remove_timer(int fd) {
  const std::lock_guard lock(mutex_);
  std::erase(timers_, fd);
}

gate_session::gate_session(gate_shared& all, buffer_pool& buffers, std::string from,
                           std::shared_ptr<const std::function<void()>> wake)
    : shared(all), address(std::move(from)), http(all.rules, buffers, address, std::move(wake)) {
  if (!shared.entered(address)) http.close();
  set_deadline();
}

gate_session::~gate_session() { shared.left(address); }

void gate_session::set_deadline() {
  using phase = gate_connection::phase;
  const stage at{output_waits(), http.now(), http.requests(), http.pieces()};
  if (at != timed || began == steady_time{}) began = steady_clock::now();
  timed = at;
  const auto transfer = [](std::size_t bytes) {
    return milliseconds(limits::transfer_grace_ms + static_cast<std::int64_t>(bytes) * 1'000 / limits::transfer_bytes_per_s);
  };
  milliseconds allowed{limits::linger_ms};
  if (at.output_waits) {
    allowed = transfer(sent_bytes);
  } else if (at.phase == phase::idle) {
    allowed = milliseconds(at.requests == 0 ? limits::first_byte_ms : limits::idle_connection_ms);
  } else if (at.phase == phase::head) {
    allowed = milliseconds(limits::request_head_ms);
  } else if (at.phase == phase::body) {
    allowed = transfer(http.body_bytes_received());
  }
  deadline = began + allowed;
}

void gate_handler::onConnection(const std::shared_ptr<tcp::Peer>& peer) {
  auto& mine = static_cast<gate_transport&>(*transport());
  auto session = std::make_shared<gate_session>(*shared_, mine.buffers(), peer->address().host(), mine.wake());
  // Too many connections, or draining: Pistache registers the peer after this call; the peer then finds the end of its stream and ends.
  if (session->http.closing() || shared_->rules.draining.load()) ::shutdown(peer->fd(), SHUT_RDWR);
  peer->putData(session_key, std::move(session));
}

gate_transport::gate_transport(const std::shared_ptr<tcp::Handler>& handler, std::shared_ptr<gate_shared> shared)
    : tcp::Transport(handler), handler_(handler), shared_(std::move(shared)) {}

gate_transport::~gate_transport() {
  for (const auto& [fd, peer] : peers) {
    cut_off(peer);
    ::close(fd);  // Pistache forgets them
  }
  peers.clear();
  if (timer_fd_ < 0) return;
  shared_->remove_timer(timer_fd_);
  ::close(timer_fd_);
}

std::shared_ptr<Pistache::Aio::Handler> gate_transport::clone() const {
  return std::make_shared<gate_transport>(handler_->clone(), shared_);
}

void gate_transport::registerPoller(Pistache::Polling::Epoll& poller) {
  tcp::Transport::registerPoller(poller);
  input_.resize(receive_bytes);
  timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer_fd_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  timerfd_settime(timer_fd_, 0, &every_half_second, nullptr);
  poller.addFd(timer_fd_, Pistache::Flags<NotifyOn>(NotifyOn::Read), Pistache::Polling::Tag(timer_fd_));
  shared_->add_timer(timer_fd_);
  bell_ = std::make_shared<gate_bell>();
  wake_ = std::make_shared<const std::function<void()>>([bell = bell_] { bell->ring(); });
  poller.addFd(bell_->fd(), Pistache::Flags<NotifyOn>(NotifyOn::Read), Pistache::Polling::Tag(bell_->fd()),
               Pistache::Polling::Mode::Edge);
}

/// No exception may escape: Pistache's loop has no catch, so it would end the process.
void gate_transport::onReady(const Pistache::Aio::FdSet& fds) {
  bool ticked = false;
  std::vector<Event> others;
  for (const auto& entry : fds) {
    const int fd = static_cast<int>(entry.getTag().value());
    if (const auto found = peers.find(fd); found != peers.end()) {
      serve_event(peer_ptr(found->second), pistache_members::is_shutdown(entry));
    } else if (fd == timer_fd_) {
      ticked = true;
    } else if (fd == bell_->fd()) {
      bell_->heard();
    } else {
      others.emplace_back(entry.getTag()).flags.setFlag(NotifyOn::Read);  // Pistache's own queues
    }
  }
  try {
    if (!others.empty()) tcp::Transport::onReady(Pistache::Aio::FdSet(std::move(others)));
    if (ticked) tick();
    finish_answers();
  } catch (const std::exception& e) {
    spdlog::error("http: {}", e.what());
  }
}

/// A FIN that arrives after this event causes another event; a FIN that was part of this one does not.
void gate_transport::serve_event(const peer_ptr& peer, bool client_has_finished) {
  if (gate_session* session = session_of(peer)) {
    session->drained = false;
    session->client_has_finished = session->client_has_finished || client_has_finished;
  }
  serve(peer);
}

void gate_transport::serve(const peer_ptr& peer) {
  gate_session* session = session_of(peer);
  if (session == nullptr) return drop(peer);
  try {
    const bool in_line = session->http.now() == gate_connection::phase::answering;
    if (work(*session, peer->fd()) == fate::drop) return drop(peer);
    session->set_deadline();
    if (!in_line && session->http.now() == gate_connection::phase::answering) answering_.push_back(peer);
  } catch (const std::exception& e) {
    spdlog::error("http: connection given up: {}", e.what());
    drop(peer);
  }
}

/// Sends each answer as soon as it is ready and begins what its client has sent meanwhile. After a few turns the thread's other
/// connections get theirs.
void gate_transport::finish_answers() {
  std::vector<peer_ptr> ready = take_ready();
  for (unsigned turn = 1; !ready.empty(); ++turn) {
    for (const peer_ptr& peer : ready) {
      session_of(peer)->http.finish_answer();
      const auto found = peers.find(peer->fd());
      if (found == peers.end() || found->second != peer)
        continue;  // dropped meanwhile: its descriptor may belong to another connection
      turn < waits_per_event ? serve(peer) : serve_later(peer);
    }
    ready = take_ready();
  }
}

std::vector<gate_transport::peer_ptr> gate_transport::take_ready() {
  const auto waits = [](const peer_ptr& peer) { return !session_of(peer)->http.answer_is_ready(); };
  const auto first = std::stable_partition(answering_.begin(), answering_.end(), waits);
  std::vector<peer_ptr> ready(std::make_move_iterator(first), std::make_move_iterator(answering_.end()));
  answering_.erase(first, answering_.end());
  return ready;
}

void gate_transport::serve_later(const peer_ptr& peer) {
  gate_session& session = *session_of(peer);
  if (flush(session, peer->fd()) == fate::drop) return drop(peer);
  come_again(session, peer->fd());
}

/// Setting the interest again brings the event again.
void gate_transport::come_again(gate_session& session, int fd) {
  session.watches_writing = true;
  watch(fd);
}

gate_transport::fate gate_transport::work(gate_session& session, int fd) {
  shared_->looks.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t last_piece = session.http.pieces() + pieces_per_event;
  for (unsigned turn = 0; turn < turns_per_event; ++turn) {
    if (flush(session, fd) == fate::drop) return fate::drop;
    if (session.output_waits()) return fate::keep;                                   // epoll reports when it can continue
    if (session.http.now() == gate_connection::phase::answering) return fate::keep;  // finish_answers() continues
    if (session.http.now() == gate_connection::phase::streaming) {
      if (session.http.pieces() == last_piece) break;
      if (!session.http.next_piece()) return fate::drop;
      continue;
    }
    if (session.http.closing()) finish_writing(session, fd);
    bool blocked = false;
    const fate after =
        session.unread.empty() ? receive(session, fd, blocked) : consume(session, fd, std::exchange(session.unread, {}));
    if (after == fate::drop) return fate::drop;
    if (blocked) return fate::keep;
  }
  come_again(session, fd);  // there may be more
  return fate::keep;
}

gate_transport::fate gate_transport::receive(gate_session& session, int fd, bool& blocked) {
  if (session.drained && !session.client_has_finished) {
    blocked = true;
    return fate::keep;
  }
  const std::span<char> room = session.http.body_room();
  const std::size_t asked = room.empty() ? input_.size() : room.size();
  char* const where = room.empty() ? input_.data() : room.data();
  const ssize_t got = ::recv(fd, where, asked, 0);
  if (got == 0) return fate::drop;  // every request is answered, or never arrived completely
  if (got < 0) {
    blocked = would_block();
    return blocked || errno == EINTR ? fate::keep : fate::drop;
  }
  const auto count = static_cast<std::size_t>(got);
  session.drained = count < asked;
  if (room.empty()) return consume(session, fd, {input_.data(), count});
  session.http.body_received(count);
  return consume(session, fd, {});
}

/// Answers each request that `input` completes and sends each answer at once. Stops when the socket does not take all of one.
gate_transport::fate gate_transport::consume(gate_session& session, int fd, std::string_view input) {
  do {
    input = session.http.advance(input);
    if (flush(session, fd) == fate::drop) return fate::drop;
    if (session.output_waits() || session.http.busy()) {
      session.unread = input;
      return fate::keep;
    }
  } while (!input.empty());
  return fate::keep;
}

gate_transport::fate gate_transport::flush(gate_session& session, int fd) {
  std::string& output = session.http.output();
  while (session.sent_bytes < output.size()) {
    const ssize_t sent = ::send(fd, output.data() + session.sent_bytes, output.size() - session.sent_bytes, MSG_NOSIGNAL);
    if (sent >= 0) {
      session.sent_bytes += static_cast<std::size_t>(sent);
    } else if (would_block()) {
      if (!std::exchange(session.watches_writing, true)) watch(fd);
      return fate::keep;
    } else if (errno != EINTR) {
      return fate::drop;
    }
  }
  session.sent_bytes = 0;
  output.capacity() > receive_bytes ? std::string().swap(output) : output.clear();
  return fate::keep;
}

void gate_transport::watch(int fd) {
  reactor()->modifyFd(key(), fd, NotifyOn::Read | NotifyOn::Write | NotifyOn::Shutdown, Pistache::Polling::Mode::Edge);
}

/// FIN after the last answer instead of a close: closing with unread input resets the connection and can destroy the answer.
void gate_transport::finish_writing(gate_session& session, int fd) {
  if (std::exchange(session.finished_writing, true)) return;
  ::shutdown(fd, SHUT_WR);
}

void gate_transport::drop(const peer_ptr& peer) {
  try {
    cut_off(peer);
    removePeer(peer);
  } catch (const std::exception& e) {
    spdlog::error("http: closing a connection: {}", e.what());
  }
}

void gate_transport::tick() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t read_bytes = ::read(timer_fd_, &expirations, sizeof expirations);
  (this->*member(pistache_members::handle_peer_queue{}))();
  std::vector<peer_ptr> all;
  all.reserve(peers.size());
  for (const auto& [fd, peer] : peers) all.push_back(peer);
  for (const peer_ptr& peer : all) {
    if (overdue(peer)) drop(peer);
  }
}

/// True when the peer must be dropped. Its thread may have been busy, so this first checks whether the socket holds bytes.
bool gate_transport::overdue(const peer_ptr& peer) {
  using phase = gate_connection::phase;
  gate_session* session = session_of(peer);
  if (session == nullptr) return true;
  if (session->http.now() == phase::answering) return false;  // it has its own deadline
  const bool draining = shared_->rules.draining.load();
  if (steady_clock::now() < session->deadline && !draining) return false;
  session->drained = false;
  if (work(*session, peer->fd()) == fate::drop) return true;
  session->set_deadline();
  if (session->http.now() == phase::answering) {
    answering_.push_back(peer);
    return false;
  }
  const bool late = steady_clock::now() >= session->deadline;
  if (session->output_waits() || session->http.closing()) return late;
  if (session->http.now() == phase::streaming) return false;  // it has just been sent a few pieces
  if (session->http.now() == phase::idle) return late || draining;
  if (!late) return false;
  session->http.time_out();
  if (work(*session, peer->fd()) == fate::drop) return true;
  session->set_deadline();
  return false;
}

}  // namespace factory
