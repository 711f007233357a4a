#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "pipelines/alarm/limit_order.hpp"

namespace factory {

/// The limits of all sensors of which nobody is told by the will of an operator, as the threshold actors last said. Thread-safe.
class shelf_book {
 public:
  struct entry {
    sensor_id sensor = 0;
    shelf on;
  };
  /// All that the sensor has now; none: forgets the sensor.
  void put(sensor_id sensor, std::vector<shelf> shelves) {
    const std::lock_guard lock(mutex_);
    if (shelves.empty())
      of_sensor_.erase(sensor);
    else
      of_sensor_[sensor] = std::move(shelves);
  }
  std::optional<shelf> find(sensor_id sensor, event_source source, rule_id rule, bool out_of_service) const {
    const std::lock_guard lock(mutex_);
    if (const auto found = of_sensor_.find(sensor); found != of_sensor_.end())
      for (const auto& each : found->second)
        if (each.source == source && each.rule == rule && each.out_of_service == out_of_service) return each;
    return std::nullopt;
  }
  std::vector<entry> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<entry> out;
    for (const auto& [sensor, shelves] : of_sensor_)
      for (const auto& each : shelves) out.push_back({sensor, each});
    return out;
  }

 private:
  mutable std::mutex mutex_;
  std::map<sensor_id, std::vector<shelf>> of_sensor_;  // guarded by mutex_; no list is empty
};

}  // namespace factory
