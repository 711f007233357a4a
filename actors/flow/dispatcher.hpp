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
/// While limits::groups_under_way groups are in mailboxes, later entries wait here and then go together: the busier the actors, the
/// fewer messages a reading costs, and the more rows a sensor takes in while its windows are near. An idle engine passes an entry on
/// at once. Who must find everything passed on (a query, a change of limits, a checkpoint) says pass_on().
///
/// A short entry need not wait behind long ones: overtakes() lets it go when none of its sensors has anything in line. What is of one
/// sensor is never overtaken.
///
/// Thread-safe; put() and overtakes() from one thread at a time, which fixes the order. `send` gets the groups in that order, one at a
/// time, on the thread that put, that asked, or that let go of a turn; `run` what overtakes, on the thread that called.
class dispatcher : public std::enable_shared_from_this<dispatcher> {
 public:
  /// Goes with each message of a group: when its last copy goes, the group is in no mailbox any more.
  using turn = std::shared_ptr<void>;
  using sender = std::function<void(const std::shared_ptr<const batch_group>&, const turn&)>;
  using runner = std::function<void(const std::shared_ptr<const batch_group>&)>;

  dispatcher(sender send, runner run) : send_(std::move(send)), run_(std::move(run)) {}

  /// An entry of readings; counted as dispatched from here on.
  void put(const journal_entry& entry, progress& counts);
  /// Lets a short entry (limits::overtaking_readings) go before what is in line, counted as dispatched; false: it must be put in line.
  bool overtakes(const journal_entry& entry, progress& counts);
  /// Sends while there is something in line and room for it. To be called after put().
  void send_where_room();
  /// Returns when all that was put before is sent.
  void pass_on();
  /// Sends nothing any more: what is in line stays in the journal.
  void close();

 private:
  struct sent_group {  // let go of without a lock: its turn may be the last
    std::shared_ptr<const batch_group> group;
    turn its_turn;
  };
  sent_group send_first();
  bool has_room_for_more();
  bool is_in_line(const std::vector<slice>& of_sensors);

  std::mutex sending_;  // held while a group goes out
  sender send_;         // guarded by sending_; empty when closed
  runner run_;          // likewise
  std::mutex mutex_;    // nothing else is done under it
  std::deque<std::shared_ptr<batch_group>> in_line_;
  std::atomic<std::uint64_t> put_entries_{0}, sent_entries_{0};
  std::atomic<std::size_t> under_way_{0};
};

}  // namespace factory
