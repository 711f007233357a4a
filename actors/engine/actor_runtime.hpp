#pragma once

#include <caf/all.hpp>
#include <cstddef>

namespace factory {

/// CAF's configuration: an explicit number of worker threads; a finite number of messages per turn, so no busy actor keeps a thread;
/// and the sharing scheduler, one queue that wakes threads instead of polling. Work stealing was slower.
class actor_runtime {
 public:
  explicit actor_runtime(std::size_t worker_threads) : config_(worker_threads), system_(config_) {}
  caf::actor_system& system() { return system_; }

 private:
  struct config : caf::actor_system_config {
    explicit config(std::size_t worker_threads) {
      set("scheduler.policy", caf::atom("sharing"));  // an atom: CAF silently ignores a string
      set("scheduler.max-threads", worker_threads);
      set("scheduler.max-throughput", std::size_t{300});
    }
  };
  config config_;
  caf::actor_system system_;
};

/// Lowers the priority of the calling worker thread for good, below the threads that read, commit and alert. Credits bound the work that
/// a slow worker leaves undone. This is no CAF thread hook, because threads of detached actors would run the hook too.
void give_way();

}  // namespace factory
