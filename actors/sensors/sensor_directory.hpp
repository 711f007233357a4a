#pragma once

#include <mutex>
#include <shared_mutex>
#include <vector>

#include "actors/interfaces.hpp"

namespace factory {

/// The current actor of each sensor. Read for every part of a group and by every query; written when a sensor is
/// created, deleted or rebuilt. An empty handle: no such sensor, or one that has failed for good. Thread-safe.
class sensor_directory {
 public:
  void put(sensor_id sensor, sensor_actor actor) {
    const std::unique_lock lock(mutex_);
    if (sensor >= actors_.size()) actors_.resize(sensor + 1U);
    actors_[sensor] = std::move(actor);
  }
  /// Removes and returns the handle.
  sensor_actor remove(sensor_id sensor) {
    const std::unique_lock lock(mutex_);
    return sensor < actors_.size() ? std::exchange(actors_[sensor], sensor_actor{}) : sensor_actor{};
  }
  sensor_actor find(sensor_id sensor) const {
    const std::shared_lock lock(mutex_);
    return sensor < actors_.size() ? actors_[sensor] : sensor_actor{};
  }
  /// Calls `visit(begin, end, actor)` for the parts of each sensor that has one, all under one lock: a put() comes before or after
  /// the whole.
  template <class Visit>
  void for_each(const std::vector<batch_group::rows>& parts, Visit visit) const {
    const std::shared_lock lock(mutex_);
    for (std::uint32_t begin = 0, end = 0; begin < parts.size(); begin = end) {
      const sensor_id sensor = parts[begin].of_flow.sensor;
      while (end < parts.size() && parts[end].of_flow.sensor == sensor) ++end;
      if (sensor < actors_.size() && actors_[sensor]) visit(begin, end, actors_[sensor]);
    }
  }
  template <class Visit>
  void for_each(Visit visit) const {
    const std::shared_lock lock(mutex_);
    for (sensor_id sensor = 0; sensor < actors_.size(); ++sensor)
      if (actors_[sensor]) visit(sensor, actors_[sensor]);
  }
  void clear() {
    const std::unique_lock lock(mutex_);
    actors_.clear();
  }

 private:
  mutable std::shared_mutex mutex_;
  std::vector<sensor_actor> actors_;
};

}  // namespace factory
