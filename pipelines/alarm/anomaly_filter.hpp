#pragma once

#include <cstdint>
#include <string>

#include "pipelines/detect/detector.hpp"
#include "pipelines/model/severity.hpp"

namespace factory {

constexpr std::uint32_t detector_bit(detector id) { return 1U << static_cast<unsigned>(id); }

/// Which anomalies a rule is about. The defaults are all.
struct anomaly_filter {
  double score = 1;                   ///< at least; 1 is the boundary of the detectors
  severity level = severity::medium;  ///< at least
  std::uint32_t detectors = 0;        ///< bits of what they are taken for, detector_bit(); 0: any
  bool operator==(const anomaly_filter&) const = default;
};

/// For tables that people read: `drift level_shift`; `any`.
std::string detectors_text(std::uint32_t bits);

}  // namespace factory
