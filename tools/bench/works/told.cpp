#include "bench/works/told.hpp"

#include <chrono>
#include <future>
#include <map>

#include <fmt/format.h>

#include "bench/load.hpp"
#include "bench/webhooks.hpp"
#include "bench/works.hpp"

namespace factory::bench {

namespace {

using clock = std::chrono::steady_clock;
constexpr double probes_per_second = 100;
constexpr std::size_t watched_sensors = 4;
constexpr int beyond_hundredths = 9'500, within_hundredths = 5'000;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Readings beyond and within the limit, one after the other, of the sensors in turn; keeps when each breach was posted.
class probes : public work {
 public:
  probes(const server& target, std::vector<std::uint32_t> sensors, std::vector<std::uint32_t> rules)
      : target_(target), sensors_(std::move(sensors)), rules_(std::move(rules)) {}

  std::optional<std::string_view> next(std::size_t) override {
    const std::size_t probe = count_ / 2, which = probe % sensors_.size();
    const bool breach = count_++ % 2 == 0;
    target_.single(request_, sensors_[which], breach ? beyond_hundredths : within_hundredths, ++time_ms_);
    if (breach)
      posted[fmt::format("{}-{}000-alert_rule-{}:alert_raised:0", sensors_[which], time_ms_, rules_[which])] = clock::now();
    return request_;
  }
  std::uint64_t check(std::size_t, const answer& got) override { return target_.acknowledged(got, 1); }

  webhook_times posted;

 private:
  const server& target_;
  std::vector<std::uint32_t> sensors_, rules_;
  std::string request_;
  std::size_t count_ = 0;
  std::int64_t time_ms_ = now_ms() - 600'000;
};

}  // namespace

figures run_told(server& target, const workload_options& options) {
  const auto full_sensors = target.add_sensors(options.sensors);
  bulk_work full(target, body_shape::rows, full_sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const load_result reached = run_load(target.port(), options.bulk_connections, full, options.seconds);
  target.settle();

  webhook_receiver shift;
  const auto channel = add_webhook(target, shift);
  const auto sensors = target.add_sensors(options.sensors);
  const auto watched = target.add_sensors(watched_sensors);
  std::vector<std::uint32_t> rules;
  for (const auto sensor : watched)
    rules.push_back(post_json(
        target, "/api/rules",
        fmt::format(R"({{"sensor_id":{},"name":"hot","condition":"GREATER_THAN","high":90,"channels":[{}]}})", sensor, channel)));
  bulk_work half(target, body_shape::rows, sensors, options.ticks_per_body, recent(100), options.bulk_connections);
  const double bodies_per_second = static_cast<double>(reached.requests) / reached.seconds / 2;
  probes asked(target, watched, rules);
  std::vector<std::uint32_t> after_us;
  figures out = measured(target, "ms p99", [&] {
    auto load = std::async(std::launch::async, [&] {
      return run_load(target.port(), options.bulk_connections, half, options.seconds, bodies_per_second);
    });
    run_load(target.port(), 1, asked, options.seconds, 2 * probes_per_second);
    after_us = told_after_us(asked.posted, shift);
    return load.get();
  });
  out.note =
      fmt::format("{} alerts, beside {:.0f} readings/s after {:.0f} at full load", after_us.size(),
                  static_cast<double>(out.readings) / out.seconds, static_cast<double>(reached.readings) / reached.seconds);
  measure_delays(out, std::move(after_us));
  return out;
}

}  // namespace factory::bench
