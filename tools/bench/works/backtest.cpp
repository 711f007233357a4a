#include "bench/works/backtest.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
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
}

}  // namespace factory::bench
