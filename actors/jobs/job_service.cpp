#include "actors/jobs/job_service.hpp"

#include <caf/scoped_actor.hpp>

#include <utility>

#include "actors/engine/limits.hpp"
#include "actors/jobs/job_runner.hpp"

namespace factory {

namespace {

class running_job_service final : public job_service {
 public:
  running_job_service(caf::actor_system& system, const job_parts& parts, const job_config& config)
      : system_(system), board_(new job_board{{}, {false}, parts.records, parts.now_us}) {
    for (auto& each : background_jobs(parts, config)) {
      auto entry = std::make_unique<job_board::entry>();
      entry->work = std::move(each);
      board_->jobs.push_back(std::move(entry));
    }
    runner_ = system_.spawn<caf::detached>(job_runner, board_);
  }
  ~running_job_service() override {
    board_->stopping = true;
    caf::anon_send_exit(runner_, caf::exit_reason::user_shutdown);
    caf::scoped_actor waiting{system_};
    waiting->wait_for(runner_);
  }
  running_job_service(const running_job_service&) = delete;
  running_job_service& operator=(const running_job_service&) = delete;

  std::vector<job_info> jobs() const override {
    std::vector<job_info> infos;
    for (const auto& entry : board_->jobs) {
      job_info info{entry->work.name, entry->work.every_us, entry->next_at_us.load(), {}};
      if (auto last = board_->records.runs(info.name, 1); last && !last->empty()) info.last = std::move(last->front());
      infos.push_back(std::move(info));
    }
    return infos;
  }

  expected<job_run> run(const std::string& name) override {
    for (std::size_t job = 0; job < board_->jobs.size(); ++job) {
      if (board_->jobs[job]->work.name != name) continue;
      if (board_->jobs[job]->asked.exchange(true))
        return fail(errc::conflict, "this job was asked to run already and has not ended");
      auto [answer, waiter] = reply<job_run>::make();
      caf::anon_send(runner_, run_order{job, std::move(answer)});
      return waiter.wait_for(limits::job_deadline_ms);
    }
    return fail(errc::not_found, "Job not found");
  }

  expected<std::vector<job_run>> runs(const std::optional<std::string>& job, std::size_t limit) const override {
    return board_->records.runs(job, limit);
  }
  expected<std::vector<report_info>> reports(std::optional<factory_id> factory, std::size_t limit) const override {
    return board_->records.reports(factory, limit);
  }
  expected<std::string> report_json(std::uint64_t id) const override { return board_->records.report_json(id); }
  expected<std::string> report_html(std::uint64_t id) const override { return board_->records.report_html(id); }

 private:
  caf::actor_system& system_;
  std::shared_ptr<job_board> board_;
  job_runner_actor runner_;
};

}  // namespace

std::unique_ptr<job_service> make_job_service(caf::actor_system& system, const job_parts& parts, const job_config& config) {
  return std::make_unique<running_job_service>(system, parts, config);
}

}  // namespace factory
