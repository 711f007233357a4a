#include "workloads.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>

#include "load.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point from) { return std::chrono::duration<double>(clock::now() - from).count(); }

/// Thirty days ago: room for every run before the present, since readings from the future would be judged differently.
time_line recent(std::int64_t tick_ms) {
  const auto hours =
      std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now().time_since_epoch()) - std::chrono::hours(30 * 24);
  return {std::chrono::milliseconds(hours).count(), tick_ms};
}

/// Bodies of all sensors, each body the next ticks; a few variants per connection so that values differ from body to body.
class bulk_work : public work {
 public:
  bulk_work(const server& target, body_shape shape, const std::vector<std::uint32_t>& sensors, std::uint64_t ticks,
            time_line line, std::size_t connections, std::uint64_t last_tick = UINT64_MAX)
      : target_(target),
        ticks_(ticks),
        readings_(ticks * sensors.size()),
        line_(line),
        turns_(connections),
        last_tick_(last_tick) {
    for (std::size_t i = 0; i < connections * variants; ++i) requests_.push_back(target.bulk(shape, sensors, ticks, i));
  }

  std::optional<std::string_view> next(std::size_t connection) override {
    if (next_tick_ >= last_tick_) return std::nullopt;
    const std::size_t turn = turns_[connection]++ % variants;
    const std::uint64_t first = next_tick_;
    next_tick_ += ticks_;
    return requests_[connection * variants + turn].at(line_, first);
  }

  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, readings_); }

 private:
  static constexpr std::size_t variants = 4;
  const server& target_;
  std::uint64_t ticks_, readings_;
  time_line line_;
  std::vector<bulk_request> requests_;
  std::vector<std::size_t> turns_;
  std::uint64_t next_tick_ = 0, last_tick_;
};

/// One reading a request, sensor after sensor, tick after tick.
class single_work : public work {
 public:
  single_work(const server& target, const std::vector<std::uint32_t>& sensors, std::size_t connections)
      : target_(target), sensors_(sensors), line_(recent(100)), requests_(connections) {}

  std::optional<std::string_view> next(std::size_t connection) override {
    const std::uint32_t sensor = sensors_[asked_ % sensors_.size()];
    const std::uint64_t tick = asked_++ / sensors_.size();
    target_.single(requests_[connection], sensor, measured_hundredths(sensor, tick), line_.at(tick));
    return requests_[connection];
  }

  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, 1); }

 private:
  const server& target_;
  const std::vector<std::uint32_t>& sensors_;
  time_line line_;
  std::vector<std::string> requests_;
  std::uint64_t asked_ = 0;
};

/// Five aggregates over ranges that begin anywhere, so that they fit no block.
class query_work : public work {
 public:
  query_work(const server& target, const std::vector<std::uint32_t>& sensors, time_line line, const workload_options& options)
      : target_(target), sensors_(sensors), line_(line), options_(options), requests_(options.query_connections) {}

  std::optional<std::string_view> next(std::size_t connection) override {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    const std::uint32_t sensor = sensors_[(state_ >> 33) % sensors_.size()];
    const std::uint64_t from = (state_ >> 13) % (options_.history - options_.range + 1);
    target_.five_aggregates(requests_[connection], sensor, line_.at(from), line_.at(from + options_.range));
    return requests_[connection];
  }

  std::uint64_t check(std::size_t, const answer& got) override {
    const std::uint64_t count = target_.aggregated_count(got);
    if (count != options_.range)
      throw std::runtime_error(fmt::format("a query over {} readings found {}: {}", options_.range, count, got.body));
    return count;
  }

 private:
  const server& target_;
  const std::vector<std::uint32_t>& sensors_;
  time_line line_;
  const workload_options& options_;
  std::vector<std::string> requests_;
  std::uint64_t state_ = 1;
};

/// The mean of every sensor, again and again.
class mean_work : public work {
 public:
  mean_work(const server& target, std::string request, std::size_t sensors)
      : target_(target), request_(std::move(request)), sensors_(sensors) {}
  std::optional<std::string_view> next(std::size_t) override { return request_; }
  std::uint64_t check(std::size_t, const answer& got) override {
    if (const auto count = target_.mean_count(got); count != sensors_)
      throw std::runtime_error(fmt::format("{} means for {} sensors", count, sensors_));
    return sensors_;
  }

