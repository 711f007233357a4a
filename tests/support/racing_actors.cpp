// Two actors that write to the same place at the same time: the thread sanitizer must say so (tests/support/tsan_caf.cpp).
#include <atomic>
#include <thread>

#include "actors/engine/actor_runtime.hpp"

namespace {

int shared = 0;                // what they race for
std::atomic<int> writers = 0;  // relaxed: puts neither before the other

caf::behavior racer(caf::event_based_actor* self, int step) {
  return {[=](caf::ok_atom) {
    shared += step;
    for (writers.fetch_add(1, std::memory_order_relaxed); writers.load(std::memory_order_relaxed) < 2;) std::this_thread::yield();
    self->quit();
  }};
}

}  // namespace

int main() {
  factory::actor_runtime runtime(2);
  for (const int step : {1, 2}) caf::anon_send(runtime.system().spawn(racer, step), caf::ok_atom::value);
}
