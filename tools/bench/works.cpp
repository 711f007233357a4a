#include "bench/works.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point from) { return std::chrono::duration<double>(clock::now() - from).count(); }

std::optional<double> difference(std::optional<double> after, std::optional<double> before) {
  return after && before ? std::optional(*after - *before) : std::nullopt;
}

void set_latency(figures& of, std::vector<std::uint32_t> latency_us) {
  const auto latency = summed_up(std::move(latency_us));
  of.p50_us = latency.p50_us;
  of.p99_us = latency.p99_us;
  of.max_us = latency.max_us;
}

}  // namespace

time_line recent(std::int64_t tick_ms) {
  const auto hours =
      std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now().time_since_epoch()) - std::chrono::hours(30 * 24);
  return {std::chrono::milliseconds(hours).count(), tick_ms};
}

std::vector<std::uint32_t> with_history(server& target, const workload_options& options, const time_line& line) {
  if (options.history < options.range || options.history % options.ticks_per_body != 0)
    throw std::runtime_error("--history must be a multiple of --ticks and not less than --range");
  auto sensors = target.add_sensors(options.sensors);
  bulk_work bodies(target, body_shape::rows, sensors, options.ticks_per_body, line, 1, options.history);
  run_load(target.port(), 1, bodies, 0);
  target.settle();
  return sensors;
}

void check_stored(server& target, const std::vector<std::uint32_t>& sensors, std::uint64_t acknowledged) {
  const std::uint64_t stored = target.stored(sensors);
  if (stored != acknowledged)
    throw std::runtime_error(fmt::format("{} acknowledged {} readings and has {}", target.name(), acknowledged, stored));
}

void check_stored(figures& run, server& target, const std::vector<std::uint32_t>& sensors, std::uint64_t acknowledged) try {
  check_stored(target, sensors, acknowledged);
} catch (const std::runtime_error& wrong) {
  if (run.failure.empty()) run.failure = wrong.what();
}

figures measured(server& target, std::string_view unit, const std::function<load_result()>& run) {
  const usage before = target.used();
  load_result load = run();
  const auto answered = clock::now();
  target.settle();
  figures out;
  out.settle_seconds = seconds_since(answered);
  out.used = target.used();
  out.used.cpu_seconds = difference(out.used.cpu_seconds, before.cpu_seconds);
  if (out.used.fsyncs && before.fsyncs) *out.used.fsyncs -= *before.fsyncs;
  out.server = target.name();
  out.unit = unit;
  out.requests = load.requests;
  out.readings = load.readings;
  out.refused = load.refused;
  out.seconds = load.seconds;
  out.client_cpu_seconds = load.client_cpu_seconds;
  set_latency(out, std::move(load.latency_us));
  return out;
}

void measure_delays(figures& run, std::vector<std::uint32_t> delays_us) {
  run.requests = delays_us.size();
  set_latency(run, std::move(delays_us));
  run.result = run.p99_us / 1e3;
  run.less_is_better = true;
}

latency_figures summed_up(std::vector<std::uint32_t> latency_us) {
  if (latency_us.empty()) return {};
  std::sort(latency_us.begin(), latency_us.end());
  const auto at = [&](double q) {
    return static_cast<double>(latency_us[static_cast<std::size_t>(q * static_cast<double>(latency_us.size() - 1))]);
  };
  return {at(0.5), at(0.99), at(1)};
}

}  // namespace factory::bench
