#include "bench/works/backtest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/engine/engine.hpp"
#include "process/child_process.hpp"

namespace factory::bench {

namespace {

constexpr std::int64_t second_us = 1'000'000, begin_us = 1'767'225'600 * second_us;
constexpr std::size_t ticks_a_body = 100;
constexpr std::int64_t settle_ms = 600'000;

template <class T>
T must(expected<T> came) {
  if (!came) throw std::runtime_error(came.error().message);
  return std::move(*came);
}
void must(const expected<void>& came) {
  if (!came) throw std::runtime_error(came.error().message);
}

/// A plant with a rule on each sensor that is passed now and then.
void fill(engine& with, const backtest_options& how) {
  must(with.create(std::vector{factory_entry{0, "works", "Ulm", 0}}));
  must(with.create(std::vector{machine_entry{0, 1, "mill", "CNC", {}, 0}}));
  std::vector<sensor_entry> sensors;
  for (std::size_t i = 0; i < how.sensors; ++i) sensors.push_back({0, 1, "s" + std::to_string(i), "C", {}, 0});
  must(with.create(std::move(sensors)));
  std::vector<alert_rule> rules(how.sensors);
  for (std::size_t i = 0; i < how.sensors; ++i) {
    rules[i].sensor = static_cast<sensor_id>(i + 1);
    rules[i].name = "hot";
    rules[i].condition = rule_condition::greater_than;
    rules[i].high = 56.5;
    rules[i].options.deadband = 1;
  }
  must(with.create(std::move(rules)));
  std::uint64_t state = 1;
  const auto ticks = how.readings / how.sensors;
  for (std::size_t first = 0; first < ticks; first += ticks_a_body) {
    reading_batch batch;
    const auto count = std::min(ticks_a_body, ticks - first);
    for (std::size_t i = 0; i < how.sensors; ++i) {
      const auto row = static_cast<std::uint32_t>(batch.size());
      for (std::size_t tick = first; tick < first + count; ++tick) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto noise = static_cast<double>(state >> 40) / (1 << 24) - 0.5;
        batch.event_time_us.push_back(begin_us + static_cast<std::int64_t>(tick) * second_us);
        batch.value.push_back(std::round(100 * (50 + 5 * std::sin(static_cast<double>(tick + 37 * i) / 200) + 4 * noise)) / 100);
      }
      batch.slices.push_back({static_cast<sensor_id>(i + 1), row, static_cast<std::uint32_t>(batch.size())});
    }
    while (true) {
      const auto stored = with.ingest(batch, durability::buffered);
      if (stored) break;
      if (stored.error().code != errc::overloaded) must(stored);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  must(with.settle(settle_ms));
  must(with.checkpoint());
}

backtest_info wait_for(engine& with, std::uint64_t id) {
  for (;;) {
    auto now = must(with.backtests().find(id));
    if (now.state > backtest_state::running) return now;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

using clock = std::chrono::steady_clock;
constexpr std::size_t ticks_a_live_body = 10, feeders = 2;

/// Bodies of live readings, each newer than the one before.
class live_bodies {
 public:
  explicit live_bodies(const backtest_options& how) : how_(how), tick_(how.readings / how.sensors) {}
  reading_batch next() {
    const auto first = tick_.fetch_add(ticks_a_live_body);
    reading_batch batch;
    for (std::size_t i = 0; i < how_.sensors; ++i) {
      const auto row = static_cast<std::uint32_t>(batch.size());
      for (auto tick = first; tick < first + ticks_a_live_body; ++tick) {
        batch.event_time_us.push_back(begin_us + static_cast<std::int64_t>(tick) * second_us);
        batch.value.push_back(50 + 5 * std::sin(static_cast<double>(tick + 37 * i) / 200));
      }
      batch.slices.push_back({static_cast<sensor_id>(i + 1), row, static_cast<std::uint32_t>(batch.size())});
    }
    return batch;
  }
  std::size_t readings() const { return how_.sensors * ticks_a_live_body; }

 private:
  const backtest_options& how_;
  std::atomic<std::size_t> tick_;
};

/// How long each body waited, from when it was due. `interval` between bodies of all feeders; 0: each sends its next body at once.
std::vector<double> feed_live(engine& with, live_bodies& bodies, double seconds, double interval_s) {
  std::mutex mutex;
  std::vector<double> waited_ms;
  const auto begun = clock::now();
  const auto at = [&](double s) { return begun + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(s)); };
  std::atomic<std::size_t> number{0};
  const auto feeder = [&] {
    for (;;) {
      auto body = bodies.next();  // made before it is due
      const auto due = interval_s > 0 ? at(interval_s * static_cast<double>(number.fetch_add(1))) : clock::now();
      if (due >= at(seconds)) return;
      std::this_thread::sleep_until(due);
      while (!with.ingest(body, durability::fsync)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const auto took = std::chrono::duration<double, std::milli>(clock::now() - due).count();
      const std::lock_guard lock(mutex);
      waited_ms.push_back(took);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < feeders; ++i) threads.emplace_back(feeder);
  for (auto& each : threads) each.join();
  must(with.settle(settle_ms));
  std::ranges::sort(waited_ms);
  return waited_ms;
}

double share_of(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void run_beside_live(engine& with, const backtest_options& how) {
  live_bodies bodies(how);
  const auto flat_out = feed_live(with, bodies, 3, 0);
  const auto interval_s = 2 * 3.0 / static_cast<double>(flat_out.size());
  fmt::print("live: {:.2f} M readings/s at most; at half of that, {:.1f} bodies/s:\n",
             static_cast<double>(flat_out.size() * bodies.readings()) / 3e6, 1 / interval_s);
  fmt::print("{:>20}{:>10}{:>12}{:>12}\n", "beside", "bodies", "p50 ms", "p99 ms");
  constexpr std::size_t pairs = 5;  // alone and beside in turn: the machine is not the same from one minute to the next
  std::vector<double> p99s_ms[2];
  feed_live(with, bodies, how.live_seconds, interval_s);  // not counted: the full load has left work behind
  for (std::size_t run = 0; run < 2 * pairs; ++run) {
    const bool beside = run % 2 == 1;
    std::atomic<bool> ends{false};
    std::uint64_t judged = 0;
    std::thread judging([&] {
      backtest_request asked;
      asked.range.end_us = begin_us + static_cast<std::int64_t>(how.readings / how.sensors) * second_us;
      while (beside && !ends) judged += wait_for(with, must(with.backtests().begin(asked, 0)).id).readings;
    });
    const auto waited_ms = feed_live(with, bodies, how.live_seconds, interval_s);
    ends = true;
    judging.join();
    const auto p99_ms = share_of(waited_ms, 0.99);
    fmt::print("{:>20}{:>10}{:>12.2f}{:>12.2f}", beside ? "a backtest" : "nothing", waited_ms.size(), share_of(waited_ms, 0.5),
               p99_ms);
    beside ? fmt::print("   {:+.0f} %, {:.2f} M readings/s judged\n", 100 * (p99_ms / p99s_ms[0].back() - 1),
                        static_cast<double>(judged) / how.live_seconds / 1e6)
           : fmt::print("\n");
    std::fflush(stdout);
    p99s_ms[beside ? 1 : 0].push_back(p99_ms);
  }
  for (auto& each : p99s_ms) std::ranges::sort(each);
  const auto print = [](std::string_view name, const std::vector<double>& sorted) {
    fmt::print("{:>20}: median p99 {:.2f} ms, from {:.2f} to {:.2f}\n", name, share_of(sorted, 0.5), sorted.front(),
               sorted.back());
  };
  print("nothing beside", p99s_ms[0]);
  print("a backtest beside", p99s_ms[1]);
  fmt::print("{:>20}: {:+.0f} %\n", "of medians", 100 * (share_of(p99s_ms[1], 0.5) / share_of(p99s_ms[0], 0.5) - 1));
}

}  // namespace

void run_backtests(const backtest_options& how) {
  const temp_directory directory("factory-bench");
  engine_config config;
  config.data_dir = directory.path();
  config.jobs.rollup_every_us = config.jobs.rewrite_every_us = 0;
  const auto with = must(engine::open(std::move(config)));
  fill(*with, how);
  fmt::print("{:>14}{:>10}{:>14}{:>12}  digest\n", "readings", "seconds", "M readings/s", "findings");
  for (int run = 0; run < 3; ++run) {
    const auto done = wait_for(*with, must(with->backtests().begin({}, 0)).id);
    if (!done.result) throw std::runtime_error(done.failure);
    const auto& result = *done.result;
    fmt::print("{:>14}{:>10.2f}{:>14.2f}{:>12}  {:016x}\n", result.readings, result.seconds,
               static_cast<double>(result.readings) / result.seconds / 1e6, result.findings, result.digest);
    std::fflush(stdout);
  }
  if (how.live_seconds > 0) run_beside_live(*with, how);
}

}  // namespace factory::bench
