#include "actors/backtest/backtest_service.hpp"

#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "actors/backtest/limits.hpp"

namespace factory {

namespace {

constexpr std::array state_texts{std::string_view("waiting"), std::string_view("running"), std::string_view("done"),
                                 std::string_view("failed"), std::string_view("cancelled")};
constexpr int nicer_by = 15;

/// The threads that it starts inherit this. If a call fails, results are the same, and live work has less.
void go_behind_all() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
}

bool is_over(backtest_state state) { return state != backtest_state::waiting && state != backtest_state::running; }

class service final : public backtest_service {
 public:
  explicit service(backtest_parts parts) : parts_(std::move(parts)), runner_([this] { run_all(); }) {}
  ~service() override {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
      for (auto& [id, each] : records_) each->progress.cancelled = true;
    }
    changed_.notify_all();
    runner_.join();
  }

  expected<backtest_info> begin(const backtest_request& asked, factory_id within) override {
    auto spec = plan_backtest(asked, parts_.in_force(), parts_.usual, parts_.now_us());
    if (!spec) return tl::unexpected(std::move(spec.error()));
    spec->threads = parts_.threads;
    auto made = std::make_shared<record>();
    made->spec = std::move(*spec);
    made->info.within = within;
    made->info.created_at_us = made->spec.now_us;
    const std::lock_guard lock(mutex_);
    const auto waiting =
        std::ranges::count_if(records_, [](const auto& each) { return each.second->info.state == backtest_state::waiting; });
    if (static_cast<std::size_t>(waiting) >= limits::backtests_in_line)
      return fail(errc::overloaded, "enough backtests are waiting; ask again when one has ended, or delete one");
    made->info.id = ++last_id_;
    records_.emplace(made->info.id, made);
    changed_.notify_all();
    return view(*made);
  }

  expected<backtest_info> find(std::uint64_t id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) return fail(errc::not_found, "Backtest not found");
    return view(*found->second);
  }

  std::vector<backtest_info> all() const override {
    const std::lock_guard lock(mutex_);
    std::vector<backtest_info> out;
    for (auto each = records_.rbegin(); each != records_.rend(); ++each) out.push_back(view(*each->second));
    return out;
  }

  expected<void> remove(std::uint64_t id) override {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) return fail(errc::not_found, "Backtest not found");
    found->second->progress.cancelled = true;
    records_.erase(found);
    return {};
  }

 private:
  struct record {
    backtest_info info;
    backtest_spec spec;  ///< until it has run
    backtest_progress progress;
    std::chrono::steady_clock::time_point started;
  };

  /// REQUIRES mutex_.
  static backtest_info view(const record& of) {
    auto out = of.info;
    if (!is_over(out.state)) {
      out.readings = of.progress.readings;
      out.share = of.progress.share;
    }
    if (out.state == backtest_state::running && out.share > 0) {
      const auto taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - of.started).count();
      out.left_seconds = taken / out.share * (1 - out.share);
    }
    return out;
  }

  std::shared_ptr<record> next() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (ends_) return nullptr;
      for (auto& [id, each] : records_)
        if (each->info.state == backtest_state::waiting) {
          each->info.state = backtest_state::running;
          each->started = std::chrono::steady_clock::now();
          return each;
        }
      changed_.wait(lock);
    }
  }

  expected<backtest_result> run(record& what) const {
    try {
      return run_backtest(what.spec, parts_.read, what.progress);
    } catch (const std::exception& e) {
      return fail(errc::unavailable, e.what());
    }
  }

  void run_all() {
    go_behind_all();
    while (const auto what = next()) {
      auto came = run(*what);
      const std::lock_guard lock(mutex_);
      what->info.readings = what->progress.readings;
      what->info.share = what->progress.share;
      what->spec = {};
      if (came) {
        what->info.state = backtest_state::done;
        spdlog::info("backtest {}: {} readings in {:.2f} s", what->info.id, came->readings, came->seconds);
        what->info.result = std::make_shared<const backtest_result>(std::move(*came));
      } else {
        what->info.state = what->progress.cancelled ? backtest_state::cancelled : backtest_state::failed;
        what->info.failure = came.error().message;
      }
      forget_old();
    }
  }

  void forget_old() {
    auto over = static_cast<std::size_t>(
        std::ranges::count_if(records_, [](const auto& each) { return is_over(each.second->info.state); }));
    for (auto each = records_.begin(); over > limits::backtests_kept && each != records_.end();) {
      if (!is_over(each->second->info.state)) {
        ++each;
        continue;
      }
      each = records_.erase(each);
      --over;
    }
  }

  const backtest_parts parts_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::shared_ptr<record>> records_;  // guarded by mutex_, like all below
  std::uint64_t last_id_ = 0;
  bool ends_ = false;
  std::thread runner_;
};

}  // namespace

std::string_view to_text(backtest_state state) { return state_texts.at(static_cast<std::size_t>(state)); }

std::unique_ptr<backtest_service> make_backtest_service(backtest_parts parts) {
  return std::make_unique<service>(std::move(parts));
}

}  // namespace factory
