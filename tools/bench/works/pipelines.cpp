#include "bench/works/pipelines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/load.hpp"
#include "bench/works.hpp"
#include "pipelines/stream/stream_instance.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr std::size_t pipelines_per_body = 1'000;
constexpr std::size_t timed_readings = 100'000, readings_per_entry = 10;
constexpr std::int64_t step_us = 100'000, begin_us = 1'767'225'600'000'000;

std::string window_over(std::uint32_t sensor, std::size_t number) {
  return fmt::format(
      R"({{"name":"window {0}","sources":{{"a":{{"sensor_id":{1}}}}},"steps":[{{"window":{{"tumbling_ms":1000}},"aggregate":"mean"}}],)"
      R"("sinks":[{{"sensor":{{"name":"window {0}"}}}}]}})",
      number, sensor);
}

void add_pipelines(const server& target, const std::vector<std::uint32_t>& sensors, std::size_t count) {
  for (std::size_t made = 0; made < count;) {
    std::string body = "[";
    for (const auto end = std::min(count, made + pipelines_per_body); made < end; ++made)
      body += (body.size() > 1 ? "," : "") + window_over(sensors[made % sensors.size()], made);
    const auto answer = ask_once(target.port(), request_text("POST", "/api/pipelines", "application/json", body + "]"));
    if (answer.status != 201) throw std::runtime_error(fmt::format("pipelines: {} {}", answer.status, answer.body));
  }
}

struct timed_step {
  const char *name, *steps;
  std::size_t sources = 1;
};

constexpr timed_step timed_steps[] = {
    {"compute", R"({"compute":"a * 2 + 1"})"},
    {"filter", R"({"filter":"a > 500"})"},
    {"align, compute", R"({"align":{"tolerance_ms":1000}},{"compute":"a - b"})", 2},
    {"align on lines, compute", R"({"align":{"tolerance_ms":1000,"interpolate":true}},{"compute":"a - b"})", 2},
    {"derivative", R"({"derivative":{}})"},
    {"ewma", R"({"ewma":{"time_constant_ms":60000}})"},
    {"accumulate", R"({"accumulate":{}})"},
    {"limit", R"({"limit":{"above":900,"deadband":10,"on_delay_ms":1000}})"},
    {"detector spike", R"({"detector":"spike"})"},
    {"tumbling, mean", R"({"window":{"tumbling_ms":60000},"aggregate":"mean"})"},
    {"tumbling, median", R"({"window":{"tumbling_ms":60000},"aggregate":"median"})"},
    {"hopping, 6 at a time", R"({"window":{"hopping_ms":60000,"every_ms":10000},"aggregate":"mean"})"},
    {"sliding, 600 rows", R"({"window":{"sliding_ms":60000},"aggregate":"mean"})"},
    {"sliding, 600 rows, slope", R"({"window":{"sliding_ms":60000},"aggregate":"slope"})"},
    {"session", R"({"window":{"session_ms":1000},"aggregate":"mean"})"},
    {"count", R"({"window":{"count":600},"aggregate":"mean"})"},
    {"state", R"({"window":{"state":"a > 500"},"aggregate":"duration"})"},
};

/// Nanoseconds a reading, in order of time, with entries of ten readings of each source.
double cost_ns(const timed_step& of) {
  const auto spec = parse_pipeline(
      fmt::format(R"({{"name":"x","sources":{{"a":{{"sensor_id":1}}{}}},"steps":[{}],"sinks":[{{"sensor":{{"name":"y"}}}}]}})",
                  of.sources == 2 ? R"(,"b":{"sensor_id":2})" : "", of.steps));
  if (!spec) throw std::runtime_error(spec.error().message);
  stream_instance instance(stream_plan::of(*spec), {});
  std::vector<std::vector<std::int64_t>> times_us(of.sources);
  std::vector<std::vector<double>> values(of.sources);
  stream_told told;
  std::uint32_t random = 1;
  std::size_t taken = 0;
  clock::duration spent{};
  for (std::int64_t time_us = begin_us; taken < timed_readings;) {
    std::vector<source_rows> rows;
    for (auto& each : times_us) each.clear();
    for (auto& each : values) each.clear();
    for (std::size_t i = 0; i < readings_per_entry; ++i, time_us += step_us)
      for (std::size_t source = 0; source < of.sources; ++source) {
        random = random * 1'664'525U + 1'013'904'223U;
        times_us[source].push_back(time_us + static_cast<std::int64_t>(source) * step_us / 2);
        values[source].push_back(static_cast<double>(random >> 22U));
      }
    for (std::size_t source = 0; source < of.sources; ++source) rows.push_back({source, times_us[source], values[source]});
    const auto begun = clock::now();
    told.results.clear();
    instance.apply(time_us, rows, told);
    spent += clock::now() - begun;
    taken += readings_per_entry * of.sources;
  }
  return std::chrono::duration<double, std::nano>(spent).count() / static_cast<double>(taken);
}

}  // namespace

figures run_pipelines(server& target, std::size_t instances, const workload_options& options) {
  const auto sensors = target.add_sensors(options.sensors);
  add_pipelines(target, sensors, instances);
  bulk_work bodies(target, body_shape::rows, sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  figures out =
      measured(target, "readings/s", [&] { return run_load(target.port(), options.bulk_connections, bodies, options.seconds); });
  out.result = static_cast<double>(out.readings) / out.seconds;
  check_stored(out, target, sensors, out.readings);
  return out;
}

void run_step_costs() {
  fmt::print("{:<26} {:>12}\n", "step", "ns a reading");
  for (const auto& each : timed_steps) fmt::print("{:<26} {:>12.0f}\n", each.name, cost_ns(each));
}

}  // namespace factory::bench
