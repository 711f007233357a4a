#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "bench/wire.hpp"

namespace factory::bench {

/// The requests of a closed loop of connections, and the check of their answers. Called from one thread.
class work {
 public:
  virtual ~work() = default;
  /// The next request of a connection, valid until its answer is there; nullopt when there is none left.
  virtual std::optional<std::string_view> next(std::size_t connection) = 0;
  /// Readings that the answer acknowledges or covers. Throws std::runtime_error on a wrong answer. 503 does not come here.
  virtual std::uint64_t check(std::size_t connection, const answer& got) = 0;
};

struct load_result {
  std::uint64_t requests = 0;
  std::uint64_t readings = 0;
  std::uint64_t refused = 0;  ///< answered 503; with Retry-After; the same request was sent again 10 ms later
  double seconds = 0;         ///< first request to last answer
  double client_cpu_seconds = 0;
  std::vector<std::uint32_t> latency_us;  ///< of each answer but refusals, in order of arrival
};

/// Keeps one request in flight on each connection until `work` has no more or `seconds` have passed (0 = no limit), then waits for
/// the outstanding answers. Begins at most `requests_per_second` (0 = no limit). One thread with epoll, so that the
/// generator leaves the machine to the server.
load_result run_load(std::uint16_t port, std::size_t connections, work& what, double seconds, double requests_per_second = 0);

}  // namespace factory::bench
