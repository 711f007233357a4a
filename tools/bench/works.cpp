#include "works.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace factory::bench {

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

latency_figures summed_up(std::vector<std::uint32_t> latency_us) {
  if (latency_us.empty()) return {};
  std::sort(latency_us.begin(), latency_us.end());
  const auto at = [&](double q) {
    return static_cast<double>(latency_us[static_cast<std::size_t>(q * static_cast<double>(latency_us.size() - 1))]);
  };
  return {at(0.5), at(0.99), at(1)};
}

}  // namespace factory::bench
