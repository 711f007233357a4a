#pragma once

#include <unordered_map>
#include <vector>

#include "actors/interfaces.hpp"
#include "pipelines/alarm/judged_alarms.hpp"

namespace factory {

struct anomaly_actor_state {
  anomaly_actor_state() = default;  // no aggregate: CAF would fill its first member with the self pointer
  static inline const char* name = "anomaly";
  threshold_actor thresholds;  ///< of the same sensors; snapshots go on to it
  persistence store;
};
anomaly_actor::behavior_type anomaly(anomaly_actor::stateful_pointer<anomaly_actor_state> self, threshold_actor thresholds,
                                     persistence store);

struct threshold_actor_state {
  threshold_actor_state() = default;
  static inline const char* name = "threshold";
  struct watched_sensor {
    judged_alarms alarms;
    std::uint64_t applied_sequence = 0;  ///< newest entry that the alarms have seen
    std::int64_t asked_us = INT64_MAX;   ///< the instant that the tick book knows of
    std::vector<shelf> told_shelves;     ///< as tell_shelves knows them
  };
  std::unordered_map<sensor_id, watched_sensor> sensors;
  persistence store;
  std::shared_ptr<tick_book> ticks;
};
threshold_actor::behavior_type threshold(threshold_actor::stateful_pointer<threshold_actor_state> self, persistence store,
                                         std::shared_ptr<tick_book> ticks);

}  // namespace factory
