#include "actors/jobs/job_runner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "actors/sensors/failure.hpp"

namespace factory {

namespace {

/// After a start, an overdue job waits this long.
constexpr std::int64_t soon_us = 10'000'000;

using self_pointer = job_runner_actor::stateful_pointer<job_runner_state>;

void schedule(self_pointer self, std::size_t job, std::int64_t at_us) {
  auto& board = *self->state.board;
  board.jobs[job]->next_at_us = at_us;
  const auto wait_us = std::max<std::int64_t>(0, at_us - board.now_us());
  self->delayed_send(self, std::chrono::microseconds(wait_us), job_due{job});
}

void schedule_first(self_pointer self, std::size_t job) {
  auto& board = *self->state.board;
  const auto every_us = board.jobs[job]->work.every_us;
  if (every_us == 0) return;
  const auto now_us = board.now_us();
  std::int64_t at_us = now_us + every_us;
  if (const auto last = board.records.runs(board.jobs[job]->work.name, 1); last && !last->empty())
    at_us = std::clamp(last->front().started_at_us + every_us, std::min(now_us + soon_us, at_us), at_us);
  schedule(self, job, at_us);
}

/// An exception is the job's failure, not the runner's.
expected<std::string> outcome_of(const job& what, const std::atomic<bool>& stopping, asked_by who) {
  spdlog::debug("job {} begins", what.name);
  try {
    return what.work(stopping, who);
  } catch (const std::exception& e) {
    return fail(errc::unavailable, e.what());
  }
}

expected<job_run> run(job_board& board, const job& what, asked_by who) {
  if (board.stopping) return fail(errc::stopping, "the engine is stopping");
  auto begun = board.records.begin(what.name, board.now_us());
  if (!begun) return begun;
  auto outcome = outcome_of(what, board.stopping, who);
  begun->duration_us = board.now_us() - begun->started_at_us;
  begun->result = outcome ? job_run::outcome::succeeded : job_run::outcome::failed;
  begun->detail = outcome ? std::move(*outcome) : outcome.error().message;
  spdlog::info("job {}: {} ({:.3f} s)", what.name, begun->detail, static_cast<double>(begun->duration_us) / 1e6);
  if (auto recorded = board.records.finish(*begun); !recorded) return tl::unexpected(recorded.error());
  return begun;
}

}  // namespace

job_runner_actor::behavior_type job_runner(self_pointer self, std::shared_ptr<job_board> board) {
  self->state.board = std::move(board);
  fail_loudly(self, "the background jobs");
  for (std::size_t job = 0; job < self->state.board->jobs.size(); ++job) schedule_first(self, job);
  return {[self](const job_due& due) {
            auto& shared = *self->state.board;
            const auto& what = shared.jobs[due.job]->work;
            const auto began_us = shared.now_us();
            if (auto done = run(shared, what, asked_by::schedule); !done)
              spdlog::warn("job {} was not run: {}", what.name, done.error().message);
            if (!shared.stopping) schedule(self, due.job, began_us + what.every_us);
          },
          [self](const run_order& order) {
            auto& entry = *self->state.board->jobs[order.job];
            auto done = run(*self->state.board, entry.work, asked_by::hand);
            entry.asked = false;
            order.answer.set(std::move(done));
          }};
}

}  // namespace factory
