#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
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

 private:
  void serve();
  void talk(int fd);

  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> status_{200};
  std::atomic<bool> silent_{false}, ends_{false};
  mutable std::mutex guard_;
  std::vector<request> requests_;
  std::vector<std::string> accepted_;
  std::set<int> open_;
  std::vector<std::thread> talks_;
  std::thread accepting_;
};

}  // namespace factory::test
