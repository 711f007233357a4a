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
  std::int64_t per_s = 0;  ///< in the long run; 0 = as many as it likes
  std::int64_t burst = 0;  ///< at once, after a pause; 0 = as many as in a second
  bool on() const { return per_s > 0; }
  std::int64_t most() const { return burst > 0 ? burst : per_s; }
};

/// What a client has left.
struct rate_quota {
  bool allowed = true;
  std::int64_t limit = 0, remaining = 0;  ///< requests at once
  std::int64_t reset_s = 0;               ///< until all of them are there again, rounded up
  std::int64_t retry_s = 0;               ///< until there is one again; 0 when there is
};

/// The generic cell rate algorithm: one request each 1/per_s, early ones up to `burst` of them. All that is known of a client is when it
/// has its whole quota again. Takes a request at `now_ns` and moves `full_at_ns`, or leaves it and says no.
/// REQUIRES: the rule is on and keeps to limits::request_rate.
rate_quota take_request(const rate_rule& rule, std::int64_t& full_at_ns, std::int64_t now_ns);

/// The quotas of many clients under one rule, in memory that does not grow. Thread-safe without a lock.
///
///   * A client is a hash of its name with a seed of this process, in one of eight buckets that the hash points to. When all eight are taken,
///     the one that is nearest to its whole quota is forgotten: its client begins with a whole one again, and nobody is refused for it.
///   * Threads that give away the same bucket at the same instant may count a request too few or too many.
class rate_table {
 public:
  /// `buckets` is rounded up to a power of two.
  explicit rate_table(rate_rule rule, std::size_t buckets = limits::rate_buckets);

  /// `now_ns` is of a clock that never goes back.
  rate_quota take(std::string_view client, std::int64_t now_ns);
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct bucket {
    std::atomic<std::uint64_t> client{0};  ///< 0 = nobody's
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