 private:
  const server& target_;
  std::string request_;
  std::size_t sensors_;
};

/// Latencies become p50, p99 and maximum.
void take_latencies(figures& out, std::vector<std::uint32_t> latency_us) {
  if (latency_us.empty()) return;
  std::sort(latency_us.begin(), latency_us.end());
  const auto at = [&](double q) {
    return static_cast<double>(latency_us[static_cast<std::size_t>(q * static_cast<double>(latency_us.size() - 1))]);
  };
  out.p50_us = at(0.5);
  out.p99_us = at(0.99);
  out.max_us = at(1);
}

std::optional<double> difference(std::optional<double> after, std::optional<double> before) {
  return after && before ? std::optional(*after - *before) : std::nullopt;
}

/// Runs a load and takes the server's figures around it.
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
  take_latencies(out, std::move(load.latency_us));
  return out;
}

void check_stored(server& target, const std::vector<std::uint32_t>& sensors, std::uint64_t acknowledged) {
  const std::uint64_t stored = target.stored(sensors);
  if (stored != acknowledged)
    throw std::runtime_error(fmt::format("{} acknowledged {} readings and has {}", target.name(), acknowledged, stored));
}

figures run_bulk(server& target, body_shape shape, const workload_options& options) {
  const auto sensors = target.add_sensors(options.sensors);
  bulk_work bodies(target, shape, sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  figures out =
      measured(target, "readings/s", [&] { return run_load(target.port(), options.bulk_connections, bodies, options.seconds); });
  out.result = static_cast<double>(out.readings) / out.seconds;
  check_stored(target, sensors, out.readings);
  return out;
}

figures run_single(server& target, const workload_options& options) {
  const auto sensors = target.add_sensors(options.sensors);
  single_work posts(target, sensors, options.single_connections);
  figures out =
      measured(target, "requests/s", [&] { return run_load(target.port(), options.single_connections, posts, options.seconds); });
  out.result = static_cast<double>(out.requests) / out.seconds;
  check_stored(target, sensors, out.readings);
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
  const auto idle = target.used().rss_bytes;
  bulk_work bodies(target, body_shape::rows, sensors, ticks, {line.at(1), line.tick_ms}, options.bulk_connections);
  figures out =
      measured(target, "readings/s", [&] { return run_load(target.port(), options.bulk_connections, bodies, options.seconds); });
  out.result = static_cast<double>(out.readings) / out.seconds;
  if (empty && idle && count >= 1'000)  // fewer drown in what the server takes anyway
    out.bytes_per_sensor = (static_cast<double>(*idle) - static_cast<double>(*empty)) / static_cast<double>(count);
  check_stored(target, sensors, before + out.readings);
  return out;
}

/// Sensors with the history that queries ask for.
std::vector<std::uint32_t> with_history(server& target, const workload_options& options, const time_line& line) {
  if (options.history < options.range || options.history % options.ticks_per_body != 0)
    throw std::runtime_error("--history must be a multiple of --ticks and not less than --range");
  auto sensors = target.add_sensors(options.sensors);
  bulk_work bodies(target, body_shape::rows, sensors, options.ticks_per_body, line, 1, options.history);
  run_load(target.port(), 1, bodies, 0);
  target.settle();
  return sensors;
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
    if (name == "bulk-rows") return run_bulk(target, body_shape::rows, options);
    if (name == "bulk-columns") return run_bulk(target, body_shape::columns, options);
    if (name == "bulk-ndjson") return run_bulk(target, body_shape::ndjson, options);
    if (name == "single") return run_single(target, options);
    if (name == "query") return run_query(target, options);
    if (name == "mean") return run_mean(target, options);
    constexpr std::string_view cardinality = "cardinality-";
    if (name.starts_with(cardinality)) return run_cardinality(target, std::stoul(name.substr(cardinality.size())), options);
    throw std::runtime_error("no such work: " + name);
  };
  figures out = run();
  out.work = name;
  return out;
}

}  // namespace factory::bench
