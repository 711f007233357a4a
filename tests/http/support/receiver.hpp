#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace factory::test {

/// Takes POSTs over HTTP on a free port of the loopback and keeps them. A thread a connection.
class receiver {
 public:
  receiver();
  ~receiver();
  receiver(const receiver&) = delete;
  receiver& operator=(const receiver&) = delete;

  struct request {
    std::string target;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;
  };

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/hook"; }
  /// What is answered from now on.
  void answer(unsigned status) { status_ = status; }
  /// From now on requests are kept and not answered.
  void fall_silent() { silent_ = true; }

  std::vector<request> requests() const;  ///< all, in order of arrival
  std::size_t count() const;
  /// Of the requests that were answered 2xx: their webhook-id, in order.
  std::vector<std::string> accepted() const;
  /// Waits until the condition holds, which is asked again after each request. Throws, which fails the test, when that takes so long that it
  /// never will.
  template <class Condition>
  void await(const Condition& condition, std::string_view what) const {
    for (;;) {
      const std::size_t seen = count();
      if (condition()) return;
      if (!wait_beyond(seen)) throw std::runtime_error("waited in vain for " + std::string(what));
    }
  }

 private:
  bool wait_beyond(std::size_t seen) const;

  void serve();
  void talk(int fd);

  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> status_{200};
  std::atomic<bool> silent_{false}, ends_{false};
  mutable std::mutex guard_;
  mutable std::condition_variable more_;
  std::vector<request> requests_;
  std::vector<std::string> accepted_;
  std::set<int> open_;
  std::vector<std::thread> talks_;
  std::thread accepting_;
};

}  // namespace factory::test
