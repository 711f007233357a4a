#include <cmath>
#include <utility>
#include <vector>

#include "actors/analysis/analysis.hpp"
#include "actors/sensors/failure.hpp"
#include "pipelines/detect/z_score.hpp"

namespace factory {

namespace {

std::vector<event> judge(const suspect_readings& part, double z_threshold) {
  std::vector<event> found;
  const auto& flow = *part.flow;
  for (const auto& [row, mean, std_dev] : part.rows) {
    const auto value = flow.readings->value[row];
    const auto z = z_score(value, {mean, std_dev});
    if (!z || std::abs(*z) <= z_threshold) continue;
    const auto time_us = flow.readings->event_time_us[row];
    event anomaly;
    anomaly.key = {part.sensor, time_us, event_source::z_score, 0, event_kind::anomaly};
    anomaly.recorded_at_us = flow.received_at_us;
    anomaly.at_us = time_us;
    anomaly.value = value;
    anomaly.detail = z_score_detail{*z, mean, std_dev, z_threshold};
    anomaly.level = z_severity(*z);
    found.push_back(std::move(anomaly));
  }
  return found;
}

}  // namespace

anomaly_actor::behavior_type anomaly(anomaly_actor::stateful_pointer<anomaly_actor_state> self, threshold_actor thresholds,
                                     double z_threshold, persistence store) {
  self->state.thresholds = std::move(thresholds);
  self->state.z_threshold = z_threshold;
  self->state.store = std::move(store);
  fail_loudly(self, "the anomaly actor");
  return {
      [self](const suspect_readings& part) {
        auto found = judge(part, self->state.z_threshold);
        if (!found.empty()) self->state.store.write_events(std::move(found));
      },
      [self](const save_order& part) { self->send(self->state.thresholds, part); },
      [self](const drain_order& part) { self->send(self->state.thresholds, part); },
      [self](const retire_order& part) { self->send(self->state.thresholds, part); },
  };
}

}  // namespace factory
