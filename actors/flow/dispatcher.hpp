#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "actors/flow/flow.hpp"

namespace factory {

/// Committed readings in line for the sensor actors.
///
/// While limits::groups_under_way groups are in mailboxes, later entries wait here and then go together. So the busier the actors are, the
/// fewer messages a reading costs, and the more rows a sensor applies while its windows are in the CPU's cache. In an idle engine an entry
/// goes out at once. A caller that needs everything sent (a query, a change of limits, a checkpoint) calls pass_on().
///
/// A short entry may overtake long ones: overtakes() sends it when none of its sensors has an entry in line. Entries of the same sensor
/// never overtake each other.
///
/// Thread-safe. Only one thread at a time may call put() and overtakes(); their calls fix the order. `send` gets the groups in that order, one
/// at a time, on the thread that put, called pass_on(), or released a turn. `run` gets overtaking entries, on the calling thread.
class dispatcher : public std::enable_shared_from_this<dispatcher> {
 public:
  /// Each message of a group carries a copy. When the last copy is destroyed, no mailbox holds the group any more.
  using turn = std::shared_ptr<void>;
  using sender = std::function<void(const std::shared_ptr<const batch_group>&, const turn&)>;
  using runner = std::function<void(const std::shared_ptr<const batch_group>&)>;

  dispatcher(sender send, runner run) : send_(std::move(send)), run_(std::move(run)) {}

  /// Puts an entry of readings in line and counts it as dispatched.
  void put(const journal_entry& entry, progress& counts);
  /// Sends a short entry (limits::overtaking_readings) before the line and counts it as dispatched. False: the caller must put() it.
  bool overtakes(const journal_entry& entry, progress& counts);
  /// Sends groups while the line has any and the mailboxes have room. Call it after put().
  void send_where_room();
  /// Returns when every entry that was put before the call is sent.
  void pass_on();
  /// Stops sending. Entries in line remain in the journal.
  void close();

 private:
  struct sent_group {  // destroyed without a lock held, because its turn may be the last copy
    std::shared_ptr<const batch_group> group;
    turn its_turn;
  };
  sent_group send_first();
  bool has_room_for_more();
  bool is_in_line(const std::vector<slice>& of_sensors);

  std::mutex sending_;  // held while a group goes out
  sender send_;         // guarded by sending_; empty when closed
  runner run_;          // likewise
  std::mutex mutex_;    // held only to look at or change the line
  std::deque<std::shared_ptr<batch_group>> in_line_;
  std::atomic<std::uint64_t> put_entries_{0}, sent_entries_{0};
  std::atomic<std::size_t> under_way_{0};
};

}  // namespace factory
