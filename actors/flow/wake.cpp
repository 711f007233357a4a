#include "actors/flow/wake.hpp"

#include "actors/engine/actor_runtime.hpp"
#include "actors/engine/limits.hpp"

namespace factory {

namespace {

/// As CAF's own worker treats an actor when it has run.
void run_on(caf::execution_unit& unit, caf::resumable* job, std::size_t max_messages) {
  if (job->resume(&unit, max_messages) == caf::resumable::resume_later)
    unit.exec_later(job);
  else
    job->intrusive_ptr_release_impl();
}

/// Actors that a worker runs one after the other. It also lowers the worker's priority.
class bundle final : public caf::ref_counted, public caf::resumable {
 public:
  explicit bundle(std::vector<caf::resumable*> actors) : actors_(std::move(actors)) {}
  ~bundle() override {
    for (auto* each : actors_) each->intrusive_ptr_release_impl();
  }

  resume_result resume(caf::execution_unit* unit, std::size_t max_messages) override {
    give_way();
    for (auto* each : std::exchange(actors_, {})) run_on(*unit, each, max_messages);
    return done;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  std::vector<caf::resumable*> actors_;
};

}  // namespace

void bundled_wakes::exec_later(caf::resumable* woken) {
  woken_.push_back(woken);
  if (woken_.size() == limits::wake_bundle) flush();
}

void bundled_wakes::flush() {
  if (woken_.empty()) return;
  system().scheduler().enqueue(new bundle(std::exchange(woken_, {})));  // with the reference that it is born with
}

void run_here::exec_later(caf::resumable* woken) { woken_.push_back(woken); }

void run_here::run() {
  for (std::size_t i = 0; i < woken_.size(); ++i) {  // grows meanwhile
    auto* const job = woken_[i];
    if (job->resume(this, 1) == caf::resumable::resume_later)
      system().scheduler().enqueue(job);
    else
      job->intrusive_ptr_release_impl();
  }
  woken_.clear();
}

}  // namespace factory
