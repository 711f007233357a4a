#pragma once

#include <caf/all.hpp>
#include <utility>
#include <vector>

namespace factory {

// The only files of the room that lean on CAF's insides, read from CAF 0.17.6: who owns the reference of a woken actor
// (scheduled_actor::enqueue, scheduler::worker), what eq_impl does with the execution unit of the sender, and what resume() leaves to its
// caller. Another version has to be read anew before this is raised.
static_assert(CAF_VERSION == 1706, "actors/flow/wake was read from CAF 0.17.6");

/// Decides which thread runs an actor after a message reaches its empty mailbox. CAF asks the sender's execution unit. For a sender that is
/// no actor CAF's default is one entry in the scheduler's queue per message: a lock each, and perhaps waking a thread.

/// anon_send by way of an execution unit.
template <class Actor, class Message>
void send_by(caf::execution_unit& unit, const Actor& to, Message message) {
  static_assert(caf::detail::tl_index_of<typename Actor::signatures, caf::reacts_to<Message>>::value >= 0,
                "the receiver does not accept this message");
  to->eq_impl(caf::make_message_id(), nullptr, &unit, std::move(message));
}

/// Wakes the receivers of many messages in bundles: one entry in the scheduler's queue for each limits::wake_bundle of them.
/// The destructor sends the last bundle. Not thread-safe.
class bundled_wakes final : public caf::execution_unit {
 public:
  explicit bundled_wakes(caf::actor_system& system) : caf::execution_unit(&system) {}
  ~bundled_wakes() override { flush(); }
  bundled_wakes(const bundled_wakes&) = delete;
  bundled_wakes& operator=(const bundled_wakes&) = delete;

  void exec_later(caf::resumable* woken) override;

 private:
  void flush();
  std::vector<caf::resumable*> woken_;  // a reference each
};

/// Runs idle receivers on the calling thread, one message each. A thread that would only wait for the answer saves two thread switches.
/// Actors that the receivers wake run here too; this ends, because messages go one way (interfaces.hpp). Not thread-safe.
class run_here final : public caf::execution_unit {
 public:
  explicit run_here(caf::actor_system& system) : caf::execution_unit(&system) {}
  run_here(const run_here&) = delete;
  run_here& operator=(const run_here&) = delete;

  void exec_later(caf::resumable* woken) override;
  /// Call it after the sends.
  void run();

 private:
  std::vector<caf::resumable*> woken_;  // a reference each
};

}  // namespace factory
