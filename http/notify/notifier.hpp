#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports/ports.hpp"
#include "http/edge/limits.hpp"
#include "http/notify/transfers.hpp"

namespace factory {

struct notify_options {
  bool allow_private = false;  ///< of all channels: receivers may have private addresses
  std::string ca_file = {};    ///< certificates that receivers are checked against; empty: the system's
  std::int64_t chatter_window_us = limits::chatter_window_ms * 1'000;  ///< shorter in tests
};

struct notify_figures {
  std::uint64_t sent = 0, failed_attempts = 0, dead = 0, dropped = 0;  ///< since start
  std::uint64_t open = 0, dead_letters = 0, told_alerts = 0;           ///< now
  std::uint64_t history = 0;                                           ///< alerts that were too old to be told, since start
  std::uint64_t lag_events = 0;                                        ///< stored and not yet worked in
  double send_seconds = 0;  ///< of those sent, from the event's being known to the answer
};

/// Tells receivers of alerts. One thread follows the event log, decides who hears of what, and sends to all receivers at once.
///
///   * At least once: an event's deliveries are stored together with the cursor that passes it, and stay stored until the receiver has
///     taken them or they are dead letters.
///   * Nothing waits for it: the event log neither, and no receiver for another.
///   * An escalation is a matter of stored times: a restart finds what is due, and does nothing twice.
///
/// Thread-safe.
class notifier {
 public:
  explicit notifier(notify_options how);
  ~notifier();  ///< stop()
  /// From now on follows the events of `behind`, which must outlive stop().
  void serve(ports& behind);
  /// Gives what is under way a moment to end. Idempotent.
  void stop();

  /// Sends a notice that nothing is wrong, once, past the line. `done` is called on the notifier's thread and must not wait.
  void test(const channel_entry& to, std::function<void(transfer_result)> done);
  /// Puts dead letters in line again: these, or all when `ids` is empty. Returns how many.
  expected<std::size_t> resend(channel_id channel, std::vector<std::uint64_t> ids);
  notify_figures count() const;

  struct impl;  ///< http/notify/notifier_impl.hpp

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace factory
