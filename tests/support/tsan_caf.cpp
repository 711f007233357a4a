// Linked only into programs with actors that are built with the thread sanitizer. libcaf_core is not compiled with the sanitizer, so the
// sanitizer does not see the atomics with which CAF hands over a message, an actor, and the end of an actor. These functions replace
// CAF's own, tell the sanitizer about the hand-over, and call the originals. State that actors share other than by messages is then
// reported like any race.
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

// A message: everything before the send happens before the receiver handles it.

void scheduled_actor::enqueue(mailbox_element_ptr message, execution_unit* worker) {
  using function = void(scheduled_actor*, mailbox_element_ptr, execution_unit*);
  static auto* const original = of_caf<function>(
      "_ZN3caf15scheduled_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_unitE");
  __tsan_release(message.get());
  original(this, std::move(message), worker);
}

// An actor's turns: its start and each message happen one after the other, on any thread.

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

// An actor's end: it happens after the release of every handle. Price: releasing a handle counts as a hand-over to each thread that
// releases another handle of that actor later.

void intrusive_ptr_release(actor_control_block* actor) {
  using function = void(actor_control_block*);
  static auto* const original = of_caf<function>("_ZN3caf21intrusive_ptr_releaseEPNS_19actor_control_blockE");
  __tsan_release(actor);
  __tsan_acquire(actor);
  original(actor);
}

}  // namespace caf
