#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace factory {

/// An HTTP server on a free port of 127.0.0.1 that takes one connection after the other and answers from a script.
class stub_server {
 public:
  struct request {
    std::string line;  ///< "POST /api/readings/bulk"
    std::string head, body;
    int connection = 0;  ///< from 1
  };
  /// The bytes to answer with; none closes the connection without an answer.
  using script = std::function<std::string(const request&)>;

  explicit stub_server(script answer);
  ~stub_server();
  stub_server(const stub_server&) = delete;
  stub_server& operator=(const stub_server&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<request> requests() const;

 private:
  void serve();
  void converse(int socket, int connection);

  script answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> current_{-1};
  mutable std::mutex mutex_;
  std::vector<request> requests_;
  std::thread thread_;
};

std::string http_text(int status, std::string_view body, std::string_view headers = "");

}  // namespace factory
