#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/gate.hpp"
#include "pipelines/result.hpp"

namespace factory {

/// A listening socket with its threads, on Pistache. The rules must outlive it.
class http_listener {
 public:
  struct options {
    std::string bind = "127.0.0.1";
    std::uint16_t port = 0;
    unsigned threads = 8;
    std::size_t connections = 0;  ///< 0 = limits::connections
    std::string name = "http";    ///< of the threads, 15 bytes at most
  };

  http_listener(options how, gate_rules& rules);
  ~http_listener();  ///< stop()

  /// Listens. The error says which address, and why not.
  expected<void> start();
  /// Refuses new connections, lets requests in flight be answered (limits::drain_ms), closes. Idempotent.
  void stop();
  std::uint16_t port() const;
  std::size_t connections() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
