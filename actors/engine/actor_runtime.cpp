#include "actors/engine/actor_runtime.hpp"

#include <sched.h>
#include <sys/resource.h>

namespace factory {

namespace {

constexpr int nicer_by = 5;

/// Neither call needs a privilege; if one fails, results come later but stay right. On Linux a nice value belongs to one thread.
bool lower_priority() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);  // a woken batch thread does not preempt another thread
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
  return true;
}

}  // namespace

void give_way() {
  static thread_local const bool once = lower_priority();
  static_cast<void>(once);
}

}  // namespace factory
