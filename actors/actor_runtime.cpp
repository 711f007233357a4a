#include "actors/actor_runtime.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <array>
#include <string_view>

namespace factory {

namespace {

constexpr int nicer_by = 10;

bool is_worker() {
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return std::string_view(name.data()) == "caf.multiplexer";
}

}  // namespace

/// Neither needs a privilege, and without them all is right too, only later. On Linux a nice value is that of one thread.
void actor_runtime::give_way::thread_started() {
  if (!is_worker()) return;
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);  // woken, it does not interrupt another thread
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
}

}  // namespace factory
