#include "simulate/feed.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace factory {

namespace {

/// {"sensor_id":[...],"timestamp":[...],"value":[...]}, written column by column; times in microseconds.
class columns {
 public:
  void add(sensor_id sensor, std::int64_t time_us, double value) {
    const char* const comma = ids_.size() == 0 ? "" : ",";
    fmt::format_to(std::back_inserter(ids_), "{}{}", comma, sensor);
    fmt::format_to(std::back_inserter(times_), "{}{}", comma, time_us);
    fmt::format_to(std::back_inserter(values_), "{}{}", comma, value);
  }
  std::string text() const {
    return fmt::format(R"({{"sensor_id":[{}],"timestamp":[{}],"value":[{}]}})", fmt::to_string(ids_), fmt::to_string(times_),
                       fmt::to_string(values_));
  }

 private:
  fmt::memory_buffer ids_, times_, values_;
};

}  // namespace

feed::feed(const std::vector<simulated_sensor>& sensors, const fault_policy& policy, std::int64_t begin_us, std::int64_t step_us)
    : sensors_(sensors), fault_begin_us_(sensors.size(), -1), step_us_(step_us) {
  for (const auto& sensor : sensors) signals_.emplace_back(sensor.plan->shape, sensor.plan->key, policy, begin_us, step_us);
}

std::string feed::take(std::int64_t end_us, std::size_t max_readings, std::vector<ledger_entry>& begun) {
  const auto most_steps = std::max<std::size_t>(1, max_readings / signals_.size());
  const std::int64_t until_us = std::min(end_us, next_time_us() + static_cast<std::int64_t>(most_steps) * step_us_);
  if (next_time_us() >= until_us) return {};
  columns body;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    auto& signal = signals_[i];
    while (signal.next_time_us() < until_us) {
      const std::int64_t time_us = signal.next_time_us();
      const auto value = signal.next();
      if (value) {
        body.add(sensors_[i].id, time_us, *value);
        ++reading_count_;
      }
      const auto& active = signal.active_fault();
      if (active && active->begin_us != fault_begin_us_[i]) {
        fault_begin_us_[i] = active->begin_us;
        begun.push_back({sensors_[i].id, sensors_[i].path, sensors_[i].plan->unit, *active});
      }
    }
  }
  return body.text();
}

expected<http_answer> post_readings(api_client& api, const std::string& body) {
  return api.post("/api/readings/bulk?precision=us", body);
}

}  // namespace factory
