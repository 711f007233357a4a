// Part of every program with actors that is built with the thread sanitizer, and of no other. libcaf_core is not compiled with the
// sanitizer, which therefore does not see the atomics by which CAF hands over a message, an actor, and the end of an actor. These
// functions take the place of CAF's own, tell the sanitizer, and call them: what an actor shares by other means than messages is
// then a race like any other.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <caf/scheduled_actor.hpp>
#include <cstdlib>

namespace {

/// CAF's own function of this mangled name.
template <class Function>
Function* of_caf(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (!found) std::abort();
  return reinterpret_cast<Function*>(found);
}

}  // namespace

namespace caf {

// A message: what its sender did comes before what its receiver does.

void scheduled_actor::enqueue(mailbox_element_ptr message, execution_unit* worker) {
  using function = void(scheduled_actor*, mailbox_element_ptr, execution_unit*);
  static auto* const original = of_caf<function>(
      "_ZN3caf15scheduled_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_unitE");
  __tsan_release(message.get());
  original(this, std::move(message), worker);
}

// An actor's turns: its start, then message after message, on whichever thread.

resumable::resume_result scheduled_actor::resume(execution_unit* worker, size_t messages_at_most) {
  using function = resume_result(scheduled_actor*, execution_unit*, size_t);
  static auto* const original = of_caf<function>("_ZN3caf15scheduled_actor6resumeEPNS_14execution_unitEm");
  __tsan_acquire(this);
  return original(this, worker, messages_at_most);
}

bool scheduled_actor::activate(execution_unit* worker) {
  using function = bool(scheduled_actor*, execution_unit*);
  static auto* const original = of_caf<function>("_ZN3caf15scheduled_actor8activateEPNS_14execution_unitE");
  const bool active = original(this, worker);
  __tsan_release(this);
  return active;
}

scheduled_actor::activation_result scheduled_actor::reactivate(mailbox_element& message) {
  using function = activation_result(scheduled_actor*, mailbox_element&);
  static auto* const original = of_caf<function>("_ZN3caf15scheduled_actor10reactivateERNS_15mailbox_elementE");
  __tsan_acquire(&message);
  const auto result = original(this, message);
  __tsan_release(this);
  return result;
}

// An actor's end: after all that was done by those who knew it. Price: giving up a handle of an actor counts as a hand-over to whoever
// gives up another one of it later.

void intrusive_ptr_release(actor_control_block* actor) {
  using function = void(actor_control_block*);
  static auto* const original = of_caf<function>("_ZN3caf21intrusive_ptr_releaseEPNS_19actor_control_blockE");
  __tsan_release(actor);
  __tsan_acquire(actor);
  original(actor);
}

}  // namespace caf
