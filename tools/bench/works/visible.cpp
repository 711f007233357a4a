#include "bench/works/visible.hpp"

#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/works.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr double probes_per_second = 100;
constexpr double looks_per_second = 1'000;  // per watcher; without a bound a watcher would take a core from the server
constexpr std::size_t watchers = 4;         // several sensors, so that a late alert delays few other probes
constexpr auto give_up = std::chrono::seconds(10);
constexpr int beyond_hundredths = 9'500, within_hundredths = 5'000;  // the limits are 10 and 90

/// Posts a reading beyond the limit, queries until its alert shows, and posts a reading that clears it.
class probe : public work {
 public:
  probe(const server& target, std::uint32_t sensor, std::int64_t time_ms)
      : target_(target), sensor_(sensor), time_ms_(time_ms), sign_(fmt::format("\"{}-{}000-", sensor, time_ms)) {}

  std::optional<std::string_view> next(std::size_t) override {
    switch (now_) {
      case step::breach:
        target_.single(request_, sensor_, beyond_hundredths, time_ms_);
        began_ = clock::now();
        break;
      case step::look:
        request_ = request_text("GET", fmt::format("/api/events?sensor_id={}&kind=alert_raised&limit=1", sensor_));
        break;
      case step::clear: target_.single(request_, sensor_, within_hundredths, time_ms_ + 1); break;
      case step::done: return std::nullopt;
    }
    return request_;
  }

  std::uint64_t check(std::size_t, const answer& got) override {
    if (now_ != step::look) {
      now_ = now_ == step::breach ? step::look : step::done;
      return target_.acknowledged(got, 1);
    }
    const auto took = clock::now() - began_;
    if (got.status != 200)
      throw std::runtime_error(fmt::format("a question for events was answered {} {}", got.status, got.body));
    if (got.body.find(sign_) == got.body.npos) {
      if (took > give_up) throw std::runtime_error("an alert is not among the events: " + std::string(got.body));
      return 0;
    }
    seen_after_us_ = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    now_ = step::clear;
    return 0;
  }

  std::int64_t seen_after_us() const { return seen_after_us_; }

 private:
  enum class step { breach, look, clear, done };
  const server& target_;
  std::uint32_t sensor_;
  std::int64_t time_ms_;
  std::string sign_;  // how the alert's id begins
  std::string request_;
  step now_ = step::breach;
  clock::time_point began_;
  std::int64_t seen_after_us_ = 0;
};

/// Runs the probes of one sensor for `seconds` under load; returns how long each alert took.
std::vector<std::uint32_t> probe_for(const server& target, std::uint32_t sensor, double begin_seconds, double seconds) {
  std::vector<std::uint32_t> seen_after_us;
  const time_line line = recent(10);
  const auto at = [begin = clock::now()](double s) {
    return begin + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(s));
  };
  for (double due = begin_seconds; due < seconds; due += watchers / probes_per_second) {
    if (clock::now() > at(due + watchers / probes_per_second)) continue;
    std::this_thread::sleep_until(at(due));
    probe one(target, sensor, line.at(seen_after_us.size()));
    run_load(target.port(), 1, one, 0, looks_per_second);
    seen_after_us.push_back(static_cast<std::uint32_t>(one.seen_after_us()));
  }
  return seen_after_us;
}

/// Runs all watchers in turn, one sensor each.
std::vector<std::uint32_t> probe_for(const server& target, const std::vector<std::uint32_t>& sensors, double seconds) {
  std::vector<std::future<std::vector<std::uint32_t>>> tried;
  for (std::size_t i = 0; i < sensors.size(); ++i)
    tried.push_back(std::async(std::launch::async, [&, i] {
      return probe_for(target, sensors[i], static_cast<double>(i) / probes_per_second, seconds);
    }));
  std::vector<std::uint32_t> seen_after_us;
  for (auto& each : tried) {
    const auto more = each.get();
    seen_after_us.insert(seen_after_us.end(), more.begin(), more.end());
  }
  return seen_after_us;
}

}  // namespace

figures run_visible(server& target, const workload_options& options) {
  const auto full_sensors = target.add_sensors(options.sensors);
  bulk_work full(target, body_shape::rows, full_sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const load_result reached = run_load(target.port(), options.bulk_connections, full, options.seconds);
  target.settle();
  check_stored(target, full_sensors, reached.readings);

  const auto sensors = target.add_sensors(options.sensors);
  const auto watched = target.add_sensors(watchers);
  bulk_work half(target, body_shape::rows, sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const double bodies_per_second = static_cast<double>(reached.requests) / reached.seconds / 2;
  std::vector<std::uint32_t> seen_after_us;
  figures out = measured(target, "ms p99", [&] {
    auto load = std::async(std::launch::async, [&] {
      return run_load(target.port(), options.bulk_connections, half, options.seconds, bodies_per_second);
    });
    seen_after_us = probe_for(target, watched, options.seconds);
    return load.get();
  });
  check_stored(out, target, sensors, out.readings);
  check_stored(out, target, watched, 2 * seen_after_us.size());
  out.note =
      fmt::format("{} alerts, beside {:.0f} readings/s after {:.0f} at full load", seen_after_us.size(),
                  static_cast<double>(out.readings) / out.seconds, static_cast<double>(reached.readings) / reached.seconds);
  measure_delays(out, std::move(seen_after_us));
  return out;
}

}  // namespace factory::bench
