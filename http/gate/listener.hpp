#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/edge/client_address.hpp"
#include "http/edge/limits.hpp"
#include "http/gate/gate.hpp"
#include "pipelines/model/result.hpp"

namespace factory {

/// A listening socket with its threads, on Pistache. The rules must outlive it.
class http_listener {
 public:
  struct options {
    std::string bind = "127.0.0.1";
    std::uint16_t port = 0;
    unsigned threads = 4;
    std::size_t connections = 0;              ///< 0 = limits::connections
    std::string name = "http";                ///< of the threads, 15 bytes at most
    std::size_t connections_per_address = 0;  ///< 0 = limits::connections_per_address
    std::int64_t drain_ms = limits::drain_ms;
    address_list trusted_proxies = {};  ///< their connections count in total, not per address
  };

  http_listener(options how, gate_rules& rules);
  ~http_listener();  ///< stop()

  /// Listens. The error says which address, and why not.
  expected<void> start();
  /// Refuses new connections, lets requests in flight be answered for at most `drain_ms`, closes. Idempotent.
  void stop();
  std::uint16_t port() const;
  std::size_t connections() const;
  std::uint64_t refused_connections() const;  ///< refused because there were too many, in total or of an address
  std::uint64_t looks() const;                ///< times that a connection was worked on since the start

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
