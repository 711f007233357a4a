#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/server.hpp"
#include "bench/works/workloads.hpp"

namespace factory::bench {

/// Thirty days ago, so that every run ends before the present: readings from the future are judged differently.
time_line recent(std::int64_t tick_ms);

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
    if (connections > few_connections) variants_ = 1;  // the client's memory
    for (std::size_t i = 0; i < connections * variants_; ++i) requests_.push_back(target.bulk(shape, sensors, ticks, i));
  }

  std::optional<std::string_view> next(std::size_t connection) override {
    if (next_tick_ >= last_tick_) return std::nullopt;
    const std::size_t turn = turns_[connection]++ % variants_;
    const std::uint64_t first = next_tick_;
    next_tick_ += ticks_;
    return requests_[connection * variants_ + turn].at(line_, first);
  }

  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, readings_); }

 private:
  static constexpr std::size_t few_connections = 64;
  std::size_t variants_ = 4;
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

/// Sensors with the history that queries ask for.
std::vector<std::uint32_t> with_history(server& target, const workload_options& options, const time_line& line);

/// Throws when the server has not stored exactly the acknowledged readings.
void check_stored(server& target, const std::vector<std::uint32_t>& sensors, std::uint64_t acknowledged);

/// The same for a run that has ended; records the failure in its figures.
void check_stored(figures& run, server& target, const std::vector<std::uint32_t>& sensors, std::uint64_t acknowledged);

/// Runs a load and takes the server's figures around it.
figures measured(server& target, std::string_view unit, const std::function<load_result()>& run);

/// p50, p99 and maximum of latencies, in microseconds; 0 of none.
struct latency_figures {
  double p50_us = 0, p99_us = 0, max_us = 0;
};
latency_figures summed_up(std::vector<std::uint32_t> latency_us);

/// Makes delays, in microseconds, what the run is about: its result is their p99 in milliseconds.
void measure_delays(figures& run, std::vector<std::uint32_t> delays_us);

}  // namespace factory::bench
