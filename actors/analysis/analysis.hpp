#pragma once

#include <memory>

#include "actors/analysis/stage.hpp"

namespace factory {

/// Records what the detectors of many sensors find.
std::unique_ptr<stage> make_anomaly_stage(const stage_parts& parts);
/// Keeps the alarm boards of many sensors and records alerts.
std::unique_ptr<stage> make_threshold_stage(const stage_parts& parts);

}  // namespace factory
