#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pipelines/model/reading.hpp"

namespace factory {

/// A tick of the journal: at this entry it was so late.
struct tick {
  std::uint64_t sequence = 0;
  std::int64_t at_us = 0;
  bool operator==(const tick&) const = default;
};

/// Which sensors wait for time to pass, and the ticks that their actors may still have to look at.
///
/// An actor has no clock. One whose state changes when time passes (a delay ends, a sensor is silent) waits for an instant T: behind its
/// entry s it gets the first tick with a later sequence that is not before T. Which tick that is follows from the entries alone, however
/// far the actor lags behind the committer, so recovery decides as the live engine did:
///
///   * before an actor takes in an entry, it takes the ticks before that entry that it waits for (first);
///   * when it has nothing more to do, it asks to be told (wait): its sensor then gets a new_tick, behind all earlier entries.
///
/// A wish is kept for each sensor, at most one, the earliest, until a tick fulfils it. It may be too early, when what the actor waited for
/// is over: then the tick changes nothing, and the actor asks again. Wishes are not stored. A sensor that is restored and still waits asks
/// again; what the journal holds beyond its state is in the book by then.
///
/// Ticks are forgotten when all that was dispatched before them is processed, the oldest beyond limits::ticks_kept at once. Thread-safe.
class tick_book {
 public:
  /// How a sensor is told: sends a message, and calls nothing of the book.
  using teller = std::function<void(sensor_id, const tick&)>;
  explicit tick_book(teller tell) : tell_(std::move(tell)) {}
  /// Tells nobody any more.
  void close();

  /// The first tick with after < sequence < before that is not before `due_us`.
  std::optional<tick> first(std::uint64_t after, std::uint64_t before, std::int64_t due_us) const;
  /// The sensor wants to be told of the first tick behind entry `after` that is not before `due_us`.
  void wait(sensor_id sensor, std::uint64_t after, std::int64_t due_us);
  /// The sensor is deleted.
  void forget(sensor_id sensor);

  /// A committed tick, when all entries before it are in mailboxes: tells the sensors that wait for it.
  void put(const tick& committed);
  /// Old ticks for sensors that are rebuilt: they look at them once more.
  void put_again(const std::vector<tick>& old);
  /// Forgets all ticks when `idle` says that nothing is under way that was dispatched before now; it is asked under the book's lock.
  void forget_when(const std::function<bool()>& idle);

  std::size_t size() const;                    ///< ticks kept
  std::optional<std::int64_t> due_us() const;  ///< the earliest instant that a sensor waits for
  std::size_t waiting() const;                 ///< sensors

 private:
  void erase_wish(sensor_id sensor);

  mutable std::mutex mutex_;
  teller tell_;                                         // guarded by mutex_, like all below; empty when closed
  std::deque<tick> ticks_;                              // by sequence
  std::atomic<std::int64_t> latest_us_{INT64_MIN};      // no tick of ticks_ is later; read without the lock
  std::unordered_map<sensor_id, std::int64_t> wishes_;  // due_us
  std::set<std::pair<std::int64_t, sensor_id>> by_due_;
};

/// Gives an actor the ticks before entry `before` that it waits for, in order. `due` says for when it waits (optional), `applied` is the
/// newest entry that it has seen, `pass` takes a tick in.
template <class Due, class Pass>
void let_time_pass(const tick_book& ticks, std::uint64_t& applied, std::uint64_t before, Due due, Pass pass) {
  for (std::optional<std::int64_t> at = due(); at; at = due()) {
    const auto next = ticks.first(applied, before, *at);
    if (!next) return;
    applied = next->sequence;
    pass(*next);
  }
}

}  // namespace factory
