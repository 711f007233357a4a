#include "bench/works/endurance.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/works.hpp"
#include "bench/works/catalog_work.hpp"

namespace factory::bench {

namespace {

constexpr std::size_t overload_factor = 10;
constexpr std::size_t fewest_to_judge = 12;  // stretches; fewer are warming up

/// One kind of load in the mix.
struct part {
  std::string name;
  work& what;
  std::size_t connections;
  double requests_per_second = 0;  ///< 0 = as fast as it is answered
};

/// All parts at once for some seconds, each on a thread and connections of its own.
std::vector<load_result> run_parts(std::uint16_t port, const std::vector<part>& parts, double seconds) {
  std::vector<std::future<load_result>> running;
  for (const part& each : parts)
    running.push_back(std::async(std::launch::async, [&each, port, seconds] {
      return run_load(port, each.connections, each.what, seconds, each.requests_per_second);
    }));
  std::vector<load_result> ended;
  for (auto& each : running) ended.push_back(each.get());
  return ended;
}

int stretch_count(double seconds) { return static_cast<int>(std::clamp(seconds / 5, 4.0, 60.0)); }

/// Stretch after stretch; `first` is the part whose figures are the result's.
figures endured(server& target, const std::vector<part>& parts, const workload_options& options) {
  figures out;
  out.server = target.name();
  out.unit = "readings/s";
  std::vector<std::uint32_t> latency_us;
  const usage before = target.used();
  const int count = stretch_count(options.seconds);
  for (int i = 0; i < count; ++i) {
    auto results = run_parts(target.port(), parts, options.seconds / count);
    const usage now = target.used();
    stretch seen{0, now.rss_bytes.value_or(0), now.open_files.value_or(0), {}};
    double took = 0;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      auto& result = results[p];
      took = std::max(took, result.seconds);
      out.refused += result.refused;
      out.client_cpu_seconds += result.client_cpu_seconds;
      seen.parts.push_back({parts[p].name, result.requests, result.refused, summed_up(result.latency_us).p99_us});
    }
    out.requests += results[0].requests;
    out.readings += results[0].readings;
    latency_us.insert(latency_us.end(), results[0].latency_us.begin(), results[0].latency_us.end());
    out.seconds += took;
    seen.until_seconds = out.seconds;
    if (options.on_stretch) options.on_stretch(seen);
    out.stretches.push_back(std::move(seen));
  }
  target.settle();
  out.used = target.used();
  if (out.used.cpu_seconds && before.cpu_seconds) *out.used.cpu_seconds -= *before.cpu_seconds;
  if (out.used.fsyncs && before.fsyncs) *out.used.fsyncs -= *before.fsyncs;
  out.result = static_cast<double>(out.readings) / out.seconds;
  const auto all = summed_up(std::move(latency_us));
  out.p50_us = all.p50_us;
  out.p99_us = all.p99_us;
  out.max_us = all.max_us;
  return out;
}

workload_options smaller_history(workload_options options) {
  options.sensors = std::min<std::size_t>(options.sensors, 100);
  options.query_connections = 4;
  return options;
}

struct quarter_figures {
  std::uint64_t most_memory = 0;
  std::uint64_t fewest_files = UINT64_MAX;  ///< connections may still be closing at the end of a stretch
};

quarter_figures figures_of(std::span<const stretch> quarter) {
  quarter_figures out;
  for (const auto& each : quarter) {
    out.most_memory = std::max(out.most_memory, each.rss_bytes);
    out.fewest_files = std::min(out.fewest_files, each.open_files);
  }
  return out;
}

}  // namespace

std::string grown(const std::vector<stretch>& stretches) {
  if (stretches.size() < fewest_to_judge) return {};
  const std::span all(stretches);
  const auto quarter = all.size() / 4;
  const auto before = figures_of(all.subspan(quarter, quarter));
  const auto last = figures_of(all.last(quarter));
  if (last.most_memory > before.most_memory + before.most_memory / 8 + (32UL << 20))
    return fmt::format("memory grew from {} to {} MiB", before.most_memory >> 20, last.most_memory >> 20);
  if (last.fewest_files > before.fewest_files + 64)
    return fmt::format("open files grew from {} to {}", before.fewest_files, last.fewest_files);
  return {};
}

std::string stretch_line(const stretch& of) {
  std::string line = fmt::format("{:>7.0f} s {:>7.1f} MiB {:>5} files", of.until_seconds,
                                 static_cast<double>(of.rss_bytes) / (1 << 20), of.open_files);
  for (const auto& each : of.parts)
    fmt::format_to(std::back_inserter(line), "   {} {} ({} refused) p99 {:.1f} ms", each.name, each.requests, each.refused,
                   each.p99_us / 1e3);
  return line + "\n";
}

std::size_t overload_in_flight(const workload_options& options) {
  return options.overload_connections * options.sensors / overload_factor;
}

figures run_overload(server& target, const workload_options& options) {
  const time_line line = recent(100);
  const workload_options asked = smaller_history(options);
  const auto history = with_history(target, asked, line);
  const auto sensors = target.add_sensors(options.sensors);
  // A millisecond a tick: bodies that were refused come later than others by less than the allowed lateness.
  bulk_work bodies(target, body_shape::rows, sensors, 1, recent(1), options.overload_connections);
  query_work queries(target, history, line, asked);
  figures out = endured(
      target, {{"bodies", bodies, options.overload_connections}, {"queries", queries, asked.query_connections, 100}}, options);
  check_stored(out, target, sensors, out.readings);
  check_stored(out, target, history, asked.history * history.size());
  if (out.failure.empty()) out.failure = grown(out.stretches);
  return out;
}

figures run_soak(server& target, const workload_options& options) {
  const time_line line = recent(100);
  const workload_options asked = smaller_history(options);
  const auto history = with_history(target, asked, line);
  const auto in_bodies = target.add_sensors(options.sensors);
  const auto alone = target.add_sensors(asked.sensors);
  constexpr std::size_t body_connections = 4, single_connections = 16;
  bulk_work bodies(target, body_shape::rows, in_bodies, options.ticks_per_body, line, body_connections);
  single_work singles(target, alone, single_connections);
  query_work queries(target, history, line, asked);
  catalog_work changes(target.port());
  figures out = endured(target,
                        {{"bodies", bodies, body_connections, 20},
                         {"singles", singles, single_connections, 500},
                         {"queries", queries, asked.query_connections, 100},
                         {"changes", changes, 1, 10}},
                        options);
  std::uint64_t single_readings = 0;
  for (const auto& each : out.stretches) single_readings += each.parts[1].requests;
  check_stored(out, target, in_bodies, out.readings);
  check_stored(out, target, alone, single_readings);
  check_stored(out, target, history, asked.history * history.size());
  if (out.failure.empty()) out.failure = grown(out.stretches);
  return out;
}

}  // namespace factory::bench
