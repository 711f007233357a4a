#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/edge/limits.hpp"

namespace factory {

/// How many requests one client may send.
struct rate_rule {
  std::int64_t per_s = 0;  ///< average; 0 = no limit
  std::int64_t burst = 0;  ///< at once, after a pause; 0 = as many as in a second
  bool on() const { return per_s > 0; }
  std::int64_t most() const { return burst > 0 ? burst : per_s; }
};

/// What a client has left.
struct rate_quota {
  bool allowed = true;
  std::int64_t limit = 0, remaining = 0;  ///< requests at once
  std::int64_t reset_s = 0;               ///< until the whole quota is back, rounded up
  std::int64_t retry_s = 0;               ///< until one request is allowed again; 0 = now
};

/// The generic cell rate algorithm: one request per 1/per_s, and up to `burst` requests early. Its only state is the instant at which the
/// client has its whole quota again. Accepts a request at `now_ns` and moves `full_at_ns`, or refuses and leaves it.
/// REQUIRES: the rule is on and keeps to limits::request_rate.
rate_quota take_request(const rate_rule& rule, std::int64_t& full_at_ns, std::int64_t now_ns);

/// The quotas of many clients under one rule, in memory that does not grow. Thread-safe without a lock.
///
///   * A client is the hash of its name with a seed of this process. It uses one of the eight buckets that the hash selects. When all eight
///     are taken, the client nearest to its whole quota is forgotten and starts with a whole quota again; no client is refused for it.
///   * Threads that reassign the same bucket at the same instant may count one request too few or too many.
class rate_table {
 public:
  /// `buckets` is rounded up to a power of two.
  explicit rate_table(rate_rule rule, std::size_t buckets = limits::rate_buckets);

  /// `now_ns` is of a clock that never goes back.
  rate_quota take(std::string_view client, std::int64_t now_ns);
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct bucket {
    std::atomic<std::uint64_t> client{0};  ///< 0 = free
    std::atomic<std::int64_t> full_at_ns{0};
  };
  bucket& bucket_of(std::uint64_t client, std::int64_t now_ns);

  const rate_rule rule_;
  const std::uint64_t seed_;
  const std::size_t sets_;
  std::unique_ptr<bucket[]> buckets_;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace factory
