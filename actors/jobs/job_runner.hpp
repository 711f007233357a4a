#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/jobs/jobs.hpp"

namespace factory {

/// State that the job runner shares with the job service.
struct job_board {
  struct entry {
    job work;
    std::atomic<std::int64_t> next_at_us{0};  ///< 0 = not scheduled
    std::atomic<bool> asked{false};           ///< a run by hand waits or runs
  };
  std::vector<std::unique_ptr<entry>> jobs;
  std::atomic<bool> stopping{false};
  job_store& records;
  std::function<std::int64_t()> now_us;
};

struct job_runner_state {
  job_runner_state() = default;
  static inline const char* name = "job_runner";
  std::shared_ptr<job_board> board;
};

/// Runs jobs one at a time. Spawn it detached: its jobs wait for the disk, which is allowed on its own thread only.
/// A job is due `every_us` after its last run began, across restarts too. An overdue job runs soon after the start.
job_runner_actor::behavior_type job_runner(job_runner_actor::stateful_pointer<job_runner_state> self,
                                           std::shared_ptr<job_board> board);

/// The service with its own runner. The destructor stops a run at the next sensor and waits for it.
std::unique_ptr<job_service> make_job_service(caf::actor_system& system, const job_parts& parts, const job_config& config);

}  // namespace factory
