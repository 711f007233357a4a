#include "bench/works/workloads.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/works.hpp"
#include "bench/works/endurance.hpp"
#include "bench/works/flood.hpp"
#include "bench/works/pipelines.hpp"
#include "bench/works/told.hpp"
#include "bench/works/visible.hpp"

namespace factory::bench {

namespace {

constexpr std::size_t fewest_sensors_to_tell = 1'000;  // fewer sensors would not show beside the server's own memory
constexpr std::chrono::seconds until_idle{3};          // for the server to free the memory of the load itself

/// Bodies of `ticks` readings of each of so many sensors.
figures run_bulk(server& target, body_shape shape, std::size_t sensor_count, std::uint64_t ticks,
                 const workload_options& options) {
  const auto sensors = target.add_sensors(sensor_count);
  bulk_work bodies(target, shape, sensors, ticks, recent(options.tick_ms), options.bulk_connections);
  figures out =
      measured(target, "readings/s", [&] { return run_load(target.port(), options.bulk_connections, bodies, options.seconds); });
  out.result = static_cast<double>(out.readings) / out.seconds;
  check_stored(out, target, sensors, out.readings);
  return out;
}

figures run_size(server& target, std::size_t readings, const workload_options& options) {
  const std::size_t sensors = std::min(readings, options.sensors);
  return run_bulk(target, body_shape::rows, sensors, readings / sensors, options);
}

figures run_single(server& target, const workload_options& options) {
  const auto sensors = target.add_sensors(options.sensors);
  single_work posts(target, sensors, options.single_connections);
  figures out =
      measured(target, "requests/s", [&] { return run_load(target.port(), options.single_connections, posts, options.seconds); });
  out.result = static_cast<double>(out.requests) / out.seconds;
  check_stored(out, target, sensors, out.readings);
  return out;
}

figures run_cardinality(server& target, std::size_t count, const workload_options& options) {
  const auto empty = target.used().rss_bytes;
  const auto sensors = target.add_sensors(count);
  const std::uint64_t ticks = std::max<std::uint64_t>(1, options.sensors * options.ticks_per_body / count);
  const time_line line =
      recent(ticks > 100 ? 1 : 100);  // bodies of several connections overtake one another by less than the allowed lateness
  bulk_work first(target, body_shape::rows, sensors, 1, line, 1, 1);
  const std::uint64_t before = run_load(target.port(), 1, first, 0).readings;
  target.settle();
  const bool telling = count >= fewest_sensors_to_tell;
  if (telling) std::this_thread::sleep_for(until_idle);
  const auto idle = target.used().rss_bytes;
  bulk_work bodies(target, body_shape::rows, sensors, ticks, {line.at(1), line.tick_ms}, options.bulk_connections);
  figures out =
      measured(target, "readings/s", [&] { return run_load(target.port(), options.bulk_connections, bodies, options.seconds); });
  out.result = static_cast<double>(out.readings) / out.seconds;
  if (empty && idle && telling)
    out.bytes_per_sensor = (static_cast<double>(*idle) - static_cast<double>(*empty)) / static_cast<double>(count);
  check_stored(out, target, sensors, before + out.readings);
  return out;
}

figures run_query(server& target, const workload_options& options) {
  const time_line line = recent(100);
  const auto sensors = with_history(target, options, line);
  query_work queries(target, sensors, line, options);
  figures out =
      measured(target, "queries/s", [&] { return run_load(target.port(), options.query_connections, queries, options.seconds); });
  out.result = static_cast<double>(out.requests) / out.seconds;
  return out;
}

figures run_mean(server& target, const workload_options& options) {
  const time_line line = recent(100);
  const auto sensors = with_history(target, options, line);
  const std::uint64_t from = (options.history - options.range) / 2;
  mean_work means(target, target.means(line.at(from), line.at(from + options.range)), sensors.size());
  figures out = measured(target, "s", [&] { return run_load(target.port(), 1, means, options.seconds); });
  out.result = out.p50_us / 1e6;
  out.less_is_better = true;
  return out;
}

}  // namespace

figures run_workload(const std::string& name, server& target, const workload_options& options) {
  const auto run = [&] {
    const auto bulk = [&](body_shape shape) { return run_bulk(target, shape, options.sensors, options.ticks_per_body, options); };
    if (name == "bulk-rows") return bulk(body_shape::rows);
    if (name == "bulk-columns") return bulk(body_shape::columns);
    if (name == "bulk-ndjson") return bulk(body_shape::ndjson);
    if (name == "single") return run_single(target, options);
    if (name == "query") return run_query(target, options);
    if (name == "mean") return run_mean(target, options);
    if (name == "visible") return run_visible(target, options);
    if (name == "told") return run_told(target, options);
    if (name == "flood") return run_flood(target, options);
    if (name == "overload") return run_overload(target, options);
    if (name == "soak") return run_soak(target, options);
    constexpr std::string_view cardinality = "cardinality-", size = "size-", pipelines = "pipelines-";
    if (name.starts_with(pipelines)) return run_pipelines(target, std::stoul(name.substr(pipelines.size())), options);
    if (name.starts_with(size)) return run_size(target, std::stoul(name.substr(size.size())), options);
    if (name.starts_with(cardinality)) return run_cardinality(target, std::stoul(name.substr(cardinality.size())), options);
    throw std::runtime_error("no such work: " + name);
  };
  figures out = run();
  out.work = name;
  return out;
}

}  // namespace factory::bench
