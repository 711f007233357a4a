#pragma once

#include <caf/all.hpp>
#include <cstddef>

namespace factory {

/// CAF as we run it: explicit worker threads, a finite number of messages per turn so that no hot actor keeps a thread, and the
/// sharing scheduler: one queue that wakes threads instead of polling; work stealing was slower.
class actor_runtime {
 public:
  explicit actor_runtime(std::size_t worker_threads) : config_(worker_threads), system_(config_) {}
  caf::actor_system& system() { return system_; }

 private:
  struct config : caf::actor_system_config {
    explicit config(std::size_t worker_threads) {
      set("scheduler.policy", caf::atom("sharing"));  // an atom: a string would be passed over silently
      set("scheduler.max-threads", worker_threads);
      set("scheduler.max-throughput", std::size_t{300});
    }
  };
  config config_;
  caf::actor_system system_;
};

/// Makes this thread, a worker, give way to those that read, commit and alert, from the first call on; what it may leave undone is bounded
/// by credits. Not a thread hook of CAF's, which the threads of detached actors call too.
void give_way();

}  // namespace factory
