#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "integration/support/http_client.hpp"
#include "integration/support/plant.hpp"

namespace factory::test {

/// The result of comparing a store with a ledger. All but `acknowledged` must stay 0.
struct comparison {
  std::uint64_t acknowledged = 0;  ///< readings that had to be there
  std::uint64_t lost = 0, doubled = 0, changed = 0, never_sent = 0;
  std::uint64_t torn = 0;  ///< bodies without an answer of which a part is stored

  bool clean() const { return lost + doubled + changed + never_sent + torn == 0; }
  comparison& operator+=(const comparison& more);
};
void PrintTo(const comparison& found, std::ostream* out);

/// One sender with its own sensors. It posts its bodies in order, repeats each until it is acknowledged, and keeps the ledger.
/// Bodies change places in pairs, so that readings come out of order; every eighth corrects readings that were sent long before.
class collector {
 public:
  collector(std::vector<std::uint32_t> sensors, std::size_t ticks_per_body)
      : sensors_(std::move(sensors)), ticks_per_body_(ticks_per_body) {}

  std::vector<reading> body(std::uint64_t index) const;
  /// Sends until the daemon is gone, `last` bodies are acknowledged, or `on_refusal` says false after a 503 or 507.
  void run(std::uint16_t port, std::uint64_t last, const std::function<void(const collector&)>& on_acknowledged,
           const std::function<bool()>& on_refusal);

  /// Forgets the answers to all bodies after the first `bodies`.
  void forget_after(std::uint64_t bodies);

  std::uint64_t bodies() const { return acknowledged_; }
  const std::vector<std::uint32_t>& sensors() const { return sensors_; }
  /// Compares the store with the ledger. A body without an answer may exist, but only as a whole.
  comparison compare(http_client& api) const { return compare(api, acknowledged_, unknown_); }
  /// The same when only the first `bodies` were acknowledged and the next one may have been sent.
  comparison compare(http_client& api, std::uint64_t bodies, bool one_more) const;

 private:
  using values = std::map<std::uint32_t, std::map<std::int64_t, double>>;  // by sensor and time
  void enter(std::uint64_t index, values& into) const;

  std::vector<std::uint32_t> sensors_;
  std::size_t ticks_per_body_;
  std::uint64_t acknowledged_ = 0;  ///< bodies
  bool unknown_ = false;            ///< the body behind them was sent, and its answer never came
};

/// Collectors with long and short bodies over few and many sensors: enough to fill heads, little enough to compare quickly.
class collectors {
 public:
  /// Makes the sensors, with limits.
  explicit collectors(http_client& api);

  /// All send at once, while `meanwhile` runs on the caller's thread. Returns when each has `last` bodies acknowledged or has ended.
  void run(std::uint16_t port, std::uint64_t last, const std::function<void()>& meanwhile = {});

  std::function<void(const collector&)> on_acknowledged = [](const collector&) {};  ///< called from the senders' threads
  std::function<bool()> on_refusal = [] { return true; };                           ///< likewise; false ends the sender

  comparison compare(http_client& api) const;
  std::uint64_t most_bodies() const;
  const std::vector<collector>& each() const { return each_; }
  std::vector<collector>& each() { return each_; }

 private:
  std::vector<collector> each_;
};

/// The results computed while readings arrived, as a client sees them, without parts that may differ between two runs; texts in order.
using outcome = std::vector<std::string>;
outcome outcome_of(http_client& api, const collectors& from);
/// The same results of an undisturbed daemon that gets the first `bodies` bodies of each collector.
outcome undisturbed_outcome(const collectors& from, std::uint64_t bodies);
/// How many texts are in one alone.
std::size_t difference(const outcome& a, const outcome& b);

}  // namespace factory::test
