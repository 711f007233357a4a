#include "bench/works/history.hpp"

#include <stdexcept>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/works.hpp"

namespace factory::bench {

namespace {

/// Ticks that make so many readings of all sensors.
std::uint64_t ticks_of(std::size_t readings, const workload_options& options) {
  const std::uint64_t ticks = readings / options.sensors;
  if (ticks * options.sensors != readings || ticks % options.ticks_per_body != 0 || ticks < options.range)
    throw std::runtime_error(fmt::format("a history is a multiple of {} readings and at least {}",
                                         options.sensors * options.ticks_per_body, options.sensors * options.range));
  return ticks;
}

figures asked(server& target, const std::vector<std::uint32_t>& sensors, const time_line& line, const workload_options& options) {
  query_work queries(target, sensors, line, options);
  return measured(target, "ms", [&] { return run_load(target.port(), 1, queries, options.seconds); });
}

}  // namespace

void run_history(server& target, const workload_options& options, const std::vector<std::size_t>& sizes,
                 const std::function<void(figures)>& ended) {
  const time_line line = recent(100);
  const auto sensors = target.add_sensors(options.sensors);
  workload_options anywhere = options, newest = options;
  anywhere.query_connections = newest.query_connections = 1;
  newest.history = options.range;
  std::uint64_t stored = 0;  // ticks
  for (const std::size_t size : sizes) {
    const std::uint64_t ticks = ticks_of(size, options);
    if (ticks <= stored) throw std::runtime_error("a history only grows: give rising sizes");
    bulk_work bodies(target, body_shape::columns, sensors, options.ticks_per_body, {line.at(stored), line.tick_ms},
                     options.bulk_connections, ticks - stored);
    run_load(target.port(), options.bulk_connections, bodies, 0);
    target.settle();
    stored = ticks;
    anywhere.history = ticks;
    const auto report = [&](std::string_view where, figures of) {
      of.work = fmt::format("{}-{}", where, size);
      of.result = of.p50_us / 1e3;
      of.less_is_better = true;
      if (of.used.rss_bytes) of.note = fmt::format("{} MiB of memory now", *of.used.rss_bytes >> 20);
      ended(std::move(of));
    };
    report("history", asked(target, sensors, line, anywhere));
    report("newest", asked(target, sensors, {line.at(ticks - options.range), line.tick_ms}, newest));
  }
  check_stored(target, sensors, stored * sensors.size());
}

}  // namespace factory::bench
