#pragma once

#include <caf/all.hpp>
#include <cstddef>

namespace factory {

/// CAF as we run it: explicit worker threads, a finite number of messages per turn so that no hot actor keeps a thread, and the
/// sharing scheduler: one queue that wakes threads instead of polling (library-notes 14 to 16; work stealing was slower).
/// Workers give way to the threads that answer, commit and alert; what they may leave undone is bounded by credits.
class actor_runtime {
 public:
  explicit actor_runtime(std::size_t worker_threads) : config_(worker_threads), system_(config_) {}
  caf::actor_system& system() { return system_; }

 private:
  struct give_way final : caf::thread_hook {
    void init(caf::actor_system&) override {}
    void thread_started() override;
    void thread_terminates() override {}
  };
  struct config : caf::actor_system_config {
    explicit config(std::size_t worker_threads) {
      set("scheduler.policy", caf::atom("sharing"));  // an atom: a string would be passed over silently
      set("scheduler.max-threads", worker_threads);
      set("scheduler.max-throughput", std::size_t{300});
      add_thread_hook<give_way>();
    }
  };
  config config_;
  caf::actor_system system_;
};

}  // namespace factory
