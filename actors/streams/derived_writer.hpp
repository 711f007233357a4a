#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "actors/streams/stream_messages.hpp"

namespace factory {

/// Writes what all instances derive. While one entry is on its way into the journal, what they derive waits and then goes as one entry: so
/// many instances cost a commit no more than one does.
///
/// Invariants:
///   * One entry is under way at a time, and what was handed over goes in the order in which it came: of a sensor and time the journal gets last
///     what was derived last.
///   * The credits of the readings from which it was derived are let go when it is committed. So what waits here is bounded by what may wait for
///     instances (limits::stream_queued_readings), and while it is more than limits::derived_readings_waiting, instances get nothing to derive from.
///   * What is refused is written again, after a second. What was derived by an instance that has ended is dropped.
///
/// put() is called from any thread; the rest is an actor.
class derived_writer {
 public:
  using port = std::function<expected<journal::ticket>(reading_batch, journal::waker)>;

  derived_writer(caf::actor_system& system, port write);
  ~derived_writer();
  derived_writer(const derived_writer&) = delete;
  derived_writer& operator=(const derived_writer&) = delete;

  void put(derived_readings made);
  /// From now on nothing is written, and nothing is held. The instances are about to end.
  void stop();
  bool has_room() const;
  struct counters {
    std::uint64_t readings = 0, entries = 0, hand_overs = 0;  ///< committed
    std::uint64_t waiting = 0;                                ///< readings, on their way ones too
  };
  counters count() const;

  struct line;

 private:
  std::shared_ptr<line> line_;
  derived_writer_actor actor_;
};

/// One batch of what was handed over, in that order: by sensor and time, of each the last.
reading_batch joined(std::span<const derived_readings> all);

}  // namespace factory
