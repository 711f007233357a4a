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
#include "pipelines/backtest/backtest_coding.hpp"

namespace factory {

namespace {

constexpr std::array state_texts{std::string_view("waiting"), std::string_view("running"), std::string_view("done"),
                                 std::string_view("failed"), std::string_view("cancelled")};
constexpr int nicer_by = 15;

/// The threads that it starts inherit this. If a call fails, results are the same, and live work has less. Not SCHED_IDLE: where the processors are
/// full for long, a backtest would not come to its end.
void go_behind_all() {
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_BATCH, &none);
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + nicer_by);
}

using stored_condition = stored_backtest::condition;
static_assert(static_cast<int>(stored_condition::waiting) == static_cast<int>(backtest_state::waiting) &&
              static_cast<int>(stored_condition::cancelled) == static_cast<int>(backtest_state::cancelled));

stored_backtest stored_of(const backtest_info& info) {
  return {info.id,    info.within, static_cast<stored_condition>(info.state), info.created_at_us, info.readings,
          info.share, info.failure};
}

backtest_info info_of(const stored_backtest& stored) {
  backtest_info info;
  info.id = stored.id;
  info.within = stored.within;
  info.state = static_cast<backtest_state>(stored.state);
  info.created_at_us = stored.created_at_us;
  info.readings = stored.readings;
  info.share = stored.share;
  info.failure = stored.failure;
  return info;
}

bool is_over(backtest_state state) { return state != backtest_state::waiting && state != backtest_state::running; }

class service final : public backtest_service {
 public:
  service(backtest_parts parts, backtest_store& store, const std::vector<stored_backtest>& before)
      : parts_(std::move(parts)), store_(store) {
    for (const auto& each : before) {
      auto known = std::make_shared<record>();
      known->info = info_of(each);
      records_.emplace(each.id, std::move(known));
    }
    runner_ = std::thread([this] { run_all(); });
  }
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
    auto id = store_.next_id();
    if (!id) return tl::unexpected(std::move(id.error()));
    made->info.id = *id;
    if (auto stored = store_.put(stored_of(made->info)); !stored) return tl::unexpected(std::move(stored.error()));
    records_.emplace(made->info.id, made);
    changed_.notify_all();
    return view(*made);
  }

  expected<backtest_info> find(std::uint64_t id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) return fail(errc::not_found, "Backtest not found");
    auto out = view(*found->second);
    if (out.state != backtest_state::done || out.result) return out;
    const auto bytes = store_.result(id);
    if (!bytes) return tl::unexpected(bytes.error());
    backtest_result result;
    if (!*bytes) {
      out.failure = "Its result was too large to be kept over a restart; ask again.";
    } else if (decode(**bytes, result)) {
      out.result = std::make_shared<const backtest_result>(std::move(result));
    } else {
      return fail(errc::corrupt, "The result of the backtest cannot be read: it is damaged or of a newer version.");
    }
    return out;
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
    if (auto removed = store_.remove({id}); !removed) return removed;
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
          store(each->info);
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
      auto& info = what->info;
      info.readings = what->progress.readings;
      info.share = what->progress.share;
      what->spec = {};
      if (came) {
        info.state = backtest_state::done;
        spdlog::info("backtest {}: {} readings in {:.2f} s", info.id, came->readings, came->seconds);
        keep(info, std::move(*came));
      } else {
        info.state = ends_ || !what->progress.cancelled ? backtest_state::failed : backtest_state::cancelled;
        info.failure = ends_ ? "The program ended while it ran; ask again." : came.error().message;
        if (records_.contains(info.id)) store(info);
      }
      forget_old();
    }
  }

  /// REQUIRES mutex_. On disk, or in memory where that cannot be.
  void keep(backtest_info& info, backtest_result came) {
    if (!records_.contains(info.id)) return;
    std::string bytes;
    encode(came, bytes);
    const bool fits = bytes.size() <= limits::backtest_result_bytes;
    const auto stored = store_.put(stored_of(info), fits ? std::optional<std::string_view>(bytes) : std::nullopt);
    if (!stored) spdlog::warn("backtest {} is kept in memory alone: {}", info.id, stored.error().message);
    if (!stored || !fits) info.result = std::make_shared<const backtest_result>(std::move(came));
  }

  /// REQUIRES mutex_. What cannot be recorded is known until the process ends.
  void store(const backtest_info& info) {
    if (auto stored = store_.put(stored_of(info)); !stored) spdlog::warn("backtest {}: {}", info.id, stored.error().message);
  }

  void forget_old() {
    auto over = static_cast<std::size_t>(
        std::ranges::count_if(records_, [](const auto& each) { return is_over(each.second->info.state); }));
    std::vector<std::uint64_t> old;
    for (auto each = records_.begin(); over > limits::backtests_kept && each != records_.end();) {
      if (!is_over(each->second->info.state)) {
        ++each;
        continue;
      }
      old.push_back(each->first);
      each = records_.erase(each);
      --over;
    }
    if (auto removed = store_.remove(old); !removed) spdlog::warn("old backtests: {}", removed.error().message);
  }

  const backtest_parts parts_;
  backtest_store& store_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::shared_ptr<record>> records_;  // guarded by mutex_, like all below
  bool ends_ = false;
  std::thread runner_;
};

}  // namespace

std::string_view to_text(backtest_state state) { return state_texts.at(static_cast<std::size_t>(state)); }

expected<std::unique_ptr<backtest_service>> make_backtest_service(backtest_parts parts, backtest_store& store) {
  const auto before = store.load();
  if (!before) return tl::unexpected(before.error());
  return std::make_unique<service>(std::move(parts), store, *before);
}

}  // namespace factory
