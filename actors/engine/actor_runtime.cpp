#include "actors/engine/actor_runtime.hpp"

#include <sched.h>
#include <sys/resource.h>

namespace factory {

namespace {

constexpr int nicer_by = 5;

/// Neither needs a privilege, and without them all is right too, only later. On Linux a nice value is that of one thread.
bool lower_priority() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);  // woken, it does not interrupt another thread
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
  return true;
}

}  // namespace

void give_way() {
  static thread_local const bool once = lower_priority();
  static_cast<void>(once);
}

}  // namespace factory
